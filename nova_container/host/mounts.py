# SPDX-License-Identifier: Apache-2.0
"""Mounts, by system call: overlay through the new mount interface (any number of layers), bind, copy, unmount."""

import contextlib
import ctypes
import errno
import os
import threading
from collections.abc import Sequence
from pathlib import Path

from nova_container import errors
from nova_container.host import process

_LIBC = ctypes.CDLL(None, use_errno=True)
_OPEN_TREE, _MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT = 428, 429, 430, 431, 432
_FSCONFIG_SET_STRING, _FSCONFIG_CREATE = 1, 6
_MOVE_MOUNT_F_EMPTY_PATH = 4
_AT_FDCWD = -100
_CLOEXEC = 1
_MOUNT_ATTR_NODEV = 4
_OPEN_TREE_CLONE, _AT_RECURSIVE, _O_CLOEXEC = 1, 0x8000, os.O_CLOEXEC
_MS_NODEV, _MS_BIND, _MS_REC, _MS_UNBINDABLE, _MS_PRIVATE, _MS_SLAVE = 4, 4096, 16384, 1 << 17, 1 << 18, 1 << 19
_MNT_DETACH, _UMOUNT_NOFOLLOW = 2, 8
_PAGE = 4095
_MOUNT_S = 60.0
_LENDING = threading.Lock()
MAX_LAYERS = 500  # overlayfs refuses 501: OVL_MAX_STACK in the kernel's fs/overlayfs/ovl_entry.h


def _call(number: int, *arguments: object) -> int:
    result = int(_LIBC.syscall(number, *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def mount_overlay(target: Path, *, lower: Sequence[Path], upper: Path, work: Path) -> None:
    """Mount layers, topmost first in ``lower``, with a writable ``upper``; device nodes in them stay closed.

    :raises MountFailed: the kernel refused; the text says why.
    """
    if len(lower) > MAX_LAYERS:
        raise errors.MountFailed(f'{len(lower)} layers, but overlayfs takes at most {MAX_LAYERS}')
    try:
        try:
            _mount_by_fsopen(target, lower, upper, work)
        except OSError as error:
            if error.errno not in (errno.ENOSYS, errno.EINVAL):
                raise
            _mount_by_options(target, lower, upper, work)
    except OSError as error:
        raise errors.MountFailed(f'Cannot mount an overlay on {target}: {error.strerror}') from error


def _mount_by_fsopen(target: Path, lower: Sequence[Path], upper: Path, work: Path) -> None:
    context = _call(_FSOPEN, b'overlay', _CLOEXEC)
    try:
        for layer in lower:
            _set(context, b'lowerdir+', os.fsencode(layer))
        for key, value in ((b'upperdir', upper), (b'workdir', work)):
            _set(context, key, os.fsencode(value))
        _set(context, b'index', b'off')
        _set(context, b'redirect_dir', b'off')
        _set(context, b'source', b'nova-container')
        _call(_FSCONFIG, context, _FSCONFIG_CREATE, None, None, 0)
        mount = _call(_FSMOUNT, context, _CLOEXEC, _MOUNT_ATTR_NODEV)
        try:
            attach(mount, target)
        finally:
            os.close(mount)
    finally:
        os.close(context)


def _set(context: int, key: bytes, value: bytes) -> None:
    _call(_FSCONFIG, context, _FSCONFIG_SET_STRING, key, value, 0)


def _mount_by_options(target: Path, lower: Sequence[Path], upper: Path, work: Path) -> None:
    """For kernels before 6.8, whose option string is one page."""
    layers = ':'.join(map(str, lower))
    options = os.fsencode(f'lowerdir={layers},upperdir={upper},workdir={work},index=off,redirect_dir=off')
    if len(options) > _PAGE:
        raise OSError(errno.E2BIG, f'{len(lower)} layers need Linux 6.8 or newer')
    _mount(b'nova-container', os.fsencode(target), b'overlay', _MS_NODEV, options)


def _mount(source: bytes, target: bytes, kind: bytes | None, flags: int, options: bytes | None) -> None:
    if _LIBC.mount(source, target, kind, ctypes.c_ulong(flags), options):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def bind(source: Path, target: Path) -> None:
    """Show ``source`` at ``target`` as well. :raises MountFailed:"""
    try:
        _mount(os.fsencode(source), os.fsencode(target), None, _MS_BIND, None)
    except OSError as error:
        raise errors.MountFailed(f'Cannot bind {source} to {target}: {error.strerror}') from error


def mount_tmpfs(target: Path) -> None:
    """Mount a small empty file system in memory. :raises MountFailed:"""
    try:
        _mount(b'nova-container', os.fsencode(target), b'tmpfs', _MS_NODEV, b'size=1m,mode=755')
    except OSError as error:
        raise errors.MountFailed(f'Cannot mount a tmpfs on {target}: {error.strerror}') from error


def mount_filesystem(device: str, target: Path, *, kind: str, options: str = '') -> None:
    """Mount ``device`` with the options of mount(8). :raises MountFailed: mount refused; the text is its own."""
    wanted = ['-o', options] if options else []
    try:
        process.run('mount', '-t', kind, *wanted, '--', device, str(target), timeout_s=_MOUNT_S)
    except (errors.CommandFailed, errors.Unavailable) as error:
        raise errors.MountFailed(f'Cannot mount {device[:256]} ({kind[:32]}): {error}') from error


def make_slave(path: Path) -> None:
    """Let mounts made elsewhere come in, and none made here go out, from ``path`` down."""
    _mount(b'none', os.fsencode(path), None, _MS_REC | _MS_SLAVE, None)


def make_private(path: Path, *, recursive: bool) -> None:
    """Let no mounts come in or go out, in the mount at ``path`` or also in those below."""
    _mount(b'none', os.fsencode(path), None, _MS_PRIVATE | (_MS_REC if recursive else 0), None)


def hide(path: Path) -> None:
    """Leave the mount at ``path`` out of copies of the tree that it is in. :raises MountFailed: there is none."""
    try:
        _mount(b'none', os.fsencode(path), None, _MS_UNBINDABLE, None)
    except OSError as error:
        raise errors.MountFailed(f'Cannot hide the mount {path}: {error.strerror}') from error


def lend(path: Path) -> int:
    """A descriptor of a copy of a mount, which may be hidden and is again after this.

    :raises MountFailed: nothing is mounted there.
    """
    with _LENDING:
        try:
            make_private(path, recursive=False)
            return clone(path)
        except OSError as error:
            raise errors.MountFailed(f'Cannot copy the mount {path}: {error.strerror}') from error
        finally:
            with contextlib.suppress(errors.MountFailed):
                hide(path)


def clone(path: Path, *, recursive: bool = False) -> int:
    """A descriptor of a copy of what is mounted at ``path``, attached nowhere yet; ``recursive``: and below."""
    flags = _OPEN_TREE_CLONE | _O_CLOEXEC | (_AT_RECURSIVE if recursive else 0)
    return _call(_OPEN_TREE, _AT_FDCWD, os.fsencode(path), flags)


def attach(mount: int, target: Path) -> None:
    """Mount at ``target`` what the descriptor holds."""
    _call(_MOVE_MOUNT, mount, b'', _AT_FDCWD, os.fsencode(target), _MOVE_MOUNT_F_EMPTY_PATH)


def unmount(target: Path, *, detach: bool = False) -> None:
    """Unmount; silent if nothing is mounted there. ``detach`` does not wait for those who still use it.

    :raises MountFailed: it is busy, or the kernel refused.
    """
    flags = _UMOUNT_NOFOLLOW | (_MNT_DETACH if detach else 0)
    if _LIBC.umount2(os.fsencode(target), flags):
        code = ctypes.get_errno()
        if code not in (errno.EINVAL, errno.ENOENT):
            raise errors.MountFailed(f'Cannot unmount {target}: {os.strerror(code)}')


def is_mount(path: Path) -> bool:
    """Whether something is mounted exactly there."""
    with contextlib.suppress(OSError):
        return os.path.ismount(path)
    return False


def below(path: Path) -> list[Path]:
    """Mount points at and below ``path``, deepest first."""
    prefix = os.path.realpath(path)
    found = []
    for line in Path('/proc/self/mountinfo').read_bytes().splitlines():
        point = os.fsdecode(line.split()[4].decode('unicode_escape').encode('latin-1'))
        if point == prefix or point.startswith(prefix + '/'):
            found.append(Path(point))
    return sorted(found, key=lambda mount: len(mount.parts), reverse=True)
