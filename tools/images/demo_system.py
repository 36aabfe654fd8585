# SPDX-License-Identifier: Apache-2.0
"""demo-system: a small server to log in to, as cirros is for virtual machines.

It starts sshd, takes the public key and the user data from the metadata service, and reaps what is orphaned. Busybox's
wget crashes on some URLs when linked statically, so metadata are read with nc and HTTP/1.0.
"""

from typing import Any

from tools.images import base, packages
from tools.images.rootfs import Rootfs

NAME = 'demo-system'

RUN_DEFAULTS: dict[str, Any] = {
    'Entrypoint': ['/init'],
    'Env': ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
    'ExposedPorts': {'22/tcp': {}},
    'WorkingDir': '/',
}

# A shell that sits in "wait" reaps every child, adopted ones too, and wakes for its traps.
_INIT = '''#!/bin/sh
say() { echo "demo-system: $*"; }
stopping=
stop() { stopping=yes; say "stopping"; kill -TERM -1; }
trap stop TERM INT

say "starting on $(hostname)"
[ -s /etc/dropbear/dropbear_ed25519_host_key ] || {
    dropbearkey -t ed25519 -f /etc/dropbear/dropbear_ed25519_host_key >/dev/null 2>&1 && say "made a host key"
}
/usr/sbin/metadata &
ip -o -4 addr show 2>/dev/null | while read -r _ link _ address _; do say "$link has $address"; done
while [ -z "$stopping" ]; do
    say "sshd is starting on port 22"
    dropbear -F -E -s -r /etc/dropbear/dropbear_ed25519_host_key &
    sshd=$!
    while [ -z "$stopping" ] && kill -0 $sshd 2>/dev/null; do wait $sshd; done
    [ -n "$stopping" ] || { say "sshd ended, starting it again"; sleep 1; }
done
say "stopped"
exit 0
'''

_METADATA = '''#!/bin/sh
# Usage: metadata. Takes the ssh key and the user data of this server, waiting for the service up to 60 s.
host=${METADATA_HOST:-169.254.169.254}
port=${METADATA_PORT:-80}
say() { echo "demo-system: $*"; }
get() {
    printf 'GET /2009-04-04/%s HTTP/1.0\\r\\nHost: %s\\r\\nConnection: close\\r\\n\\r\\n' "$1" "$host" |
        timeout 10 nc -w 5 "$host" "$port" 2>/dev/null > /run/answer || return 1
    head -n 1 /run/answer | grep -q ' 200 ' || return 2
    sed '1,/^\\r*$/d' /run/answer
}
trust() {
    mkdir -p "$1/.ssh"
    cat /run/key >> "$1/.ssh/authorized_keys"
    chmod 700 "$1/.ssh"; chmod 600 "$1/.ssh/authorized_keys"; chown -R "$2:$2" "$1/.ssh"
}
say "waiting for metadata at $host"
started=$(cut -d. -f1 /proc/uptime)
until get meta-data/instance-id > /run/instance-id; do
    [ $(( $(cut -d. -f1 /proc/uptime) - started )) -lt 60 ] || { say "no metadata after 60 s"; exit 1; }
    sleep 1
done
say "this is server $(cat /run/instance-id)"
if get meta-data/public-keys/0/openssh-key > /run/key && [ -s /run/key ]; then
    echo >> /run/key
    trust /root root; trust /home/demo demo
    say "the ssh key may log in as root and demo"
else
    say "there is no ssh key"
fi
if get user-data > /run/user-data && [ "$(head -c 2 /run/user-data)" = '#!' ]; then
    chmod 700 /run/user-data
    say "running the user data"
    /run/user-data
    say "the user data ended with $?"
fi
'''

_SUDO = '''#!/bin/sh
# Everybody who may log in here is root already, or stays who they are.
while [ $# -gt 0 ]; do
    case "$1" in
        -u|-g|-p) shift 2 ;;
        --) shift; break ;;
        -*) shift ;;
        *) break ;;
    esac
done
exec env "$@"
'''

_LSBLK = '''#!/bin/sh
# Enough of lsblk to list the disks of a container: none.
exit 0
'''


def rootfs() -> Rootfs:
    """Return the file system.

    :raises PackageMissing: a Debian package is not installed.
    """
    tree = base.rootfs(NAME)
    for path in ('/usr/sbin/dropbear', '/usr/bin/dropbearkey'):
        packages.add_program(tree, path, 'dropbear-bin')
    tree.directory('etc/dropbear', 0o700)
    for path in ('var/log/lastlog', 'var/log/wtmp', 'etc/motd'):
        tree.file(path, '')
    tree.link('var/run', '/run')
    tree.link('sbin/ip', '/bin/busybox')
    tree.file('init', _INIT, 0o755)
    tree.file('usr/sbin/metadata', _METADATA, 0o755)
    tree.file('usr/bin/sudo', _SUDO, 0o755)
    tree.file('usr/bin/lsblk', _LSBLK, 0o755)
    return tree
