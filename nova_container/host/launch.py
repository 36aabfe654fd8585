# SPDX-License-Identifier: Apache-2.0
"""Threads from which OCI runtimes are started, with a view of the mounts that they accept.

On a host with cgroup v1 and a cgroup2 mount beside it (hybrid), crun before 1.14 refuses to start if it
sees ``/sys/fs/cgroup/unified``. A thread may have a mount namespace of its own (after unsharing CLONE_FS),
and its children are born in it: so there each start is made by a thread of its own, which detaches that
mount and ends. crun makes a folder and a file for each container where that was, so an empty file system
takes its place, which ends with the last process that sees it. The view is fresh each time, as mounts of the
host need not propagate. Elsewhere the caller's own thread does it.

What makes containers gets a view without the mounts of others (``mount_views``), on every host.
"""

import contextlib
import os
import queue
import select
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from nova_container.host import clocks, mount_views, mounts, own_thread, process

_UNIFIED = Path('/sys/fs/cgroup/unified')

Result = TypeVar('Result')


class Launcher:
    """Runs functions that start OCI runtimes, at most ``threads`` at a time. ``close`` after use."""

    def __init__(self, threads: int) -> None:
        self._hybrid = mounts.is_mount(_UNIFIED)
        self._slots = threading.BoundedSemaphore(threads)
        self._views = mount_views.MountViews()

    def close(self) -> None:
        """Let go of what views are made from."""
        self._views.close()

    def call(self, function: Callable[..., Result], *arguments: object, **named: object) -> Result:
        """Run ``function``; what it starts sees mounts that runtimes accept. Returns or raises what it does."""
        with self._slots:
            if not self._hybrid:
                return function(*arguments, **named)

            def start() -> Result:
                self._enter_view(())
                return function(*arguments, **named)

            return own_thread.run('launch', start)

    @contextlib.contextmanager
    def view(self, showing: Sequence[Path], *, shared: bool = False) -> Iterator[list[str]]:
        """What to put before the command line of what makes a container: its mounts, and an uptime that begins now.

        One of the slots is taken.

        :param showing: mounts that are hidden from others.
        :param shared: mounts of the container are to reach the host: the view is a copy with all mounts of the host.
        :raises HostFailure: the kernel refuses.
        """
        with self._slots:
            held = own_thread.run('view', lambda: self._opened(None if shared else showing))
            try:
                entered = [f'--{kind}=/proc/{os.getpid()}/fd/{descriptor}' for kind, descriptor in held.items()]
                yield [process.find('nsenter'), *entered, '--'] if entered else []
            finally:
                for descriptor in held.values():
                    os.close(descriptor)

    def spawn_bound(self, argv: Sequence[str], **named: Any) -> process.Child:
        """As ``process.spawn``, of a command that is killed when this process ends, however it does.

        The kernel kills it when the thread ends that started it, so that one lives as long as the command.
        """
        started: queue.SimpleQueue[process.Child | BaseException] = queue.SimpleQueue()

        def start() -> None:
            try:
                if self._hybrid:
                    self._enter_view(())
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

    def _opened(self, showing: Sequence[Path] | None) -> dict[str, int]:
        """Descriptors of the namespaces of a view, by the names that nsenter(1) has for them."""
        held: dict[str, int] = {}
        try:
            if (clock := clocks.begin()) is not None:
                held['time'] = clock
            if self._hybrid or showing is not None:
                self._enter_view(showing)
                held['mount'] = os.open('/proc/thread-self/ns/mnt', os.O_RDONLY | os.O_CLOEXEC)
        except BaseException:
            for descriptor in held.values():
                os.close(descriptor)
            raise
        return held

    def _enter_view(self, showing: Sequence[Path] | None) -> None:
        """Give this thread, and what it starts, a view; None is a copy of all, whose mounts share with ours."""
        if showing is None:
            mount_views.unshare()
            if self._hybrid:
                mounts.make_private(_UNIFIED.parent, recursive=False)  # where the cgroup hierarchies are mounted
        else:
            self._views.enter(showing)
        if self._hybrid:
            mounts.unmount(_UNIFIED, detach=True)
            mounts.mount_tmpfs(_UNIFIED)


def bound(argv: Sequence[str]) -> list[str]:
    """The command that gets SIGKILL when the thread that starts it ends (prctl(2), PR_SET_PDEATHSIG)."""
    return [process.find('setpriv'), '--pdeathsig', 'KILL', *argv]
