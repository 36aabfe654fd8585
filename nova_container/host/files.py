# SPDX-License-Identifier: Apache-2.0
"""Files written whole or not at all, locks, and trees removed without ever crossing into a mount."""

import contextlib
import ctypes
import errno
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from nova_container import errors

_LIBC = ctypes.CDLL(None, use_errno=True)
_COUNT_S = 60.0


def write_atomically(path: Path, content: bytes, *, mode: int = 0o600, durable: bool = True) -> None:
    """Write a file by a temporary sibling and a rename; ``durable`` also syncs file and folder."""
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.{os.urandom(4).hex()}')
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with open(descriptor, 'wb') as file:
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.rename(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file while the block runs, waiting for whoever holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Hold a lock file while the block runs. :raises AlreadyExists: another process holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(descriptor, 32, 0).decode('ascii', 'replace').strip() or 'unknown'
            raise errors.AlreadyExists(f'{path.parent} is in use by another engine (process {owner}): stop that one, '
                                       'or give this one a state_dir of its own') from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def remove_tree(path: Path) -> None:
    """Remove a folder and all below it, never what is mounted there; silent if there is none.

    Any depth takes a few descriptors and no recursion: a folder that is not empty is moved up beside the first
    level. A mount point can neither be moved nor removed (EBUSY), so nothing mounted is ever entered.

    :raises HostFailure: something below is a mount point, or the kernel refused.
    """
    try:
        top = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as error:
        raise errors.HostFailure(f'Cannot remove {path}: {error.strerror}') from error
    try:
        _empty(top)
        os.rmdir(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise errors.HostFailure(f'Cannot remove {path}: {error.strerror}') from error
    finally:
        os.close(top)


def _empty(top: int) -> None:
    """Remove all in a folder, one level at a time."""
    device = os.fstat(top).st_dev
    while names := os.listdir(top):
        for name in names:
            if not _removed(name, top):
                _empty_level(name, top, device)


def _empty_level(name: str, top: int, device: int) -> None:
    """Remove what is in the folder ``name``, move its full folders up to ``top``, and remove it."""
    try:
        level = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=top)
    except FileNotFoundError:
        return
    try:
        if os.fstat(level).st_dev != device:
            raise OSError(errno.EBUSY, 'something is mounted below: unmount it first')
        for below in os.listdir(level):
            if not _removed(below, level):
                os.rename(below, f'.removed-{os.urandom(8).hex()}', src_dir_fd=level, dst_dir_fd=top)
    finally:
        os.close(level)
    _removed(name, top)


def _removed(name: str, folder: int) -> bool:
    """Remove a file or an empty folder; False if it is a folder with something in it."""
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return True
    except IsADirectoryError:
        try:
            os.rmdir(name, dir_fd=folder)
        except FileNotFoundError:
            return True
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
            return False
    return True


def sync_filesystem(path: Path) -> None:
    """Write down everything of the file system that holds ``path`` (syncfs(2)). :raises HostFailure: it could not."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _LIBC.syncfs(descriptor):
            raise errors.HostFailure(f'Cannot sync {path}: {os.strerror(ctypes.get_errno())}')
    finally:
        os.close(descriptor)


def size_of_tree(path: Path) -> int:
    """Bytes of all files in a folder, those with several names once; what goes meanwhile does not count.

    :raises Unavailable: it takes too long.
    """
    total, seen = 0, set()
    deadline = time.monotonic() + _COUNT_S
    for _, _, names, folder in os.fwalk(path, onerror=None):
        if time.monotonic() > deadline:
            raise errors.Unavailable(f'The files in {path} could not be counted within {_COUNT_S:g} s')
        for name in names:
            try:
                found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except OSError:
                continue
            if found.st_nlink == 1 or (found.st_dev, found.st_ino) not in seen:
                total += found.st_size
                seen.add((found.st_dev, found.st_ino))
    return total


def disk_usage(path: Path) -> tuple[int, int, int]:
    """Total, used and free bytes of the file system that holds ``path``."""
    usage = shutil.disk_usage(path)
    return usage.total, usage.used, usage.free
