# SPDX-License-Identifier: Apache-2.0
"""The log of a container: the CRI format that conmon writes, rotated by us, read back in order.

A line is ``TIME STREAM P|F TEXT``: F ends a line of output, P is a part of one. Files are ``log`` (being
written), ``log.1`` (older), and so on. One format on disk is enough: what clients see is the Docker API's.
"""

import collections
import contextlib
import datetime
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from nova_container.engine.spec import LogLimits, LogQuery
from nova_container.engine.state import LogChunk, StreamName

_FOLLOW_PAUSE_S = 0.02
_BLOCK = 1 << 16
_LINE_MAX = 1 << 20
_STREAMS = {b'stdout': StreamName.STDOUT, b'stderr': StreamName.STDERR}


def opened(log: Path) -> list[BinaryIO]:
    """The files of a log, oldest first, for the caller to close: what is open is read to its end, whatever is rotated.

    The newest is opened first. A rotation meanwhile moves files on to names that are opened later, so none is
    missed, and one that was met twice is taken once.
    """
    found: dict[int, BinaryIO] = {}
    for path in (log, *_older(log)):
        with contextlib.suppress(FileNotFoundError):
            file = path.open('rb')
            if found.setdefault(os.fstat(file.fileno()).st_ino, file) is not file:
                file.close()
    return list(reversed(found.values()))


def _older(log: Path) -> list[Path]:
    """The names that a rotation may give, one more than there are now."""
    numbers = [int(path.suffix[1:]) for path in log.parent.glob(f'{log.name}.*') if path.suffix[1:].isdigit()]
    return [log.with_name(f'{log.name}.{number}') for number in range(1, max(numbers, default=0) + 2)]


def parse(line: bytes) -> LogChunk | None:
    """One line of a log file; None if it is damaged."""
    parts = line.split(b' ', 3)
    if len(parts) < 4 or parts[1] not in _STREAMS:
        return None
    try:
        moment = _seconds(parts[0])
    except ValueError:
        return None
    text = parts[3].removesuffix(b'\n')
    return LogChunk(_STREAMS[parts[1]], moment, text + (b'\n' if parts[2].startswith(b'F') else b''))


def _seconds(stamp: bytes) -> float:
    """RFC 3339 with nanoseconds as seconds since the epoch."""
    text = stamp.decode('ascii')
    head, _, tail = text.partition('.')
    digits = ''.join(c for c in tail[:9] if c.isdigit())
    zone = tail[len(digits):]
    whole = datetime.datetime.fromisoformat(head + (zone or '+00:00')).timestamp()
    return whole + float(f'0.{digits or 0}')


def read(log: Path, query: LogQuery, alive: Callable[[], bool]) -> Iterator[LogChunk]:
    """The output that a query asks for; while following, until ``alive`` says no and all is read."""
    tail = Tail(log)
    try:
        skip = tail.count_before(query) if query.tail is not None else 0
        while True:
            ending = not (query.follow and alive())
            for chunk in tail.chunks():
                if skip > 0:
                    skip -= 1
                    continue
                yield from _wanted(chunk, query)
            if ending or (query.until is not None and time.time() > query.until):
                return
            time.sleep(_FOLLOW_PAUSE_S)
    finally:
        tail.close()


def _wanted(chunk: LogChunk, query: LogQuery) -> Iterator[LogChunk]:
    shown = query.stdout if chunk.stream is StreamName.STDOUT else query.stderr
    late = query.since is not None and chunk.time < query.since
    early = query.until is not None and chunk.time > query.until
    if shown and not late and not early:
        yield chunk


class Tail:
    """Reads the files of a log, oldest first, and the last one as it grows, across rotations."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._files = opened(log)
        self._rest = b''

    def count_before(self, query: LogQuery) -> int:
        """How many chunks precede the last ``query.tail`` lines of the wanted streams."""
        wanted = max(query.tail or 0, 0)
        ends: collections.deque[int] = collections.deque(maxlen=wanted + 1)
        total = 0
        for file in self._files:
            for chunk in _whole_chunks(file):
                total += 1
                if chunk.data.endswith(b'\n') and any(_wanted(chunk, query)):
                    ends.append(total)
            file.seek(0)
        if wanted == 0:
            return total
        return ends[0] if len(ends) > wanted else 0

    def chunks(self) -> Iterator[LogChunk]:
        """What was written since the last call."""
        self._files = self._files or opened(self._log)
        while self._files:
            yield from self._grown(self._files[0])
            if not self._is_over(self._files[0]):
                return
            yield from self._grown(self._files[0])  # what came before it was moved away
            self._files.pop(0).close()
            self._rest = b''

    def _is_over(self, file: BinaryIO) -> bool:
        """Whether there are newer files, which are opened then."""
        if len(self._files) > 1:
            return True
        mine = os.fstat(file.fileno()).st_ino
        with contextlib.suppress(FileNotFoundError):
            if self._log.stat().st_ino == mine:
                return False
        newer = opened(self._log)
        position = next((index for index, each in enumerate(newer) if os.fstat(each.fileno()).st_ino == mine), -1)
        for known in newer[:position + 1]:
            known.close()
        self._files += newer[position + 1:]
        return len(self._files) > 1

    def _grown(self, file: BinaryIO) -> Iterator[LogChunk]:
        if os.fstat(file.fileno()).st_size < file.tell():
            file.seek(0)  # it was emptied, as one file alone is kept
            self._rest = b''
        while block := file.read(_BLOCK):
            *lines, self._rest = (self._rest + block).split(b'\n')
            for line in lines:
                if chunk := parse(line + b'\n'):
                    yield chunk

    def close(self) -> None:
        """Close the files. Repeatable."""
        while self._files:
            self._files.pop().close()


def _whole_chunks(file: BinaryIO) -> Iterator[LogChunk]:
    while (line := file.readline(_LINE_MAX)).endswith(b'\n'):
        if chunk := parse(line):
            yield chunk


def rotate(log: Path, limits: LogLimits, reopen: Callable[[], None]) -> bool:
    """Move the log away if it is full, and have a new one begun. True if it did."""
    try:
        if log.stat().st_size < limits.file_bytes:
            return False
    except FileNotFoundError:
        return False
    if limits.files < 2:
        os.truncate(log, 0)
        return True
    for number in range(limits.files - 2, 0, -1):
        older = log.with_name(f'{log.name}.{number}')
        if older.exists():
            older.rename(log.with_name(f'{log.name}.{number + 1}'))
    log.rename(log.with_name(f'{log.name}.1'))
    reopen()
    return True
