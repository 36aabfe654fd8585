# SPDX-License-Identifier: Apache-2.0
"""The places of a rootfs that a runtime mounts over, checked before it does.

An image whose final ``/dev``, ``/proc`` or ``/sys`` is a link sends the set-up of devices and masks to other places
(CVE-2026-41579, CVE-2026-47766, CVE-2025-31133): refuse it while the layers are still only files.
"""

import os
import stat
from collections.abc import Sequence

from nova_container.errors import UnacceptableImage
from nova_container.image import whiteout

_PLACES = ('dev', 'proc', 'sys')


def check_special_directories(layer_dirs_bottom_first: Sequence[str | os.PathLike[str]]) -> None:
    """Check that /dev, /proc and /sys, as far as the merged layers have them, are real directories.

    :param layer_dirs_bottom_first: unpacked layers, the base first.
    :raises UnacceptableImage: one is a link, a file or a device.
    """
    for place in _PLACES:
        found = _topmost(layer_dirs_bottom_first, place)
        if found is not None and not stat.S_ISDIR(found.st_mode):
            raise UnacceptableImage(f'The image has a /{place} that is not a directory')


def _topmost(layers: Sequence[str | os.PathLike[str]], name: str) -> os.stat_result | None:
    """Return the status of the name in the merged tree; none if it is missing or deleted."""
    for layer in reversed(layers):
        try:
            found = os.lstat(os.path.join(layer, name))
        except FileNotFoundError:
            continue
        return None if whiteout.is_whiteout(found) else found
    return None
