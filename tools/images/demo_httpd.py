# SPDX-License-Identifier: Apache-2.0
"""demo-httpd: a web server whose page tells the host name, and whose console log tells that it started."""

from typing import Any

from tools.images import base
from tools.images.rootfs import Rootfs

NAME = 'demo-httpd'

RUN_DEFAULTS: dict[str, Any] = {
    'Entrypoint': ['/entrypoint'],
    'Cmd': ['httpd', '-f', '-p', '80', '-h', '/www'],
    'Env': ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
    'ExposedPorts': {'80/tcp': {}},
    'WorkingDir': '/',
}

# The server is a child: as process 1 it would not get SIGTERM, which it has no handler for, and every stop would take
# the whole grace time.
_ENTRYPOINT = '''#!/bin/sh
host=$(hostname)
echo "demo-httpd: starting on $host"
cat > /www/index.html <<EOF
<!DOCTYPE html>
<html><head><title>$host</title></head>
<body><h1>Hello from $host</h1><p>A container that is a Nova server.</p></body></html>
EOF
trap 'echo "demo-httpd: stopping"; kill $server 2>/dev/null; exit 0' TERM INT
"$@" &
server=$!
echo "demo-httpd: serving /www with: $*"
wait $server
code=$?
echo "demo-httpd: the server ended with $code"
exit $code
'''


def rootfs() -> Rootfs:
    """Return the file system.

    :raises PackageMissing: a Debian package is not installed.
    """
    tree = base.rootfs(NAME)
    tree.directory('www')
    tree.file('www/index.html', '<!DOCTYPE html>\n<title>demo-httpd</title>\n<p>demo-httpd has not started yet.</p>\n')
    tree.file('entrypoint', _ENTRYPOINT, 0o755)
    return tree
