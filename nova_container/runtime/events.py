# SPDX-License-Identifier: Apache-2.0
"""Events: the last ones are remembered, and every subscriber gets each new one."""

import collections
import queue
import threading
import time
from collections.abc import Iterator, Mapping

from nova_container.engine.state import Event

_REMEMBERED = 1024
_PENDING = 4096


class EventLog:
    """Publishes events to any number of subscribers; one that does not read loses the oldest ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._past: collections.deque[Event] = collections.deque(maxlen=_REMEMBERED)
        self._subscribers: set[queue.Queue[Event | None]] = set()
        self._closed = False

    def publish(self, kind: str, action: str, actor_id: str, attributes: Mapping[str, str]) -> None:
        """Tell that ``action`` happened to ``actor_id`` just now."""
        with self._lock:
            event = Event(type=kind, action=action, actor_id=actor_id, attributes=dict(attributes),
                          time_ns=time.time_ns())
            self._past.append(event)
            for subscriber in self._subscribers:
                _put(subscriber, event)

    def follow(self, since: float | None, until: float | None) -> Iterator[Event]:
        """Remembered events from ``since`` on, then new ones; subscribed once this returns."""
        subscriber: queue.Queue[Event | None] = queue.Queue(_PENDING)
        with self._lock:
            past = [event for event in self._past if since is not None and event.time_ns >= since * 1e9]
            if self._closed:
                subscriber.put(None)
            self._subscribers.add(subscriber)
        return self._pieces(subscriber, past, until)

    def _pieces(self, subscriber: 'queue.Queue[Event | None]', past: list[Event],
                until: float | None) -> Iterator[Event]:
        try:
            yield from (event for event in past if until is None or event.time_ns <= until * 1e9)
            while until is None or time.time() < until:
                try:
                    event = subscriber.get(timeout=None if until is None else max(until - time.time(), 0))
                except queue.Empty:
                    return
                if event is None:
                    return
                yield event
        finally:
            with self._lock:
                self._subscribers.discard(subscriber)

    def close(self) -> None:
        """End every subscription. Repeatable."""
        with self._lock:
            self._closed = True
            for subscriber in self._subscribers:
                _put(subscriber, None)


def _put(subscriber: 'queue.Queue[Event | None]', event: Event | None) -> None:
    while True:
        try:
            subscriber.put_nowait(event)
            return
        except queue.Full:
            try:
                subscriber.get_nowait()
            except queue.Empty:
                continue
