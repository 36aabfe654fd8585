# SPDX-License-Identifier: Apache-2.0
"""A directory tree walked by descriptors, while a container may change it under our feet.

No link is followed and no FIFO is waited for; what vanishes between two looks is left out.
"""

import contextlib
import dataclasses
import os
import stat
from collections.abc import Iterator

from nova_container.errors import UnacceptableImage

MAX_DEPTH = 256
MAX_PATH_BYTES = 4096
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# NONBLOCK: the file may have become a FIFO since it was looked at.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclasses.dataclass(slots=True)
class Found:
    """One file of a tree.

    :ivar path: relative to the top, bytes.
    :ivar parent_fd: the open directory that holds it, valid until the next one is asked for.
    :ivar status: of the file itself, never of what a link leads to.
    :ivar directory_fd: open if it is a directory, until its whole subtree has been given.
    """

    path: bytes
    name: bytes
    parent_fd: int
    status: os.stat_result
    directory_fd: int | None = None

    def open_file(self) -> int | None:
        """Open a regular file for reading; the caller closes it. None if it is no regular file any more."""
        try:
            file = os.open(self.name, _FILE, dir_fd=self.parent_fd)
        except OSError:
            return None
        if stat.S_ISREG(os.fstat(file).st_mode):
            return file
        os.close(file)
        return None


def walk(top_fd: int) -> Iterator[Found]:
    """Give all below the open directory: names in byte order, a directory before what it holds.

    :raises UnacceptableImage: deeper than 256 levels or a path longer than 4096 bytes.
    :raises OSError: a directory cannot be read.
    """
    stack = [(os.dup(top_fd), b'', _names(top_fd))]
    try:
        while stack:
            parent_fd, path, names = stack[-1]
            name = next(names, None)
            if name is None:
                os.close(stack.pop()[0])
                continue
            found = _look(parent_fd, path + b'/' + name if path else name, name)
            if found is None:
                continue
            if found.directory_fd is not None:
                stack.append((found.directory_fd, found.path, iter(())))
                _check_place(len(stack), found.path)
                stack[-1] = (found.directory_fd, found.path, _names(found.directory_fd))
            yield found
    finally:
        for descriptor, _, _ in stack:
            os.close(descriptor)


def _names(directory_fd: int) -> Iterator[bytes]:
    return iter(sorted(os.fsencode(name) for name in os.listdir(directory_fd)))


def _look(parent_fd: int, path: bytes, name: bytes) -> Found | None:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        status = os.lstat(name, dir_fd=parent_fd)
        if not stat.S_ISDIR(status.st_mode):
            return Found(path, name, parent_fd, status)
        directory = os.open(name, _DIRECTORY, dir_fd=parent_fd)
        return Found(path, name, parent_fd, os.fstat(directory), directory)
    return None


def _check_place(depth: int, path: bytes) -> None:
    if depth > MAX_DEPTH or len(path) > MAX_PATH_BYTES:
        raise UnacceptableImage(f'The directory {repr(path[:100])[1:]}... is too deep to be archived')
