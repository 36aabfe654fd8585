# SPDX-License-Identifier: Apache-2.0
"""The inside of files on their way out of a tar: contents, holes, owner, mode and attributes, all by descriptor."""

import errno
import os
import stat
from collections.abc import Iterable

from nova_container.errors import UnacceptableImage
from nova_container.image.tar_reader import Entry

_CAPABILITY = b'security.capability'
# VFS_CAP_REVISION_2 and _3 (linux/capability.h).
_CAPABILITY_BYTES = (20, 24)
_NOT_STORABLE = (errno.EOPNOTSUPP, errno.EPERM)
_TOO_LARGE = (errno.ENOSPC, errno.E2BIG, errno.ERANGE)


def write(file: int, pieces: Iterable[memoryview]) -> None:
    """Write the pieces to the open file.

    :raises OSError: the kernel refused.
    """
    for piece in pieces:
        while piece:
            piece = piece[os.write(file, piece):]


def write_sparse(file: int, entry: Entry, pieces: Iterable[memoryview]) -> None:
    """Write the stored segments to their places and leave holes between them.

    :raises OSError: the kernel refused; EFBIG if the file would be larger than the limit of the process.
    """
    os.ftruncate(file, entry.real_size)
    segments = iter(entry.segments or ())
    offset = left = 0
    for piece in pieces:
        while piece:
            while not left:
                offset, left = next(segments)
            written = os.pwrite(file, piece[:left], offset)
            piece, offset, left = piece[written:], offset + written, left - written


def dress(descriptor: int, entry: Entry) -> None:
    """Give the open file or directory its owner, mode and extended attributes.

    The order matters: a change of owner clears setuid bits and capabilities. What is right already is left alone,
    because each change is a transaction of the file system's journal.

    :raises UnacceptableImage: the attributes are more than the file system can hold.
    :raises OSError: the kernel refused.
    """
    found = os.fstat(descriptor)
    is_owned = (found.st_uid, found.st_gid) == (entry.uid, entry.gid)
    if not is_owned:
        os.fchown(descriptor, entry.uid, entry.gid)
    if not is_owned or stat.S_IMODE(found.st_mode) != entry.mode:
        os.fchmod(descriptor, entry.mode)
    for name, value in entry.xattrs.items():
        if may_keep(name, value):
            _set_xattr(descriptor, name, value, entry)


def dress_link(name: bytes, parent_fd: int, entry: Entry) -> None:
    """Give what cannot be opened, a link or a FIFO, its owner and time; it is not followed.

    :raises OSError: the kernel refused.
    """
    found = os.lstat(name, dir_fd=parent_fd)
    if (found.st_uid, found.st_gid) != (entry.uid, entry.gid):
        os.chown(name, entry.uid, entry.gid, dir_fd=parent_fd, follow_symlinks=False)
    os.utime(name, ns=(entry.mtime_ns, entry.mtime_ns), dir_fd=parent_fd, follow_symlinks=False)


def may_keep(name: bytes, value: bytes) -> bool:
    """Say whether an attribute of an image is stored: ``user.*`` and well-formed ``security.capability``.

    Never overlayfs's own, in either namespace, and no name that a PAX header cannot hold. The kernel bounds file
    capabilities by those of the container.
    """
    if name == _CAPABILITY:
        return len(value) in _CAPABILITY_BYTES
    is_plain = len(name) > len(b'user.') and b'\0' not in name and b'=' not in name
    return is_plain and name.startswith(b'user.') and not name.startswith(b'user.overlay.')


def _set_xattr(descriptor: int, name: bytes, value: bytes, entry: Entry) -> None:
    try:
        os.setxattr(descriptor, name, value)
    except OSError as error:
        if error.errno in _TOO_LARGE:
            raise UnacceptableImage(f'The entry {entry.shown} has too large extended attributes') from error
        if error.errno not in _NOT_STORABLE:
            raise
