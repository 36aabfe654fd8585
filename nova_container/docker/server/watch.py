# SPDX-License-Identifier: Apache-2.0
"""Notices clients that hung up while their thread waits for the engine."""

import contextlib
import logging
import os
import select
import threading
from collections.abc import Callable, Iterator

from nova_container.docker.server.client import Client

LOG = logging.getLogger(__name__)


class Watch:
    """One thread, begun at the first need, that waits for hang-ups on any number of connections."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._epoll: select.epoll | None = None
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._wake_read, self._wake_write = os.pipe()
        self._closed = False

    @contextlib.contextmanager
    def until_gone(self, client: Client, callback: Callable[[], None]) -> Iterator[None]:
        """Run ``callback`` in another thread, once, if the client hangs up within the block."""
        descriptor = client.fileno()
        with self._lock:
            epoll = self._started()
            self._callbacks[descriptor] = callback
            epoll.register(descriptor, select.EPOLLONESHOT)
        try:
            yield
        finally:
            with self._lock:
                self._callbacks.pop(descriptor, None)
                if not self._closed:
                    epoll.unregister(descriptor)

    def _started(self) -> select.epoll:
        if self._epoll is None:
            self._epoll = select.epoll()
            self._epoll.register(self._wake_read, select.EPOLLIN)
            threading.Thread(target=self._run, args=(self._epoll,), name='watch', daemon=True).start()
        return self._epoll

    def _run(self, epoll: select.epoll) -> None:
        while True:
            for descriptor, _ in epoll.poll():
                if descriptor == self._wake_read:
                    epoll.close()
                    os.close(self._wake_read)
                    return
                with self._lock:
                    callback = self._callbacks.pop(descriptor, None)
                if callback is not None:
                    self._call(callback)

    def _call(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception:
            LOG.exception('Could not let go of a session whose client was gone')

    def close(self) -> None:
        """End the thread. Repeatable."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            os.close(self._wake_write)
            if self._epoll is None:
                os.close(self._wake_read)
