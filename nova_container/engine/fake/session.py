# SPDX-License-Identifier: Apache-2.0
"""Both ends of a process's standard streams."""

import collections
import threading
from collections.abc import Callable

from nova_container.engine import base, state


class Stdin:
    """Bytes on their way to a process. All methods need the engine's condition held."""

    def __init__(self, changed: threading.Condition, *, is_open: bool) -> None:
        self._changed = changed
        self._waiting = bytearray()
        self.is_open = is_open

    def feed(self, data: bytes) -> None:
        if self.is_open:
            self._waiting += data
            self._changed.notify_all()

    def close(self) -> None:
        self.is_open = False
        self._changed.notify_all()

    def take(self, *, line: bool) -> bytes | None:
        """What is there, or its first line; b'' at the end; None if there is nothing yet."""
        end = self._waiting.find(b'\n') + 1 if line else len(self._waiting)
        if not end and self.is_open:
            return None
        end = end or len(self._waiting)
        taken = bytes(self._waiting[:end])
        del self._waiting[:end]
        return taken


class FakeSession(base.Session):
    """A session; ``streams`` are those the caller asked for."""

    def __init__(self, changed: threading.Condition, *, streams: frozenset[state.StreamName],
                 on_close: Callable[['FakeSession'], None] = lambda session: None) -> None:
        self._changed = changed
        self._streams = streams
        self._on_close = on_close
        self._pieces: collections.deque[tuple[state.StreamName, bytes]] = collections.deque()
        self._ended = False
        self._early = bytearray()
        self._early_end = False
        self.stdin: Stdin | None = None
        self.may_end_stdin = True

    def connect(self, stdin: Stdin, *, may_end_stdin: bool) -> None:
        """Join a process that starts now; what was written before reaches it."""
        self.stdin, self.may_end_stdin = stdin, may_end_stdin
        stdin.feed(bytes(self._early))
        if self._early_end and may_end_stdin:
            stdin.close()

    def push(self, stream: state.StreamName, data: bytes) -> None:
        if stream in self._streams:
            self._pieces.append((stream, data))
            self._changed.notify_all()

    def end(self) -> None:
        self._ended = True
        self._changed.notify_all()

    def read(self) -> tuple[state.StreamName, bytes] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._pieces or self._ended)
            return self._pieces.popleft() if self._pieces else None

    def write(self, data: bytes) -> None:
        with self._changed:
            if self.stdin is None:
                self._early += data
            else:
                self.stdin.feed(data)

    def close_stdin(self) -> None:
        with self._changed:
            self._early_end = True
            if self.stdin is not None and self.may_end_stdin:
                self.stdin.close()

    def close(self) -> None:
        with self._changed:
            self._pieces.clear()
            self.end()
            self._on_close(self)
