# SPDX-License-Identifier: Apache-2.0
"""Programs taken from the Debian packages installed here, with the libraries they need."""

import re
import subprocess
from pathlib import Path

from tools.images.rootfs import Rootfs

_LIBRARY = re.compile(r'(/\S+) \(0x')


class PackageMissing(Exception):
    """A Debian package must be installed first; the text says which."""


def program(path: str, package: str) -> bytes:
    """Return the content of a program.

    :raises PackageMissing: it is not installed.
    """
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise PackageMissing(f'{path} is missing: install it with "apt-get install {package}"') from None


def add_program(rootfs: Rootfs, path: str, package: str) -> None:
    """Add a program at its own path, with the shared libraries that the loader names.

    :raises PackageMissing: it is not installed.
    """
    rootfs.file(path.lstrip('/'), program(path, package), 0o755)
    listed = subprocess.run(['/usr/bin/ldd', path], capture_output=True, text=True, check=True).stdout
    for library in _LIBRARY.findall(listed):
        # /lib and /lib64 are links to /usr in Debian; here they are plain directories with only these files.
        rootfs.file(library.lstrip('/'), Path(library).read_bytes(), 0o755)


def add_busybox(rootfs: Rootfs) -> None:
    """Add busybox, linked statically, and a link in /bin for each of its applets.

    :raises PackageMissing: it is not installed, or is the one that needs libraries.
    """
    content = program('/bin/busybox', 'busybox-static')
    if subprocess.run(['/usr/bin/ldd', '/bin/busybox'], capture_output=True, check=False).returncode == 0:
        raise PackageMissing('/bin/busybox is not static: install it with "apt-get install busybox-static"')
    rootfs.file('bin/busybox', content, 0o755)
    applets = subprocess.run(['/bin/busybox', '--list'], capture_output=True, text=True, check=True).stdout.split()
    for applet in applets:
        if applet != 'busybox':
            rootfs.link(f'bin/{applet}', 'busybox')
    rootfs.link('usr/bin/env', '/bin/busybox')
