# SPDX-License-Identifier: Apache-2.0
"""Threads from which OCI runtimes are started, in a mount namespace that they accept.

On a host with cgroup v1 and a cgroup2 mount beside it (hybrid), crun before 1.14 refuses to start if
it sees ``/sys/fs/cgroup/unified``. A thread may have a mount namespace of its own (after unsharing
CLONE_FS), and its children are born in it; so a few threads share one in which that mount is detached.
All other mounts of the host come in as they are made. Where there is no such mount, nothing is unshared.
"""

import concurrent.futures
import ctypes
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from nova_container import errors
from nova_container.host import mounts

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_FS, _CLONE_NEWNS = 0x200, 0x20000
_UNIFIED = Path('/sys/fs/cgroup/unified')

Result = TypeVar('Result')


class Launcher:
    """Runs functions that start OCI runtimes, at most ``threads`` at a time."""

    def __init__(self, threads: int) -> None:
        self._namespace: int | None = None
        self._lock = threading.Lock()
        self._needed = mounts.is_mount(_UNIFIED)
        self._pool = concurrent.futures.ThreadPoolExecutor(threads, 'launch', self._enter)

    def call(self, function: Callable[..., Result], *arguments: object, **named: object) -> Result:
        """Run ``function`` in one of the threads and return what it returns, or raise what it raises."""
        if not self._needed:
            return function(*arguments, **named)
        return self._pool.submit(function, *arguments, **named).result()

    def close(self) -> None:
        """End the threads. Repeatable."""
        self._pool.shutdown(wait=True)
        if self._namespace is not None:
            os.close(self._namespace)
            self._namespace = None

    def _enter(self) -> None:
        """Bring a new thread into the shared namespace; the first one makes it."""
        with self._lock:
            if self._namespace is None:
                _check(_LIBC.unshare(_CLONE_FS | _CLONE_NEWNS), 'unshare')
                mounts.make_slave(Path('/'))
                mounts.unmount(_UNIFIED, detach=True)
                self._namespace = os.open(f'/proc/self/task/{threading.get_native_id()}/ns/mnt',
                                          os.O_RDONLY | os.O_CLOEXEC)
            else:
                _check(_LIBC.unshare(_CLONE_FS), 'unshare')
                _check(_LIBC.setns(self._namespace, _CLONE_NEWNS), 'setns')


def _check(result: int, call: str) -> None:
    if result:
        raise errors.HostFailure(f'{call} refused: {os.strerror(ctypes.get_errno())}')
