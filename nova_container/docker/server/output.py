# SPDX-License-Identifier: Apache-2.0
"""Handlers: the output of containers, as a log and live, and the size of their terminals."""

import time
from collections.abc import Iterator

from nova_container import errors
from nova_container.docker import frames
from nova_container.docker.server import detach, following, sessions, websocket
from nova_container.docker.server.client import Client
from nova_container.docker.server.message import MULTIPLEXED, RAW, Answer, Call, Reply, Stream, Takeover
from nova_container.docker.wire import logs as wire_logs
from nova_container.docker.wire import units
from nova_container.engine import ContainerInfo, LogChunk, LogQuery, Session, StreamName, validate

_OK = Reply(200)
_PIECE = 64 * 1024


def logs(call: Call) -> Answer:
    query, now = call.query, time.time()
    if not (query.flag('stdout') or query.flag('stderr')):
        raise errors.InvalidRequest('Bad parameters: you must choose at least one stream')
    info = call.engine.inspect(call.container)
    validate.check_log_kept(info.name, info.spec)
    wanted = LogQuery(
        stdout=query.flag('stdout'), stderr=query.flag('stderr'), follow=query.flag('follow'),
        tail=_tail(query.text('tail')), since=units.moment_of(query.text('since'), now),
        until=units.moment_of(query.text('until'), now))
    tty = info.spec.process.tty
    written = _written(following.chunks(call, info.id, wanted), tty=tty, timestamps=query.flag('timestamps'),
                       details=wire_logs.details(info).encode() if query.flag('details') else b'')
    return Stream(written if wanted.follow else _together(written), RAW if tty else MULTIPLEXED)


def _tail(text: str) -> int | None:
    """Docker takes what is no number as all."""
    return int(text) if text.isascii() and text.isdigit() else None


def _written(chunks: Iterator[LogChunk], *, tty: bool, timestamps: bool, details: bytes) -> Iterator[bytes]:
    """As Docker sends it: framed without a terminal; time and details only where a line of a stream begins."""
    yield b''
    amid_line: set[StreamName] = set()
    for chunk in chunks:
        data = chunk.data
        if chunk.stream not in amid_line:
            data = details + data
            if timestamps:
                data = f'{units.timestamp_of(chunk.time)} '.encode() + data
        if chunk.data.endswith(b'\n'):
            amid_line.discard(chunk.stream)
        else:
            amid_line.add(chunk.stream)
        yield data if tty else frames.encode(chunk.stream, data)


def _together(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Many small pieces that are at hand as fewer larger ones."""
    yield next(pieces, b'')
    gathered = bytearray()
    for piece in pieces:
        gathered += piece
        if len(gathered) >= _PIECE:
            yield bytes(gathered)
            gathered.clear()
    yield bytes(gathered)


def attach(call: Call) -> Answer:
    info = call.engine.inspect(call.container)
    tty = info.spec.process.tty
    how = _joint(call, info, whole=False, tty=tty)
    session = call.engine.attach(info.id) if call.query.flag('stream') else _NoSession()
    return Takeover(lambda client, sent: sessions.join(session, client, sent, how, call.context.watch),
                    _media_type(call, tty=tty))


def attach_by_websocket(call: Call) -> Answer:
    """Output comes without frames that tell its stream. Before API 1.42, whatever is asked for, all streams come."""
    accepted = websocket.accepted(call.headers)
    info = call.engine.inspect(call.container)
    how = _joint(call, info, whole=call.version < (1, 42), tty=info.spec.process.tty)
    session = call.engine.attach(info.id) if call.query.flag('stream') else _NoSession()

    def run(client: Client, sent: bytes) -> None:
        spoken = websocket.WebSocketClient(client, sent)
        sessions.join(session, spoken, b'', how, call.context.watch)

    return Takeover(run, protocol='websocket', headers=accepted)


def _joint(call: Call, info: ContainerInfo, *, whole: bool, tty: bool) -> sessions.Joint:
    """What the query asks for; of all streams, if ``whole``."""
    query = call.query
    detach.parse(query.text('detachKeys'))
    wanted = frozenset(stream for stream in (StreamName.STDOUT, StreamName.STDERR)
                       if whole or query.flag(stream.value))
    stdin = query.flag('stream') and (whole or query.flag('stdin')) and info.spec.process.open_stdin
    return sessions.Joint(tty=tty, stdin=stdin, streams=wanted, detach=query.text('detachKeys'),
                          before=lambda: _past(call, info, wanted), framed=not call.path.endswith('/ws'))


def _past(call: Call, info: ContainerInfo, streams: frozenset[StreamName]) -> Iterator[tuple[StreamName, bytes]]:
    """What the log holds, if it was asked for."""
    if call.query.flag('logs') and info.spec.log.driver != 'none':
        query = LogQuery(stdout=StreamName.STDOUT in streams, stderr=StreamName.STDERR in streams)
        yield from ((chunk.stream, chunk.data) for chunk in call.engine.logs(info.id, query))


def _media_type(call: Call, *, tty: bool) -> str:
    return RAW if tty else MULTIPLEXED


class _NoSession(Session):
    """The session of one who wants the past only."""

    def read(self) -> None:
        return None

    def write(self, data: bytes) -> None:
        return

    def close_stdin(self) -> None:
        return

    def close(self) -> None:
        return


def resize(call: Call) -> Answer:
    rows, columns = window(call)
    call.engine.resize(call.container, rows=rows, columns=columns)
    return _OK


def window(call: Call) -> tuple[int, int]:
    """Rows and columns of a resize request. :raises InvalidRequest: they are missing or out of range."""
    rows, columns = call.query.number('h'), call.query.number('w')
    if rows is None or columns is None or not (0 <= rows < 1 << 16 and 0 <= columns < 1 << 16):
        raise errors.InvalidRequest('h and w must be numbers of rows and columns')
    return rows, columns
