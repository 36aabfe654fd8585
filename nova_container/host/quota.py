# SPDX-License-Identifier: Apache-2.0
"""Project quotas of ext4 and XFS: how much may be in a folder, whoever writes it.

The folder gets a project of its own, which what is made in it inherits (ioctl FS_IOC_FSSETXATTR of linux/fs.h), and
the project a limit (quotactl(2), by quotactl_fd of Linux 5.14).
"""

import ctypes
import errno
import fcntl
import os
import struct
from collections.abc import Iterable
from pathlib import Path

from nova_container import errors

_LIBC = ctypes.CDLL(None, use_errno=True)
_QUOTACTL_FD = 443
_PROJECT_QUOTA = 2
_GET, _SET = 0x800007, 0x800008
_LIMIT = struct.Struct('=8QI4x')
"""struct if_dqblk: hard and soft limit in blocks of 1024, bytes used, then the same of inodes, times, what is valid."""
_BLOCK_LIMITS = 1
_ATTRIBUTES = struct.Struct('=5I8x')
"""struct fsxattr: flags, extent size, extents, project, size of extents that are copied on write."""
_GET_ATTRIBUTES, _SET_ATTRIBUTES = 0x801C581F, 0x401C5820
_INHERIT = 0x200
_OPTIONS = frozenset(('prjquota', 'pquota'))
_KINDS = frozenset(('ext4', 'xfs'))


def is_kept(path: Path, mountinfo: Path = Path('/proc/self/mountinfo')) -> bool:
    """Whether the file system that holds ``path`` keeps limits of projects."""
    device = os.stat(path).st_dev
    wanted = f'{os.major(device)}:{os.minor(device)}'
    for line in mountinfo.read_text(errors='replace').splitlines():
        left, _, right = line.partition(' - ')
        kind, _, options = right.split(' ', 2)
        if left.split()[2] == wanted and kind in _KINDS and _OPTIONS & set(options.split(',')):
            return True
    return False


def limit(folders: Iterable[Path], first_choice: int, size_bytes: int) -> int:
    """Let all that is ever in these folders, which are empty, have ``size_bytes`` together; returns their project.

    :param first_choice: the number to try first; the next that is free is taken.
    :raises HostFailure: the file system keeps no such limits.
    """
    chosen = list(folders)
    descriptor = _opened(chosen[0])
    try:
        project = first_choice
        while not _is_free(descriptor, project):
            project += 1
        blocks = max(size_bytes // 1024, 1)
        _control(descriptor, _SET, project, _LIMIT.pack(blocks, blocks, 0, 0, 0, 0, 0, 0, _BLOCK_LIMITS))
    except OSError as error:
        raise errors.HostFailure(f'The size of {chosen[0]} cannot be limited: {error.strerror}') from error
    finally:
        os.close(descriptor)
    for folder in chosen:
        _assign(folder, project)
    return project


def release(folder: Path, project: int) -> None:
    """Give back a project; silent where there are no quotas any more. ``folder`` is any of its file system."""
    descriptor = _opened(folder)
    try:
        _control(descriptor, _SET, project, _LIMIT.pack(0, 0, 0, 0, 0, 0, 0, 0, _BLOCK_LIMITS))
    except OSError as error:
        if error.errno not in (errno.ESRCH, errno.ENOSYS, errno.EINVAL):
            raise errors.HostFailure(f'A limit of {folder} cannot be given back: {error.strerror}') from error
    finally:
        os.close(descriptor)


def project_of(folder: Path) -> int:
    """The project of a folder; 0 is none."""
    descriptor = _opened(folder)
    try:
        attributes = bytearray(_ATTRIBUTES.size)
        fcntl.ioctl(descriptor, _GET_ATTRIBUTES, attributes)
        return int(_ATTRIBUTES.unpack(attributes)[3])
    except OSError:
        return 0
    finally:
        os.close(descriptor)


def _assign(folder: Path, project: int) -> None:
    descriptor = _opened(folder)
    try:
        attributes = bytearray(_ATTRIBUTES.size)
        fcntl.ioctl(descriptor, _GET_ATTRIBUTES, attributes)
        flags, extent, extents, _, copied = _ATTRIBUTES.unpack(attributes)
        fcntl.ioctl(descriptor, _SET_ATTRIBUTES, _ATTRIBUTES.pack(flags | _INHERIT, extent, extents, project, copied))
    except OSError as error:
        raise errors.HostFailure(f'{folder} cannot be given a project: {error.strerror}') from error
    finally:
        os.close(descriptor)


def _is_free(descriptor: int, project: int) -> bool:
    """Nothing is in it, and nothing limits it."""
    try:
        found = _LIMIT.unpack(_control(descriptor, _GET, project, bytes(_LIMIT.size)))
    except OSError as error:
        if error.errno == errno.ENOENT:
            return True
        raise
    return found[:3] == (0, 0, 0)


def _control(descriptor: int, command: int, project: int, value: bytes) -> bytes:
    buffer = ctypes.create_string_buffer(value, len(value))
    if _LIBC.syscall(_QUOTACTL_FD, descriptor, ctypes.c_uint(command << 8 | _PROJECT_QUOTA), ctypes.c_uint(project),
                     buffer) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return buffer.raw


def _opened(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
