# SPDX-License-Identifier: Apache-2.0
"""The log of a container: the CRI format that conmon writes, rotated by us, read back in order.

A line is ``TIME STREAM P|F TEXT``: F ends a line of output, P is a part of one. Files are ``log`` (being
written), ``log.1`` (older), and so on. One format on disk is enough: what clients see is the Docker API's.
"""

import contextlib
import datetime
import functools
import itertools
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from nova_container.engine.spec import LogLimits, LogQuery
from nova_container.engine.state import LogChunk, StreamName

_FOLLOW_PAUSE_S = 0.02
_BLOCK = 1 << 16
_LIKE_CONMON = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}[Z+-][\d:]*')
_STREAMS = {b'stdout': StreamName.STDOUT, b'stderr': StreamName.STDERR}


def opened(log: Path) -> list[BinaryIO]:
    """The files of a log, oldest first, for the caller to close: what is open is read to its end, whatever is rotated.

    They are opened anew if a rotation came in between, as names then no longer tell their order.
    """
    while True:
        found: dict[int, BinaryIO] = {}
        for path in (log, *_older(log)):
            with contextlib.suppress(FileNotFoundError):
                file: BinaryIO = path.open('rb')
                if found.setdefault(os.fstat(file.fileno()).st_ino, file) is not file:
                    file.close()
        if _inode(log) in {next(iter(found), None), None}:
            return list(reversed(found.values()))
        for file in found.values():
            file.close()


def _inode(path: Path) -> int | None:
    """None if there is no such file."""
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_ino
    return None


def _older(log: Path) -> list[Path]:
    """The names that a rotation may give, one more than there are now."""
    numbers = [int(path.suffix[1:]) for path in log.parent.glob(f'{log.name}.*') if path.suffix[1:].isdigit()]
    return [log.with_name(f'{log.name}.{number}') for number in range(1, max(numbers, default=0) + 2)]


def parse(line: bytes) -> LogChunk | None:
    """One line of a log file; None if it is damaged."""
    return _parsed(line.removesuffix(b'\n'))


def _parsed(line: bytes) -> LogChunk | None:
    """A line without its end."""
    try:
        stamp, stream, kind, text = line.split(b' ', 3)
        return LogChunk(_STREAMS[stream], _seconds(stamp), text + b'\n' if kind[:1] == b'F' else text)
    except (KeyError, ValueError):
        return None


def _seconds(stamp: bytes) -> float:
    """RFC 3339 with nanoseconds as seconds since the epoch."""
    text = stamp.decode('ascii')
    if _LIKE_CONMON.fullmatch(text):
        return _whole_seconds(text[:19] + text[29:]) + int(text[20:29]) / 1e9
    head, _, tail = text.partition('.')
    digits = ''.join(c for c in tail[:9] if c.isdigit())
    zone = tail[len(digits):]
    return _whole_seconds(head + (zone or '+00:00')) + float(f'0.{digits or 0}')


@functools.lru_cache(16)
def _whole_seconds(text: str) -> float:
    """Most lines are of the same second as the one before."""
    return datetime.datetime.fromisoformat(text).timestamp()


def read(log: Path, query: LogQuery, alive: Callable[[], bool]) -> Iterator[LogChunk]:
    """The output that a query asks for; while following, until ``alive`` says no and all is read.

    What is written meanwhile belongs to those who follow only: a container may write faster than anyone reads.
    """
    tail = Tail(log)
    try:
        if query.tail is not None:
            tail.skip_to(query)
        if not query.follow:
            yield from _wanted(tail.held(), query)
            return
        while True:
            ending = not alive()
            yield from _wanted(tail.chunks(), query)
            if ending or (query.until is not None and time.time() > query.until):
                return
            time.sleep(_FOLLOW_PAUSE_S)
    finally:
        tail.close()


def _wanted(chunks: Iterator[LogChunk], query: LogQuery) -> Iterator[LogChunk]:
    """Nothing is looked at that comes after ``query.until``, as times rise."""
    until = query.until
    if until is not None:
        chunks = itertools.takewhile(lambda chunk: chunk.time <= until, chunks)
    if query.stdout and query.stderr and query.since is None:
        return chunks
    return (chunk for chunk in chunks if _is_wanted(chunk, query))


def _is_wanted(chunk: LogChunk, query: LogQuery) -> bool:
    shown = query.stdout if chunk.stream is StreamName.STDOUT else query.stderr
    late = query.since is not None and chunk.time < query.since
    early = query.until is not None and chunk.time > query.until
    return shown and not late and not early


class Tail:
    """Reads the files of a log, oldest first, and the last one as it grows, across rotations."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._files = opened(log)
        self._sizes = {file: os.fstat(file.fileno()).st_size for file in self._files}
        self._rest = b''

    def skip_to(self, query: LogQuery) -> None:
        """Go on before the last ``query.tail`` lines of the wanted streams, found from the end."""
        left, is_last = max(query.tail or 0, 0), True
        for index in reversed(range(len(self._files))):
            file = self._files[index]
            for end, line in _lines_backward(file, self._sizes[file]):
                if not _ends_wanted_line(line, query, also_part=is_last):
                    continue
                is_last = False
                if left == 0:
                    file.seek(end)
                    while index:
                        self._files.pop(0).close()
                        index -= 1
                    return
                left -= 1
            file.seek(0)

    def held(self) -> Iterator[LogChunk]:
        """What the files held when they were opened; from the last of them, where it ended then."""
        for file in self._files:
            yield from self._between(file, self._sizes[file])
            self._rest = b''

    def chunks(self) -> Iterator[LogChunk]:
        """What was written since the last call, until there is no more."""
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
        written = os.fstat(file.fileno()).st_mtime_ns
        for other in opened(self._log):
            found = os.fstat(other.fileno())
            if found.st_ino != mine and found.st_mtime_ns >= written:
                self._files.append(other)
            else:
                other.close()
        return len(self._files) > 1

    def _grown(self, file: BinaryIO) -> Iterator[LogChunk]:
        size = os.fstat(file.fileno()).st_size
        if size < file.tell():
            file.seek(0)  # it was emptied, as one file alone is kept
            self._rest = b''
        yield from self._between(file, size)

    def _between(self, file: BinaryIO, end: int) -> Iterator[LogChunk]:
        """From where the file is to an offset."""
        while block := file.read(min(_BLOCK, end - file.tell())):
            *lines, self._rest = (self._rest + block).split(b'\n')
            for line in lines:
                if chunk := _parsed(line):
                    yield chunk

    def close(self) -> None:
        """Close the files. Repeatable."""
        while self._files:
            self._files.pop().close()


def _lines_backward(file: BinaryIO, size: int) -> Iterator[tuple[int, bytes]]:
    """Each whole line of the first ``size`` bytes, the last one first, and the offset where it ends."""
    position, rest = size, b''
    while position:
        step = min(_BLOCK, position)
        position -= step
        file.seek(position)
        content = file.read(step) + rest
        first, *lines = content.split(b'\n')
        end = position + len(content) - (len(lines[-1]) if lines else 0)
        for line in reversed(lines[:-1]):
            yield end, line + b'\n'
            end -= len(line) + 1
        if not lines:
            rest = content
        elif position == 0:
            yield end, first + b'\n'
        else:
            rest = first + b'\n'


def _ends_wanted_line(line: bytes, query: LogQuery, *, also_part: bool) -> bool:
    """Whether it ends a line of output that the query asks for; the time is looked at only if need be.

    :param also_part: so does a part of one, of which no more has come.
    """
    fields = line.split(b' ', 3)
    if len(fields) < 4 or fields[1] not in _STREAMS or not (also_part or fields[2].startswith(b'F')):
        return False
    if query.since is None and query.until is None:
        return query.stdout if fields[1] == b'stdout' else query.stderr
    chunk = parse(line)
    return chunk is not None and _is_wanted(chunk, query)


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
