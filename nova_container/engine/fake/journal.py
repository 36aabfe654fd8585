# SPDX-License-Identifier: Apache-2.0
"""What happened: events remembered, and streamed as they come."""

import threading
import time
from collections.abc import Iterator, Mapping

from nova_container.engine import state


class Journal:
    """Events of one engine, under its condition."""

    def __init__(self, changed: threading.Condition) -> None:
        self._changed = changed
        self._events: list[state.Event] = []
        self._closed = False

    def publish(self, kind: str, action: str, actor_id: str, attributes: Mapping[str, str]) -> None:
        with self._changed:
            self._events.append(state.Event(type=kind, action=action, actor_id=actor_id,
                                            attributes=dict(attributes), time_ns=time.time_ns()))
            self._changed.notify_all()

    def close(self) -> None:
        """End every stream."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def stream(self, since: float | None, until: float | None) -> Iterator[state.Event]:
        """Subscribed from this call on, not from the first ``next``."""
        with self._changed:
            start = len(self._events) if since is None else 0
        return self._follow(start, since or 0.0, until)

    def _follow(self, index: int, since: float, until: float | None) -> Iterator[state.Event]:
        while (event := self._wait_for(index, until)) is not None:
            index += 1
            if until is not None and event.time_ns > until * 1e9:
                return
            if event.time_ns >= since * 1e9:
                yield event

    def _wait_for(self, index: int, until: float | None) -> state.Event | None:
        left_s = None if until is None else max(0.0, until - time.time())
        with self._changed:
            self._changed.wait_for(lambda: len(self._events) > index or self._closed, left_s)
            return self._events[index] if len(self._events) > index else None
