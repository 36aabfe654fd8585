# SPDX-License-Identifier: Apache-2.0
"""One at a time for each name."""

import contextlib
import threading
from collections.abc import Callable, Iterator

_LOOK_S = 0.2


class Turns:
    """Lets one in for each name; the others wait."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._taken: set[str] = set()

    @contextlib.contextmanager
    def of(self, name: str, check: Callable[[], None]) -> Iterator[None]:
        """Wait for the turn of ``name``; ``check`` is called while waiting, and ends it by raising."""
        with self._changed:
            while name in self._taken:
                self._changed.wait(_LOOK_S)
                check()
            self._taken.add(name)
        try:
            yield
        finally:
            with self._changed:
                self._taken.discard(name)
                self._changed.notify_all()
