# SPDX-License-Identifier: Apache-2.0
"""Every verb of the fake is recorded, and may be told to fail."""

import functools
import threading
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

P = ParamSpec('P')
R = TypeVar('R')


class Faults:
    """The calls so far, and the failures to come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: dict[str, list[BaseException]] = {}
        self.calls: list[tuple[str, str]] = []

    def plan(self, verb: str, error: BaseException, times: int) -> None:
        with self._lock:
            self._planned.setdefault(verb, []).extend([error] * times)

    def enter(self, verb: str, subject: str) -> None:
        """Record a call. :raises BaseException: the one that was planned."""
        with self._lock:
            self.calls.append((verb, subject))
            planned = self._planned.get(verb)
            error = planned.pop(0) if planned else None
        if error is not None:
            raise error


class Faulty(Protocol):
    faults: Faults


S = TypeVar('S', bound=Faulty)


def verb(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Mark a method as a verb: its name and first argument are recorded before it acts."""

    @functools.wraps(method)
    def call(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        self.faults.enter(method.__name__, _subject(args, kwargs))
        return method(self, *args, **kwargs)

    return call


def _subject(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    first = args[0] if args else next(iter(kwargs.values()), '')
    return first if isinstance(first, str) else str(getattr(first, 'name', ''))
