# SPDX-License-Identifier: Apache-2.0
"""Paths resolved inside one directory, component by component, whatever links it holds.

This is what ``openat2(RESOLVE_IN_ROOT)`` does, done with ``openat(O_NOFOLLOW)`` because Python 3.11 has no openat2:
an absolute link starts again at the root, ``..`` stops at the root (it goes back along our own descriptors, so a
directory that is moved meanwhile cannot lead outside), and magic links never come into play.
"""

import errno
import os
from collections.abc import Callable

MAX_LINKS = 40
MAX_DEPTH = 512
_CACHED = 128
_WALK = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def components(path: bytes) -> list[bytes]:
    """Split a path; empty components and ``.`` are dropped, ``..`` is kept."""
    return [part for part in path.split(b'/') if part not in (b'', b'.')]


class ConfinedRoot:
    """A directory that paths cannot leave.

    :param root_fd: an open directory; stays the caller's.
    :param make_directory: called with a directory descriptor and a name to make what is missing on the way.
    """

    def __init__(self, root_fd: int, make_directory: Callable[[int, bytes], None] | None = None) -> None:
        self._root_fd, self._make = root_fd, make_directory
        self._cache: dict[bytes, int] = {}

    def directory(self, path: bytes, *, make: bool = False) -> int:
        """Return a descriptor (O_PATH) of the directory, links followed inside the root; it is ours: do not close it.

        It stays open for the next 100 calls at least, unless :meth:`forget` is called.

        :param make: make the directories that are missing.
        :raises OSError: ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG as the kernel would.
        """
        found = self._cache.pop(path, None)
        if found is None:
            found = self._walk(components(path), make)
            if len(self._cache) >= _CACHED:
                os.close(self._cache.pop(next(iter(self._cache))))
        self._cache[path] = found
        return found

    def parent(self, path: bytes, *, make: bool = False) -> tuple[int, bytes]:
        """Return a descriptor of the directory that holds the last component, and that component, not followed.

        The component is empty if the path is the root itself.

        :raises OSError: as :meth:`directory`; EINVAL if the last component is ``..``.
        """
        parts = components(path)
        if not parts:
            return self.directory(b''), b''
        if parts[-1] == b'..':
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return self.directory(b'/'.join(parts[:-1]), make=make), parts[-1]

    def final(self, path: bytes, *, may_miss: bool = False) -> bytes:
        """Return the path inside the root, without links, of what the path leads to; a last link is followed.

        :param may_miss: what is not there counts as no link.
        :raises OSError: as :meth:`directory`; ENOENT if the last component is missing.
        """
        done: list[bytes] = []
        pending, links = components(path)[::-1], 0
        while pending:
            name = pending.pop()
            if name == b'..':
                done[-1:] = []
                continue
            try:
                target = _link_target(self.directory(b'/'.join(done)), name)
            except FileNotFoundError:
                if not may_miss:
                    raise
                target = None
            if target is None:
                done.append(name)
                continue
            links = _count_link(links)
            done = [] if target.startswith(b'/') else done
            pending += components(target)[::-1]
        return b'/'.join(done)

    def forget(self) -> None:
        """Close the cached descriptors. Needed after a directory or a link was removed."""
        for descriptor in self._cache.values():
            os.close(descriptor)
        self._cache.clear()

    def _walk(self, parts: list[bytes], make: bool) -> int:
        stack = [os.dup(self._root_fd)]
        try:
            self._descend(stack, parts[::-1], make)
            return stack.pop()
        finally:
            for descriptor in stack:
                os.close(descriptor)

    def _descend(self, stack: list[int], pending: list[bytes], make: bool) -> None:
        links = 0
        while pending:
            name = pending.pop()
            if name == b'..':
                if len(stack) > 1:
                    os.close(stack.pop())
                continue
            found = self._enter(stack[-1], name, make)
            if isinstance(found, int):
                stack.append(found)
                if len(stack) > MAX_DEPTH:
                    raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
                continue
            links = _count_link(links)
            if found.startswith(b'/'):
                while len(stack) > 1:
                    os.close(stack.pop())
            pending += components(found)[::-1]

    def _enter(self, parent_fd: int, name: bytes, make: bool) -> int | bytes:
        """Open the directory, or return the target if it is a link."""
        for attempt in (1, 2):
            try:
                return os.open(name, _WALK, dir_fd=parent_fd)
            except (FileNotFoundError, NotADirectoryError) as error:
                target = _link_target(parent_fd, name) if error.errno == errno.ENOTDIR else None
                if target is not None:
                    return target
                if not make or self._make is None or attempt == 2:
                    raise
                self._make(parent_fd, name)
        raise AssertionError('not reached')


def _link_target(parent_fd: int, name: bytes) -> bytes | None:
    """Return where a link leads, or none if it is something else.

    :raises FileNotFoundError: there is nothing.
    """
    try:
        return os.readlink(name, dir_fd=parent_fd)
    except OSError as error:
        if error.errno == errno.EINVAL:
            return None
        raise


def _count_link(links: int) -> int:
    if links >= MAX_LINKS:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return links + 1
