# SPDX-License-Identifier: Apache-2.0
"""demo-vnf: a network function: busybox with ip, and nft to load rules with."""

from typing import Any

from tools.images import base, packages
from tools.images.rootfs import Rootfs

NAME = 'demo-vnf'

RUN_DEFAULTS: dict[str, Any] = {
    'Entrypoint': ['/entrypoint'],
    'Env': ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
    'WorkingDir': '/',
}

_ENTRYPOINT = '''#!/bin/sh
# ROUTES has a line "NETWORK via ADDRESS" for each route; RULES is a file for nft, if there is one.
echo "${ROUTES:-}" | while read -r route; do
    [ -z "$route" ] || ip route replace $route
done
[ ! -s "${RULES:-/etc/vnf/rules.nft}" ] || nft -f "${RULES:-/etc/vnf/rules.nft}"
echo "demo-vnf: ready"
trap 'exit 0' TERM INT
[ $# = 0 ] || "$@" &
while :; do sleep 3600 & wait $!; done
'''


def rootfs() -> Rootfs:
    """Return the file system.

    :raises PackageMissing: a Debian package is not installed.
    """
    tree = base.rootfs(NAME)
    packages.add_program(tree, '/usr/sbin/nft', 'nftables')
    tree.directory('etc/vnf')
    tree.file('entrypoint', _ENTRYPOINT, 0o755)
    return tree
