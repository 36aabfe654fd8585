# SPDX-License-Identifier: Apache-2.0
"""Handlers: further processes in running containers.

``POST /exec/{id}/start?strict=1`` is ours: what cannot be run is an error, and not output.
"""

import contextlib
import functools
import threading

from nova_container import errors
from nova_container.docker import frames
from nova_container.docker.server import detach, output, sessions
from nova_container.docker.server.client import Client
from nova_container.docker.server.message import MULTIPLEXED, RAW, Answer, Call, Reply, Takeover, of_json
from nova_container.docker.wire import execs as wire
from nova_container.docker.wire import fields
from nova_container.docker.wire.document import Document
from nova_container.engine import Session, StreamName


def create(call: Call) -> Answer:
    document = call.document()
    spec = wire.exec_of(document)
    detach.parse(Document(document).text('DetachKeys'))
    return of_json({'Id': call.engine.create_exec(call.container, spec)}, 201)


def start(call: Call) -> Answer:
    body = Document(call.document())
    fields.check(body, fields.EXEC_START)
    spec = call.engine.inspect_exec(call.params['id']).spec
    media_type = RAW if spec.tty else MULTIPLEXED
    try:
        session = call.engine.start_exec(call.params['id'])
    except errors.InvalidRequest as error:
        if body.flag('Detach') or call.query.flag('strict'):
            raise
        return Takeover(functools.partial(_told, f'{error}\r\n'.encode(), tty=spec.tty), media_type)
    if spec.tty and (size := body.fields.get('ConsoleSize')):
        _set_size(call, size)
    if body.flag('Detach'):
        threading.Thread(target=_swallow, args=(session,), name='detached', daemon=True).start()
        return Reply(200)
    streams = {StreamName.STDOUT: spec.attach_stdout, StreamName.STDERR: spec.attach_stderr}
    how = sessions.Joint(tty=spec.tty, stdin=spec.attach_stdin,
                         streams=frozenset(stream for stream, wanted in streams.items() if wanted))
    return Takeover(lambda client, sent: sessions.join(session, client, sent, how, call.context.watch),
                    media_type)


def _told(text: bytes, client: Client, sent: bytes, *, tty: bool) -> None:
    """Why it could not be run, where its output would be, as clients expect; its exit code tells too."""
    with contextlib.suppress(OSError):
        client.send(text if tty else frames.encode(StreamName.STDOUT, text))
    client.end_output()


def _set_size(call: Call, size: object) -> None:
    """``[rows, columns]``; that it cannot be set any more is no failure of the start."""
    if not (isinstance(size, list) and len(size) == 2 and all(isinstance(each, int) for each in size)):
        raise errors.InvalidRequest('ConsoleSize must be [rows, columns]')
    if all(0 < each < 1 << 16 for each in size):
        with contextlib.suppress(errors.ContainerError):
            call.engine.resize_exec(call.params['id'], rows=size[0], columns=size[1])


def _swallow(session: Session) -> None:
    """Read to the end what nobody wants: an exec whose output is not read would stall."""
    with session:
        try:
            while session.read() is not None:
                pass
        except (errors.ContainerError, OSError):
            return


def show(call: Call) -> Answer:
    return of_json(wire.exec_inspect_body(call.engine.inspect_exec(call.params['id'])))


def resize(call: Call) -> Answer:
    rows, columns = output.window(call)
    call.engine.resize_exec(call.params['id'], rows=rows, columns=columns)
    return Reply(200)
