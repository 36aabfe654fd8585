# SPDX-License-Identifier: Apache-2.0
"""The resolver at 127.0.0.11 in each container of a network with names: one thread serves them all.

Its sockets were opened inside the namespaces, where they stay. What it does not know it asks the host's name
servers, or the container's own (``dns``), from the host, so that servers on the host's loopback serve too.
"""

import contextlib
import dataclasses
import errno
import logging
import os
import random
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from nova_container import errors
from nova_container.host import netns
from nova_container.runtime.networks import names
from nova_container.runtime.networks.etc import RESOLVER

LOG = logging.getLogger(__name__)

_PORT = 53
_OWN_PORT = 41053  # not 53, which a container that serves names itself binds; wires.redirect_names leads here
_PATIENCE_S = 3.0
_TRIES = 4
USUAL_PORTS = (_OWN_PORT, _OWN_PORT)
_PENDING, _PENDING_EACH = 2048, 128
_CONNECTIONS_EACH = 16
_IDLE_S = 10.0
_LONGEST = 65535

Lookup = Callable[[str, names.Query, bool], bytes | None]
"""The answer to a container's question, by id; None if others must be asked."""
Upstream = Callable[[str], Sequence[str]]
"""The servers to ask for a container; none if it may not ask outside."""


@dataclasses.dataclass(slots=True, eq=False)
class _Door:
    """The two sockets in one container's namespace."""

    container_id: str
    udp: socket.socket
    tcp: socket.socket
    pending: int = 0
    connections: int = 0


@dataclasses.dataclass(slots=True, eq=False)
class _Asked:
    """A question passed on, until it is answered."""

    door: _Door
    query: names.Query
    reply: Callable[[bytes], None]
    servers: list[str]
    over_tcp: bool
    sock: socket.socket | None = None
    deadline: float = 0.0
    received: bytes = b''
    over: bool = False


@dataclasses.dataclass(slots=True, eq=False)
class _Client:
    """A connection from inside."""

    door: _Door
    sock: socket.socket
    received: bytes = b''
    deadline: float = 0.0
    waiting: int = 0


class Resolver:
    """Opened when the first container needs it; close it when done."""

    def __init__(self, lookup: Lookup, upstream: Upstream) -> None:
        self._lookup, self._upstream = lookup, upstream
        self._selector = selectors.DefaultSelector()
        self._lock = threading.RLock()
        self._doors: dict[str, _Door] = {}
        self._asked: set[_Asked] = set()
        self._clients: set[_Client] = set()
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._selector.register(self._wake_read, selectors.EVENT_READ, lambda: self._drain())
        self._thread: threading.Thread | None = None
        self._closed = False

    def open(self, container_id: str, namespace: Path) -> tuple[int, int]:
        """Answer in that namespace from now on; the ports, of UDP and of TCP. Repeatable. :raises HostFailure:"""
        with self._lock:
            known = self._doors.get(container_id)
            if known is not None:
                return _ports(known.udp, known.tcp)
        udp, tcp = netns.run_in(namespace, _opened)
        with self._lock:
            door = _Door(container_id, udp, tcp)
            if self._closed:
                udp.close()
                tcp.close()
                raise errors.Unavailable('The engine is being closed')
            self._doors[container_id] = door
            self._selector.register(udp, selectors.EVENT_READ, lambda: self._read(door))
            self._selector.register(tcp, selectors.EVENT_READ, lambda: self._accept(door))
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name='resolver', daemon=True)
                self._thread.start()
        self._wake()
        return _ports(udp, tcp)

    def shut(self, container_id: str) -> None:
        """Answer there no more; sockets would keep the namespace. Repeatable."""
        with self._lock:
            door = self._doors.pop(container_id, None)
            if door is not None:
                for asked in [each for each in self._asked if each.door is door]:
                    self._give_up(asked)
                for client in [each for each in self._clients if each.door is door]:
                    self._hang_up(client)
                for sock in (door.udp, door.tcp):
                    self._selector.unregister(sock)
                    sock.close()

    def close(self) -> None:
        """End the thread and close every socket. Repeatable."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            for container_id in list(self._doors):
                self.shut(container_id)
        self._wake()
        if self._thread is not None:
            self._thread.join(5)
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self._wake_write, b'\0')

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_read, 4096)

    def _serve(self) -> None:
        while not self._closed:
            ready = self._selector.select(self._patience_s())
            with self._lock:
                for key, _ in ready:
                    if self._closed:
                        return
                    try:
                        if self._selector.get_map().get(key.fd) is key:  # not closed by one before it
                            key.data()
                    except Exception:
                        LOG.exception('A question to the resolver was passed over')
                self._look_at_the_time()

    def _patience_s(self) -> float | None:
        with self._lock:
            ends = [*(each.deadline for each in self._asked), *(each.deadline for each in self._clients)]
        return max(0.0, min(ends) - time.monotonic()) if ends else None

    def _look_at_the_time(self) -> None:
        now = time.monotonic()
        for asked in [each for each in self._asked if each.deadline <= now]:
            self._ask_next(asked)
        for client in [each for each in self._clients if each.deadline <= now and not each.waiting]:
            self._hang_up(client)
        for client in self._clients:
            if client.deadline <= now:
                client.deadline = now + _IDLE_S

    def _read(self, door: _Door) -> None:
        for _ in range(64):
            try:
                message, sender = door.udp.recvfrom(_LONGEST)
            except OSError:
                return
            with contextlib.suppress(names.Malformed):
                self._handle(door, message, _answer_to(door.udp, sender), over_tcp=False)

    def _handle(self, door: _Door, message: bytes, reply: Callable[[bytes], None], *, over_tcp: bool) -> None:
        query = names.parse(message)
        answer = self._lookup(door.container_id, query, not over_tcp)
        if answer is not None:
            reply(answer)
            return
        servers = list(self._upstream(door.container_id))
        if not servers or len(self._asked) >= _PENDING or door.pending >= _PENDING_EACH:
            reply(names.refusal(query, names.SERVER_FAILURE))
            return
        asked = _Asked(door, query, reply, (servers * _TRIES)[:_TRIES], over_tcp)
        door.pending += 1
        self._asked.add(asked)
        self._ask_next(asked)

    def _ask_next(self, asked: _Asked) -> None:
        """Try the next server, or give up. A socket a question: an answer is taken from whom it was asked only."""
        self._forget_socket(asked)
        while asked.servers:
            server = asked.servers.pop(0)
            with contextlib.suppress(OSError):
                self._send_to(asked, server)
                return
        asked.reply(names.refusal(asked.query, names.SERVER_FAILURE))
        self._give_up(asked)

    def _send_to(self, asked: _Asked, server: str) -> None:
        family = socket.AF_INET6 if ':' in server else socket.AF_INET
        kind = socket.SOCK_STREAM if asked.over_tcp else socket.SOCK_DGRAM
        asked.sock = sock = socket.socket(family, kind | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        asked.deadline, asked.received = time.monotonic() + _PATIENCE_S, b''
        with contextlib.suppress(BlockingIOError):
            sock.connect((server, _PORT))
        if asked.over_tcp:
            self._selector.register(sock, selectors.EVENT_WRITE, lambda: self._connected(asked))
        else:
            sock.send(asked.query.raw)
            self._selector.register(sock, selectors.EVENT_READ, lambda: self._answered(asked))

    def _connected(self, asked: _Asked) -> None:
        assert asked.sock is not None
        try:
            asked.sock.sendall(struct.pack('!H', len(asked.query.raw)) + asked.query.raw)
        except OSError:
            self._ask_next(asked)
            return
        self._selector.modify(asked.sock, selectors.EVENT_READ, lambda: self._answered(asked))

    def _answered(self, asked: _Asked) -> None:
        assert asked.sock is not None
        try:
            data = asked.sock.recv(_LONGEST)
        except BlockingIOError:
            return
        except OSError:
            data = b''
        if asked.over_tcp:
            asked.received += data
            message = _whole(asked.received)
            if message is None and data:
                return
        else:
            message = data
        if message and names.is_answer(message, asked.query):
            asked.reply(message)
            self._give_up(asked)
        elif asked.over_tcp or not data:
            self._ask_next(asked)

    def _forget_socket(self, asked: _Asked) -> None:
        if asked.sock is not None:
            with contextlib.suppress(KeyError):
                self._selector.unregister(asked.sock)
            asked.sock.close()
            asked.sock = None

    def _give_up(self, asked: _Asked) -> None:
        self._forget_socket(asked)
        if not asked.over:
            asked.over = True
            asked.door.pending -= 1
            self._asked.discard(asked)

    def _accept(self, door: _Door) -> None:
        with contextlib.suppress(OSError):
            sock, _ = door.tcp.accept()
            if door.connections >= _CONNECTIONS_EACH:
                sock.close()
                return
            sock.setblocking(False)
            client = _Client(door, sock, deadline=time.monotonic() + _IDLE_S)
            door.connections += 1
            self._clients.add(client)
            self._selector.register(sock, selectors.EVENT_READ, lambda: self._hear(client))

    def _hear(self, client: _Client) -> None:
        try:
            data = client.sock.recv(_LONGEST)
        except BlockingIOError:
            return
        except OSError:
            data = b''
        if not data:
            self._hang_up(client)
            return
        client.received += data
        client.deadline = time.monotonic() + _IDLE_S
        while client in self._clients and (message := _whole(client.received)) is not None:
            client.received = client.received[2 + len(message):]
            client.waiting += 1
            try:
                self._handle(client.door, message, lambda answer: self._reply(client, answer), over_tcp=True)
            except names.Malformed:
                self._hang_up(client)

    def _reply(self, client: _Client, answer: bytes) -> None:
        client.waiting -= 1
        if client in self._clients:
            try:
                client.sock.sendall(struct.pack('!H', len(answer)) + answer)
            except OSError:  # it reads nothing
                self._hang_up(client)

    def _hang_up(self, client: _Client) -> None:
        if client in self._clients:
            self._clients.discard(client)
            client.door.connections -= 1
            self._selector.unregister(client.sock)
            client.sock.close()


def _opened() -> tuple[socket.socket, socket.socket]:
    """Sockets into the namespace of the calling thread. :raises HostFailure:"""
    made: list[socket.socket] = []
    try:
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            sock = socket.socket(socket.AF_INET, kind | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
            made.append(sock)
            _bind(sock)
        made[1].listen(16)
    except OSError as error:
        for sock in made:
            sock.close()
        raise errors.LinkFailed(f'The resolver cannot answer at {RESOLVER}: {error.strerror}') from error
    return made[0], made[1]


def _bind(sock: socket.socket) -> None:
    """The port that rules of an earlier run lead to, or any other."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((RESOLVER, _OWN_PORT))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        sock.bind((RESOLVER, 0))


def _ports(udp: socket.socket, tcp: socket.socket) -> tuple[int, int]:
    return udp.getsockname()[1], tcp.getsockname()[1]


def _answer_to(sock: socket.socket, client: tuple[str, int]) -> Callable[[bytes], None]:
    def send(answer: bytes) -> None:
        with contextlib.suppress(OSError):
            sock.sendto(answer, client)

    return send


def _whole(received: bytes) -> bytes | None:
    """The first message of a stream, if all of it is there."""
    if len(received) < 2:
        return None
    length = struct.unpack_from('!H', received)[0]
    return received[2:2 + length] if len(received) >= 2 + length else None


def shuffled(addresses: Sequence[str]) -> list[str]:
    """In any order, so that several containers of one name share what comes."""
    return random.sample(addresses, len(addresses))
