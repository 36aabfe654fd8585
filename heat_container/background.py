# SPDX-License-Identifier: Apache-2.0
"""Long work beside the threads of heat-engine, which ask now and then whether it has ended, and can call it off."""

import collections
import concurrent.futures
import contextlib
import dataclasses
import secrets
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

T = TypeVar('T')


@dataclasses.dataclass(frozen=True, slots=True)
class _Work:
    future: concurrent.futures.Future[Any]
    stop: threading.Event
    owner: str


class Pool:
    """Threads, made when first needed, so that they are of the process that uses them and not of its parent."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._executor: concurrent.futures.ThreadPoolExecutor | None = None
        self._works: dict[str, _Work] = {}
        self._attempts: dict[str, list[threading.Event]] = collections.defaultdict(list)

    def begin(self, work: Callable[[threading.Event], T], owner: str = '') -> str:
        """Start it and return the token to ask for it with; ``work`` ends soon once its event is set."""
        token, stop = secrets.token_hex(16), threading.Event()
        with self._lock:
            if self._executor is None:
                self._executor = concurrent.futures.ThreadPoolExecutor(self._threads, 'docker-work')
            self._works[token] = _Work(self._executor.submit(work, stop), stop, owner)
        return token

    def outcome(self, token: str) -> Any:
        """None while it runs; then what it returned (True for None) or raises what it raised, once."""
        with self._lock:
            work = self._works[token]
            if not work.future.done():
                return None
            del self._works[token]
        found = work.future.result()
        return True if found is None else found

    def cancel(self, token: str) -> None:
        """Ask it to stop and forget it; silent if it has ended."""
        with self._lock:
            work = self._works.pop(token, None)
        if work is not None:
            work.stop.set()
            work.future.cancel()

    @contextlib.contextmanager
    def attempt(self, owner: str) -> Iterator[threading.Event]:
        """What its owner does itself, and ends soon once the event is set."""
        stop = threading.Event()
        with self._lock:
            self._attempts[owner].append(stop)
        try:
            yield stop
        finally:
            with self._lock:
                self._attempts[owner].remove(stop)
                if not self._attempts[owner]:
                    del self._attempts[owner]

    def call_off(self, owner: str) -> None:
        """Ask all of an owner to stop; who waits for it hears what it raises then."""
        with self._lock:
            stops = [*self._attempts.get(owner, ()), *(one.stop for one in self._works.values() if one.owner == owner)]
        for stop in stops:
            stop.set()
