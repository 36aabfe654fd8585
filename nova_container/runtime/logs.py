# SPDX-License-Identifier: Apache-2.0
"""The log of a container: the CRI format that conmon writes, rotated by us, read back in order.

A line is ``TIME STREAM P|F TEXT``: F ends a line of output, P is a part of one. Files are ``log`` (being
written), ``log.1`` (older), and so on. One format on disk is enough: what clients see is the Docker API's.
"""

import datetime
import io
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from nova_container.engine.spec import LogLimits, LogQuery
from nova_container.engine.state import LogChunk, StreamName

_FOLLOW_PAUSE_S = 0.02
_BLOCK = 1 << 16
_LINE_MAX = 1 << 20
_STREAMS = {b'stdout': StreamName.STDOUT, b'stderr': StreamName.STDERR}


def paths(log: Path) -> list[Path]:
    """The files of a log that exist, oldest first."""
    older = sorted((path for path in log.parent.glob(f'{log.name}.*') if path.suffix[1:].isdigit()),
                   key=lambda path: -int(path.suffix[1:]))
    return [*older, log] if log.exists() else older


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
    files = paths(log)
    skip = _lines_before_tail(files, query) if query.tail is not None else 0
    for path in files[:-1]:
        with path.open('rb') as file:
            for chunk in _chunks(file):
                if skip > 0:
                    skip -= 1
                    continue
                yield from _wanted(chunk, query)
    yield from _last(log, query, alive, skip)


def _last(log: Path, query: LogQuery, alive: Callable[[], bool], skip: int) -> Iterator[LogChunk]:
    tail = Tail(log)
    try:
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


def _chunks(file: io.BufferedReader) -> Iterator[LogChunk]:
    while line := file.readline(_LINE_MAX):
        if chunk := parse(line):
            yield chunk


def _lines_before_tail(files: list[Path], query: LogQuery) -> int:
    """How many chunks precede the last ``tail`` lines of the wanted streams, counted from the end."""
    total, ends = 0, []
    for path in files:
        with path.open('rb') as file:
            for chunk in _chunks(file):
                total += 1
                if chunk.data.endswith(b'\n') and any(_wanted(chunk, query)):
                    ends.append(total)
    wanted = max(query.tail or 0, 0)
    if wanted == 0:
        return total
    if len(ends) <= wanted:
        return 0
    return ends[-wanted - 1]


class Tail:
    """Reads a log file as it grows, across rotations."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._file: io.BufferedReader | None = None
        self._rest = b''

    def chunks(self) -> Iterator[LogChunk]:
        """What was written since the last call."""
        yield from self._grown()
        if self._file is not None and self._moved_away():
            yield from self._grown()
            self._file.close()
            self._file = None
            yield from self._grown()

    def _grown(self) -> Iterator[LogChunk]:
        if self._file is None:
            try:
                self._file = self._log.open('rb')
            except FileNotFoundError:
                return
        while block := self._file.read(_BLOCK):
            *lines, self._rest = (self._rest + block).split(b'\n')
            for line in lines:
                if chunk := parse(line + b'\n'):
                    yield chunk

    def _moved_away(self) -> bool:
        try:
            return self._file is not None and os.fstat(self._file.fileno()).st_ino != self._log.stat().st_ino
        except FileNotFoundError:
            return False

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


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
