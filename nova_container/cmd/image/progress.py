# SPDX-License-Identifier: Apache-2.0
"""How far long work is, on standard error: bars where that is a terminal, else a line where something ends."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from typing import TextIO

_WIDTH = 28
_STEP_S = 0.1
_UNITS = ('B', 'KiB', 'MiB', 'GiB', 'TiB')


def shown_size(count: float) -> str:
    """Bytes for people: ``1.4 MiB``."""
    for unit in _UNITS:
        if count < 1024 or unit == _UNITS[-1]:
            return f'{count:.0f} {unit}' if unit == 'B' else f'{count:.1f} {unit}'
        count /= 1024
    raise AssertionError('the last unit takes all')


class Display:
    """Tells of one thing at a time. Safe to call from many threads."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._lock = threading.Lock()
        self._told_at, self._is_open = 0.0, False

    def say(self, text: str) -> None:
        """A line."""
        with self._lock:
            self._clear()
            print(text, file=self._stream, flush=True)

    @contextlib.contextmanager
    def counted(self, label: str, total: int | None) -> Iterator['Count']:
        """Around work on ``total`` bytes (None: unknown): add what is done to the count."""
        count, began = Count(self, label, total), time.monotonic()
        yield count
        took = time.monotonic() - began
        speed = f', {shown_size(count.done / took)}/s' if took > 0.05 and count.done else ''
        self.say(f'{label}: {shown_size(count.done)} in {took:.1f} s{speed}')

    def draw(self, count: 'Count') -> None:
        """Show a count, if that is due."""
        with self._lock:
            now = time.monotonic()
            if not self._is_terminal or now - self._told_at < _STEP_S:
                return
            self._told_at = now
            bar = ''
            if count.total:
                filled = min(_WIDTH, _WIDTH * count.done // count.total)
                bar = f' [{"=" * filled}{" " * (_WIDTH - filled)}] {min(100, 100 * count.done // count.total)} %'
            self._clear()
            self._stream.write(f'{count.label}{bar} {shown_size(count.done)}')
            self._stream.flush()
            self._is_open = True

    def _clear(self) -> None:
        if self._is_open:
            self._stream.write('\r\x1b[K')
            self._is_open = False


class Count:
    """Bytes of one piece of work, from one or more parts at once."""

    def __init__(self, display: Display, label: str, total: int | None) -> None:
        self.label, self.total = label, total
        self._display, self._lock = display, threading.Lock()
        self._parts: dict[str, int] = {}

    @property
    def done(self) -> int:
        """Bytes so far."""
        with self._lock:
            return sum(self._parts.values())

    def reach(self, position: int, part: str = '') -> None:
        """Say that a part is ``position`` bytes far."""
        with self._lock:
            self._parts[part] = position
        self._display.draw(self)
