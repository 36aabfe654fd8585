# SPDX-License-Identifier: Apache-2.0
"""Notices that containers ended: by the exit file that conmon leaves, and by the process itself if conmon is gone."""

import concurrent.futures
import contextlib
import logging
import os
import select
import threading
import time
from collections.abc import Callable

from nova_container.host.inotify import FolderWatch
from nova_container.host.pids import ProcessId
from nova_container.runtime.settings import Settings

LOG = logging.getLogger(__name__)

_GRACE_S = 2.0


class Watcher:
    """Calls ``ended(container_id)``, in one of a few threads, once the exit file is there or will not come."""

    def __init__(self, settings: Settings, ended: Callable[[str], None]) -> None:
        self._ended = ended
        self._pool = concurrent.futures.ThreadPoolExecutor(4, 'ended')
        self._folder = FolderWatch(settings.exits)
        self._poll = select.epoll()
        self._poll.register(self._folder.descriptor, select.EPOLLIN)
        self._wake = os.eventfd(0, os.EFD_CLOEXEC)
        self._poll.register(self._wake, select.EPOLLIN)
        self._lock = threading.Lock()
        self._pidfds: dict[int, str] = {}
        self._ids: dict[str, int] = {}
        self._late: dict[str, float] = {}
        self._closed = False
        self._thread = threading.Thread(target=self._watch, name='watcher', daemon=True)
        self._thread.start()

    def watch(self, container_id: str, process: ProcessId) -> None:
        """Watch a process, which may have ended already."""
        descriptor = process.open()
        if descriptor is None:
            self._late_is(container_id)
            return
        with self._lock:
            self._forget(container_id)
            self._pidfds[descriptor] = container_id
            self._ids[container_id] = descriptor
            self._poll.register(descriptor, select.EPOLLIN)

    def _late_is(self, container_id: str) -> None:
        with self._lock:
            self._late.setdefault(container_id, time.monotonic() + _GRACE_S)
            if not self._closed:
                os.eventfd_write(self._wake, 1)

    def _watch(self) -> None:
        while not self._closed:
            for descriptor, _ in self._poll.poll(self._timeout_s()):
                if descriptor == self._folder.descriptor:
                    for name in self._folder.names():
                        self._tell(name)
                elif descriptor == self._wake:
                    os.eventfd_read(self._wake)
                else:
                    self._process_ended(descriptor)
            for container_id in self._overdue():
                self._tell(container_id)

    def _timeout_s(self) -> float | None:
        with self._lock:
            return max(min(self._late.values()) - time.monotonic(), 0) if self._late else None

    def _process_ended(self, descriptor: int) -> None:
        with self._lock:
            container_id = self._pidfds.get(descriptor)
            if container_id is not None:
                self._forget(container_id)
                self._late.setdefault(container_id, time.monotonic() + _GRACE_S)

    def _overdue(self) -> list[str]:
        now = time.monotonic()
        with self._lock:
            return [container_id for container_id, deadline in self._late.items() if deadline <= now]

    def _tell(self, container_id: str) -> None:
        with self._lock:
            self._forget(container_id)
            self._late.pop(container_id, None)
        with contextlib.suppress(RuntimeError):  # the pool is shut at close
            self._pool.submit(self._tell_safely, container_id)

    def _tell_safely(self, container_id: str) -> None:
        try:
            self._ended(container_id)
        except Exception:
            LOG.exception('The end of container %s could not be recorded; it is tried again', container_id)
            self._late_is(container_id)

    def _forget(self, container_id: str) -> None:
        descriptor = self._ids.pop(container_id, None)
        if descriptor is not None:
            del self._pidfds[descriptor]
            self._poll.unregister(descriptor)
            os.close(descriptor)

    def close(self) -> None:
        """Stop watching. Repeatable."""
        if self._closed:
            return
        with self._lock:
            self._closed = True
            os.eventfd_write(self._wake, 1)
        self._thread.join()
        self._pool.shutdown(wait=True)
        for container_id in list(self._ids):
            self._forget(container_id)
        self._poll.close()
        self._folder.close()
        os.close(self._wake)
