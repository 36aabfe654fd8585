# SPDX-License-Identifier: Apache-2.0
"""Long work beside the threads of heat-engine, which ask now and then whether it has ended, and can call it off."""

import concurrent.futures
import dataclasses
import secrets
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar('T')


@dataclasses.dataclass(frozen=True, slots=True)
class _Work:
    future: concurrent.futures.Future[Any]
    stop: threading.Event


class Pool:
    """Threads, made when first needed, so that they are of the process that uses them and not of its parent."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._executor: concurrent.futures.ThreadPoolExecutor | None = None
        self._works: dict[str, _Work] = {}

    def begin(self, work: Callable[[threading.Event], T]) -> str:
        """Start it and return the token to ask for it with; ``work`` ends soon once its event is set."""
        token, stop = secrets.token_hex(16), threading.Event()
        with self._lock:
            if self._executor is None:
                self._executor = concurrent.futures.ThreadPoolExecutor(self._threads, 'docker-work')
            self._works[token] = _Work(self._executor.submit(work, stop), stop)
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
