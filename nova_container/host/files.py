# SPDX-License-Identifier: Apache-2.0
"""Files written whole or not at all, locks, and trees removed without ever crossing into a mount."""

import contextlib
import ctypes
import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from nova_container import errors

_LIBC = ctypes.CDLL(None, use_errno=True)


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
    """Remove a folder and all below it, on its own file system only; silent if there is none.

    :raises HostFailure: something below is a mount point, or the kernel refused.
    """
    try:
        device = os.lstat(path).st_dev
        _remove_below(path, device)
    except FileNotFoundError:
        return
    except OSError as error:
        raise errors.HostFailure(f'Cannot remove {path}: {error.strerror}') from error


def _remove_below(path: Path, device: int) -> None:
    """As rmtree, but stops at a mount point instead of emptying what is mounted there."""
    for directory, names, files, descriptor in os.fwalk(path, topdown=False, follow_symlinks=False):
        if os.fstat(descriptor).st_dev != device:
            raise OSError(errno.EBUSY, f'{directory} is on another file system: unmount it first')
        for name in files:
            os.unlink(name, dir_fd=descriptor)
        for name in names:
            _remove_name(name, descriptor)
    os.rmdir(path)


def _remove_name(name: str, descriptor: int) -> None:
    if stat.S_ISDIR(os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode):
        os.rmdir(name, dir_fd=descriptor)
    else:
        os.unlink(name, dir_fd=descriptor)


def sync_filesystem(path: Path) -> None:
    """Write down everything of the file system that holds ``path`` (syncfs(2)). :raises HostFailure: it could not."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _LIBC.syncfs(descriptor):
            raise errors.HostFailure(f'Cannot sync {path}: {os.strerror(ctypes.get_errno())}')
    finally:
        os.close(descriptor)


def disk_usage(path: Path) -> tuple[int, int, int]:
    """Total, used and free bytes of the file system that holds ``path``."""
    usage = shutil.disk_usage(path)
    return usage.total, usage.used, usage.free
