# SPDX-License-Identifier: Apache-2.0
"""Many who use images, or one who removes some."""

import contextlib
import threading
from collections.abc import Iterator


class Gate:
    """Shared by any number of threads, or held by one alone; who waits to be alone goes before new sharers."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._sharers = 0
        self._alone_waiting = 0
        self._alone = False

    @contextlib.contextmanager
    def shared(self) -> Iterator[None]:
        """Keep out those who want to be alone."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone and not self._alone_waiting)
            self._sharers += 1
        try:
            yield
        finally:
            with self._changed:
                self._sharers -= 1
                self._changed.notify_all()

    @contextlib.contextmanager
    def alone_if_free(self) -> Iterator[bool]:
        """Keep out everybody and give True, or give False if somebody is in; does not wait."""
        with self._changed:
            free = not self._alone and not self._sharers
            self._alone = self._alone or free
        try:
            yield free
        finally:
            if free:
                self._leave()

    def _leave(self) -> None:
        with self._changed:
            self._alone = False
            self._changed.notify_all()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep out everybody."""
        with self._changed:
            self._alone_waiting += 1
            self._changed.wait_for(lambda: not self._alone and not self._sharers)
            self._alone_waiting -= 1
            self._alone = True
        try:
            yield
        finally:
            self._leave()
