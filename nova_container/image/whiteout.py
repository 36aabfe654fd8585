# SPDX-License-Identifier: Apache-2.0
"""Deletions in layers: ``.wh.`` names in a tar (OCI image-spec, layer.md), devices and xattrs in an overlay."""

import contextlib
import os
import stat

from nova_container.errors import UnacceptableImage

PREFIX = b'.wh.'
METADATA_PREFIX = b'.wh..wh.'
OPAQUE_NAME = b'.wh..wh..opq'
OPAQUE_XATTR = 'trusted.overlay.opaque'


def is_whiteout(found: os.stat_result) -> bool:
    """Say whether the status is that of overlayfs's mark of a deletion, a character device 0:0."""
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == 0


def is_opaque(directory: int | str | os.PathLike[str]) -> bool:
    """Say whether a directory (a path, or open) of an overlay's layer hides what lies below it."""
    with contextlib.suppress(OSError):
        return os.getxattr(directory, OPAQUE_XATTR) == b'y'
    return False


def mark_opaque(directory_fd: int) -> None:
    """Let the open directory hide what lies below it.

    :raises OSError: not root, or the file system has no trusted.* attributes.
    """
    os.setxattr(directory_fd, OPAQUE_XATTR, b'y')


def deleted_name(name: bytes) -> bytes:
    """Return the name that a ``.wh.`` name deletes.

    :raises UnacceptableImage: it would delete the directory itself or its parent.
    """
    deleted = name.removeprefix(PREFIX)
    if deleted in (b'', b'.', b'..'):
        raise UnacceptableImage(f'The layer holds the invalid whiteout {name!r}')
    return deleted


def is_metadata(parts: list[bytes]) -> bool:
    """Say whether the path is aufs's own data, to be ignored.

    :raises UnacceptableImage: a directory on the way has the name of a whiteout.
    """
    if parts[-1].startswith(METADATA_PREFIX) and parts[-1] != OPAQUE_NAME:
        return True
    for part in parts[:-1]:
        if part.startswith(METADATA_PREFIX):
            return True
        if part.startswith(PREFIX):
            raise UnacceptableImage(f'The layer has entries below the whiteout {part!r}')
    return False
