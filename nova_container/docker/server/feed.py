# SPDX-License-Identifier: Apache-2.0
"""One subscription to the engine's events, shared by all clients.

An engine's iterator cannot be stopped while it waits, so clients do not get one each: they come and go here.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator

from nova_container import errors
from nova_container.engine import Engine, Event

LOG = logging.getLogger(__name__)
_PENDING = 4096


class Subscription:
    """New events for one client; a client too slow for ``_PENDING`` of them loses the newest."""

    def __init__(self) -> None:
        self._events: queue.Queue[Event | None] = queue.Queue(_PENDING)
        self.begun_ns = time.time_ns()
        self.ended = False

    def put(self, event: Event | None) -> None:
        try:
            self._events.put_nowait(event)
        except queue.Full:
            self.ended = self.ended or event is None

    def next(self, timeout_s: float) -> Event | None:
        """The next event, or None: it did not come in time, or there will be none (``ended``)."""
        try:
            event = self._events.get(timeout=max(timeout_s, 0))
        except queue.Empty:
            return None
        self.ended = self.ended or event is None
        return event


class Feed:
    """Reads the engine's events from the first subscription on, until the engine is closed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._subscriptions: set[Subscription] = set()
        self._running = False

    def subscribe(self) -> Subscription:
        """Subscribed once this returns."""
        subscription = Subscription()
        with self._lock:
            if not self._running:
                events = self._engine.events()
                threading.Thread(target=self._read, args=(events,), name='events', daemon=True).start()
                self._running = True
            self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        with self._lock:
            self._subscriptions.discard(subscription)

    def follow(self, subscription: Subscription, since: float | None, until: float | None, slice_s: float,
               gone: Callable[[], bool]) -> Iterator[Event]:
        """Remembered events from ``since`` on, then new ones, until ``until`` or until the client is gone."""
        seen_ns = subscription.begun_ns  # what happened before may be on its way still
        if since is not None:
            now = time.time()
            past_until = now if until is None else min(until, now)
            for event in self._engine.events(since=since, until=past_until):
                seen_ns = max(seen_ns, event.time_ns)
                yield event
        yield from (event for event in self._fresh(subscription, until, slice_s, gone) if event.time_ns > seen_ns)

    def _fresh(self, subscription: Subscription, until: float | None, slice_s: float,
               gone: Callable[[], bool]) -> Iterator[Event]:
        while not subscription.ended and (until is None or time.time() < until):
            left_s = slice_s if until is None else min(slice_s, until - time.time())
            event = subscription.next(left_s)
            if event is not None:
                if until is not None and event.time_ns > until * 1e9:
                    return
                yield event
            elif gone():
                return

    def _read(self, events: Iterator[Event]) -> None:
        try:
            for event in events:
                self._put(event)
        except errors.ContainerError as error:
            LOG.warning('Events of the engine ended: %s', error)
        finally:
            with self._lock:
                self._running = False
            self._put(None)

    def _put(self, event: Event | None) -> None:
        with self._lock:
            subscriptions = tuple(self._subscriptions)
        for subscription in subscriptions:
            subscription.put(event)
