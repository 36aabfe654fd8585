# SPDX-License-Identifier: Apache-2.0
"""The answer of GET /containers/{id}/logs?timestamps=1, read back into chunks."""

import re
from collections.abc import Iterator

from nova_container.docker import frames
from nova_container.docker.wire import units
from nova_container.engine import LogChunk, StreamName

_STAMP = re.compile(rb'(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) ')


def chunks(pieces: Iterator[bytes], *, tty: bool) -> Iterator[LogChunk]:
    """Chunks as they come; closing the iterator ends the connection."""
    return _lines(pieces) if tty else _frames(pieces)


def _frames(pieces: Iterator[bytes]) -> Iterator[LogChunk]:
    decoder, latest = frames.Decoder(), 0.0
    for piece in pieces:
        for stream, data in decoder.feed(piece):
            latest, data = _split(data, latest)
            yield LogChunk(stream, latest, data)


def _lines(pieces: Iterator[bytes]) -> Iterator[LogChunk]:
    """A terminal's log is not framed: a time stands where a line begins."""
    rest, latest = b'', 0.0
    for piece in pieces:
        *lines, rest = (rest + piece).split(b'\n')
        for line in lines:
            latest, data = _split(line + b'\n', latest)
            yield LogChunk(StreamName.STDOUT, latest, data)
    if rest:
        latest, data = _split(rest, latest)
        yield LogChunk(StreamName.STDOUT, latest, data)


def _split(data: bytes, latest: float) -> tuple[float, bytes]:
    match = _STAMP.match(data)
    if match is None:
        return latest, data
    return units.seconds_of(match[1].decode()) or latest, data[match.end():]


def moment(seconds: float | None) -> str | None:
    """A ``since`` or ``until`` with nanoseconds, as Docker reads it."""
    return None if seconds is None else f'{seconds:.9f}'
