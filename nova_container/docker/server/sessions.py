# SPDX-License-Identifier: Apache-2.0
"""A client joined to a process: output goes out as it comes, input comes in on a second thread."""

import contextlib
import dataclasses
import logging
import threading
from collections.abc import Callable, Iterator

from nova_container.docker import frames
from nova_container.docker.server.client import Client
from nova_container.docker.server.detach import DetachKeys
from nova_container.docker.server.watch import Watch
from nova_container.engine import Session, StreamName

LOG = logging.getLogger(__name__)
_READ = 64 * 1024


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """How a client and a process are joined. ``before`` is output to send first; ``framed`` tells its streams apart."""

    tty: bool
    stdin: bool
    streams: frozenset[StreamName]
    detach: str = ''
    before: Callable[[], Iterator[tuple[StreamName, bytes]]] = lambda: iter(())
    framed: bool = True


def join(session: Session, client: Client, sent_already: bytes, how: Joint, watch: Watch) -> None:
    """Carry bytes both ways until the process ends, the client detaches or is gone."""
    with session, _input(session, client, sent_already, how, watch):
        try:
            for stream, data in how.before():
                _send(client, stream, data, how)
            while (piece := session.read()) is not None:
                _send(client, *piece, how)
        except OSError as error:
            LOG.debug('A client left its session: %s', error)
    client.end_output()


def _send(client: Client, stream: StreamName, data: bytes, how: Joint) -> None:
    if how.tty:
        client.send(data)
    elif stream in how.streams:
        client.send(frames.encode(stream, data) if how.framed else data)


@contextlib.contextmanager
def _input(session: Session, client: Client, sent_already: bytes, how: Joint, watch: Watch) -> Iterator[None]:
    """Feed the session while in the block; without input, only notice that the client went away."""
    if not how.stdin and how.framed:
        with watch.until_gone(client, session.close):
            yield
        return
    feeder = threading.Thread(target=_feed, args=(session, client, sent_already, how), name='stdin', daemon=True)
    feeder.start()
    try:
        yield
    finally:
        client.hang_up_input()
        feeder.join()


def _feed(session: Session, client: Client, data: bytes, how: Joint) -> None:
    keys = DetachKeys(how.detach) if how.tty else None
    try:
        data = data or client.receive_forever(_READ)
        while data:
            kept = data if keys is None else keys.filter(data)
            if kept and how.stdin:
                session.write(kept)
            if keys is not None and keys.pressed:
                session.close()
                return
            data = client.receive_forever(_READ)
        session.close_stdin()
        if client.is_gone() or not how.framed:  # who closes a WebSocket listens no more
            session.close()
    except OSError:
        session.close()
    except Exception:
        LOG.exception('Input of a session failed')
        session.close()
