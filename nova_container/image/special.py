# SPDX-License-Identifier: Apache-2.0
"""The places of a rootfs that a runtime mounts over, checked before it does.

An image whose final ``/dev``, ``/proc`` or ``/sys`` is a link sends the set-up of devices and masks to other places
(CVE-2026-41579, CVE-2026-47766), as does a ``/dev/null`` or ``/dev/console`` that is one (CVE-2025-31133,
CVE-2025-52565): refuse it while the layers are still only files.
"""

import os
import stat
from collections.abc import Iterator, Sequence

from nova_container.errors import UnacceptableImage
from nova_container.image import whiteout

_DIRECTORIES = ('dev', 'proc', 'sys')
_NO_LINKS_IN_DEV = ('null', 'console')

_Path = str | os.PathLike[str]


def check_special_directories(layer_dirs_bottom_first: Sequence[_Path]) -> None:
    """Check the places that runtimes mount over, as far as the merged layers have them.

    :param layer_dirs_bottom_first: unpacked layers, the base first.
    :raises UnacceptableImage: /dev, /proc or /sys is no real directory, or /dev/null or /dev/console is a link.
    """
    tops = [os.fspath(layer) for layer in reversed(layer_dirs_bottom_first)]
    for name in _DIRECTORIES:
        found = _topmost(tops, name)
        if found is not None and not stat.S_ISDIR(found.st_mode):
            raise UnacceptableImage(f'The image has a /{name} that is not a directory')
    devices = list(_merged_directories(tops, 'dev'))
    for name in _NO_LINKS_IN_DEV:
        found = _topmost(devices, name)
        if found is not None and stat.S_ISLNK(found.st_mode):
            raise UnacceptableImage(f'The image has a /dev/{name} that is a link')


def _topmost(directories: Sequence[str], name: str) -> os.stat_result | None:
    """Return the status of the name in the merged tree; none if it is missing or deleted."""
    for directory in directories:
        try:
            found = os.lstat(os.path.join(directory, name))
        except FileNotFoundError:
            continue
        return None if whiteout.is_whiteout(found) else found
    return None


def _merged_directories(layers: Sequence[str], name: str) -> Iterator[str]:
    """Give the real directories that make up one of the merged tree, the topmost first."""
    for layer in layers:
        place = os.path.join(layer, name)
        try:
            directory = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        except OSError:
            return
        try:
            yield place
            if whiteout.is_opaque(directory):
                return
        finally:
            os.close(directory)
