# SPDX-License-Identifier: Apache-2.0
"""Network namespaces that a file holds open, as ip-netns(8) keeps them.

A thread that changes its namespace is used for that and ends: it never goes back to a pool.
"""

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from nova_container import errors
from nova_container.host import mounts, netlink, own_thread

_CLONE_NEWNET = 0x40000000
_MS_BIND, _MNT_DETACH, _UMOUNT_NOFOLLOW = 0x1000, 2, 8
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1
_LIBC = ctypes.CDLL(None, use_errno=True)

T = TypeVar('T')


def create(path: Path) -> None:
    """Make a network namespace with loopback up, held open by a new file at ``path``.

    The folder must exist. Leaves nothing if it fails. The mount that holds it is hidden (``mounts.hide``).

    :raises LinkFailed: the path is taken, or the kernel refuses.
    """
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise errors.LinkFailed(f'Cannot make network namespace {path}: {error.strerror}') from error
    try:
        own_thread.run('netns', lambda: _unshare_onto(path))
        mounts.hide(path)
    except BaseException as error:
        remove(path)
        if isinstance(error, OSError):
            raise errors.LinkFailed(f'Cannot make network namespace {path}: {error.strerror}') from error
        raise


def remove(path: Path) -> None:
    """Let go of the namespace; it ends when no process or socket is in it. Silent if there is none.

    :raises LinkFailed: the kernel refuses.
    """
    try:
        while _LIBC.umount2(os.fsencode(path), _MNT_DETACH | _UMOUNT_NOFOLLOW) == 0:
            pass                                        # as often as it was mounted
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
    except OSError as error:
        raise errors.LinkFailed(f'Cannot remove network namespace {path}: {error.strerror}') from error


def exists(path: Path) -> bool:
    """Whether the file holds a namespace (after a reboot of the host it is a plain file, or gone)."""
    try:
        return os.stat(path).st_dev == os.stat('/proc/self/ns/net').st_dev
    except FileNotFoundError:
        return False


def run_in(path: Path, action: Callable[[], T]) -> T:
    """Call ``action`` in a thread of its own inside the namespace, and return what it returns.

    :raises Missing: there is no such namespace.
    """
    def enter_and_act() -> T:
        _enter(path)
        return action()
    return own_thread.run('netns', enter_and_act)


def write_sysctls(path: Path, values: Mapping[str, str]) -> None:
    """Set sysctls of the namespace by path below /proc/sys, as ``net/ipv6/conf/eth0/accept_ra``.

    One that this kernel does not have is passed over.

    :raises LinkFailed: a value is refused.
    """
    run_in(path, lambda: write_here(values))


def write_here(values: Mapping[str, str]) -> None:
    """``write_sysctls`` for the namespace of the calling thread."""
    for name, value in values.items():
        try:
            with contextlib.suppress(FileNotFoundError):
                Path('/proc/sys', name).write_text(value)
        except OSError as error:
            raise errors.LinkFailed(f'Cannot set {name} to {value}: {error.strerror}') from error


def connect(path: Path | None = None) -> netlink.Connection:
    """A routing socket into the namespace; None is the caller's own."""
    return netlink.Connection(open_in(path, netlink.open_socket))


def open_in(path: Path | None, opener: Callable[[], socket.socket]) -> socket.socket:
    """A socket that ``opener`` opens inside the namespace; None is the caller's own.

    :raises LinkFailed: Missing if there is no such namespace.
    """
    try:
        return opener() if path is None else run_in(path, opener)
    except OSError as error:
        raise errors.LinkFailed(f'Cannot open a socket in {path}: {error.strerror}') from error


def _unshare_onto(path: Path) -> None:
    _call(_LIBC.unshare(_CLONE_NEWNET))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack('16sH14x', b'lo', _IFF_UP))
    _call(_LIBC.mount(b'/proc/thread-self/ns/net', os.fsencode(path), None, ctypes.c_ulong(_MS_BIND), None))


def _enter(path: Path) -> None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise netlink.Missing(f'There is no network namespace {path}') from error
    try:
        _call(_LIBC.setns(handle, _CLONE_NEWNET))
    except OSError as error:
        raise netlink.Missing(f'{path} holds no network namespace: {error.strerror}') from error
    finally:
        os.close(handle)


def _call(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
