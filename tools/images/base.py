# SPDX-License-Identifier: Apache-2.0
"""What every demo image has: busybox, accounts, and the directories a runtime mounts over."""

from tools.images import packages
from tools.images.rootfs import Rootfs

_PASSWD = ('root:x:0:0:root:/root:/bin/sh\ndemo:x:1000:1000:Demo:/home/demo:/bin/sh\n'
           'nobody:x:65534:65534::/:/bin/false\n')
_GROUP = 'root:x:0:\ntty:x:5:\ndemo:x:1000:\nnogroup:x:65534:\n'
_SHADOW = 'root:*:19700:0:99999:7:::\ndemo:*:19700:0:99999:7:::\nnobody:*:19700:0:99999:7:::\n'


def rootfs(name: str) -> Rootfs:
    """Return a file system with busybox, root and demo (uid 1000).

    :raises PackageMissing: busybox-static is not installed.
    """
    tree = Rootfs()
    for path in ('dev', 'proc', 'sys', 'run', 'etc', 'var/log'):
        tree.directory(path)
    tree.directory('tmp', 0o1777)
    tree.directory('root', 0o700)
    tree.directory('home/demo', 0o750, owner=1000)
    packages.add_busybox(tree)
    tree.file('etc/passwd', _PASSWD)
    tree.file('etc/group', _GROUP)
    tree.file('etc/shadow', _SHADOW, 0o640)
    tree.file('etc/shells', '/bin/sh\n')
    tree.file('etc/nsswitch.conf', 'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n')
    tree.file('etc/os-release', f'NAME="{name}"\nID={name}\nPRETTY_NAME="nova-container {name}"\n')
    return tree
