# SPDX-License-Identifier: Apache-2.0
"""Threads from which OCI runtimes are started, with a view of the mounts that they accept.

On a host with cgroup v1 and a cgroup2 mount beside it (hybrid), crun before 1.14 refuses to start if it
sees ``/sys/fs/cgroup/unified``. A thread may have a mount namespace of its own (after unsharing CLONE_FS),
and its children are born in it: so there each start is made by a thread of its own, which detaches that
mount and ends. crun makes a folder and a file for each container where that was, so an empty file system
takes its place, which ends with the last process that sees it. The copy is fresh each time, as mounts of the
host need not propagate. Elsewhere the caller's own thread does it.
"""

import ctypes
import os
import queue
import select
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from nova_container import errors
from nova_container.host import mounts, own_thread, process

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_FS, _CLONE_NEWNS = 0x200, 0x20000
_UNIFIED = Path('/sys/fs/cgroup/unified')

Result = TypeVar('Result')


class Launcher:
    """Runs functions that start OCI runtimes, at most ``threads`` at a time."""

    def __init__(self, threads: int) -> None:
        self._needed = mounts.is_mount(_UNIFIED)
        self._slots = threading.BoundedSemaphore(threads)

    def call(self, function: Callable[..., Result], *arguments: object, **named: object) -> Result:
        """Run ``function``; what it starts sees mounts that runtimes accept. Returns or raises what it does."""
        with self._slots:
            if not self._needed:
                return function(*arguments, **named)

            def start() -> Result:
                _hide_unified()
                return function(*arguments, **named)

            return own_thread.run('launch', start)

    def spawn_bound(self, argv: Sequence[str], **named: Any) -> process.Child:
        """As ``process.spawn``, of a command that is killed when this process ends, however it does.

        The kernel kills it when the thread ends that started it, so that one lives as long as the command.
        """
        started: queue.SimpleQueue[process.Child | BaseException] = queue.SimpleQueue()

        def start() -> None:
            try:
                if self._needed:
                    _hide_unified()
                child = process.spawn(bound(argv), **named)
                descriptor = os.pidfd_open(child.pid)
            except BaseException as error:
                started.put(error)
                return
            started.put(child)
            poller = select.poll()
            poller.register(descriptor, select.POLLIN)
            poller.poll()
            os.close(descriptor)

        with self._slots:
            threading.Thread(target=start, name='launch', daemon=True).start()
            found = started.get()
        if isinstance(found, BaseException):
            raise found
        return found


def bound(argv: Sequence[str]) -> list[str]:
    """The command that gets SIGKILL when the thread that starts it ends (prctl(2), PR_SET_PDEATHSIG)."""
    return [process.find('setpriv'), '--pdeathsig', 'KILL', *argv]


def _hide_unified() -> None:
    """Give this thread, and what it starts, mounts of its own, without the cgroup2 one."""
    if _LIBC.unshare(_CLONE_FS | _CLONE_NEWNS):
        raise errors.HostFailure(f'unshare refused: {os.strerror(ctypes.get_errno())}')
    mounts.make_slave(Path('/'))
    mounts.unmount(_UNIFIED, detach=True)
    mounts.mount_tmpfs(_UNIFIED)
