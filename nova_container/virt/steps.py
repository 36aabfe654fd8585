# SPDX-License-Identifier: Apache-2.0
"""How long the steps of an action took, for one line in the log."""

import contextlib
import time
from collections.abc import Iterator


class Steps:
    """Names and seconds, in order."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._taken: dict[str, float] = {}

    @contextlib.contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Time the block; a name used twice adds up."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._taken[name] = self._taken.get(name, 0.0) + time.perf_counter() - start

    @contextlib.contextmanager
    def waiting(self, name: str) -> Iterator[None]:
        """Time the block, less what is timed by other names inside it."""
        start, before = time.perf_counter(), sum(self._taken.values())
        try:
            yield
        finally:
            inside = sum(self._taken.values()) - before
            self._taken[name] = time.perf_counter() - start - inside

    def __str__(self) -> str:
        """``0.123 s (image 0.001, create 0.020)``."""
        parts = ', '.join(f'{name} {seconds:.3f}' for name, seconds in self._taken.items())
        return f'{time.perf_counter() - self._start:.3f} s ({parts})'
