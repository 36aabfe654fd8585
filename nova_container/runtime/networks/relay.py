# SPDX-License-Identifier: Apache-2.0
"""Connections to ports of the host that address translation cannot lead into a container: those over IPv6.

``::1`` is never routed, and a container need not have an IPv6 address. One thread, there while there are such ports or
connections, takes them and carries their bytes. Docker has a process for each port (docker-proxy).
"""

import logging
import os
import select
import socket
import threading
from collections.abc import Callable

LOG = logging.getLogger(__name__)

_PIECE = 64 * 1024
_CONNECTIONS = 1024


class Relay:
    """Listening sockets, and what came in by them."""

    def __init__(self, address_of: Callable[[str], str | None]) -> None:
        """:param address_of: the address of a container; None if it has none just now."""
        self._address_of = address_of
        self._lock = threading.Lock()
        self._listening: dict[int, tuple[socket.socket, str, int]] = {}
        self._pairs: dict[int, _Pair] = {}
        self._epoll: select.epoll | None = None
        self._wake = -1
        self._closed = False

    def listen(self, sock: socket.socket, container_id: str, port: int) -> None:
        """Lead connections to ``sock``, which is bound, to a port of the container. It stays the caller's."""
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what comes in by it shall hold up no later bind
        sock.listen(128)
        with self._lock:
            self._listening[sock.fileno()] = (sock, container_id, port)
            self._begun().register(sock, select.EPOLLIN)

    def shut(self, sock: socket.socket) -> None:
        """Take no more by ``sock``; what came in goes on. Silent if it does not listen."""
        with self._lock:
            if self._listening.pop(sock.fileno(), None) is not None and self._epoll is not None:
                self._epoll.unregister(sock)
                os.eventfd_write(self._wake, 1)

    def close(self) -> None:
        """End the thread and every connection. Repeatable."""
        with self._lock:
            self._closed = True
            if self._epoll is not None:
                os.eventfd_write(self._wake, 1)

    def _begun(self) -> select.epoll:
        if self._epoll is None:
            self._epoll = select.epoll()
            self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
            self._epoll.register(self._wake, select.EPOLLIN)
            threading.Thread(target=self._run, args=(self._epoll, self._wake), name='relay', daemon=True).start()
        return self._epoll

    def _run(self, epoll: select.epoll, wake: int) -> None:
        while not self._is_done(epoll, wake):
            for descriptor, _ in epoll.poll():
                try:
                    if descriptor == wake:
                        os.eventfd_read(wake)
                    else:
                        self._serve(epoll, descriptor)
                except OSError as error:
                    LOG.debug('A connection to a published port ended: %s', error)

    def _is_done(self, epoll: select.epoll, wake: int) -> bool:
        """Whether there is nothing to do any more; then all is let go."""
        with self._lock:
            if not self._closed and (self._listening or self._pairs):
                return False
            self._epoll = None
            for pair in set(self._pairs.values()):
                pair.close()
            self._pairs.clear()
            epoll.close()
            os.close(wake)
            return True

    def _serve(self, epoll: select.epoll, descriptor: int) -> None:
        pair = self._pairs.get(descriptor)
        if pair is not None:
            self._carry(epoll, pair)
            return
        with self._lock:
            found = self._listening.get(descriptor)
        if found is not None:
            self._take(epoll, *found)

    def _take(self, epoll: select.epoll, listening: socket.socket, container_id: str, port: int) -> None:
        outer, _ = listening.accept()
        address = self._address_of(container_id)
        if address is None or len(self._pairs) >= 2 * _CONNECTIONS:
            outer.close()
            return
        pair = _Pair(outer, address, port)
        self._pairs |= {sock.fileno(): pair for sock in pair.ends}
        self._carry(epoll, pair)

    def _carry(self, epoll: select.epoll, pair: '_Pair') -> None:
        """As far as it goes now; then wait for what it needs."""
        try:
            lives = pair.advance()
        except OSError:
            lives = False
        if lives:
            pair.watch(epoll)
            return
        for sock in pair.ends:
            self._pairs.pop(sock.fileno(), None)
        pair.close()


class _Way:
    """One direction of a connection."""

    def __init__(self, source: socket.socket, target: socket.socket) -> None:
        self.source, self.target = source, target
        self.held = b''
        self.ended = self.shut = False

    def advance(self) -> None:
        """:raises OSError: either side broke off."""
        try:
            while not self.shut:
                if not self.held and not self.ended:
                    self.held = self.source.recv(_PIECE)
                    self.ended = not self.held
                if self.held:
                    self.held = self.held[self.target.send(self.held):]
                elif self.ended:
                    self.target.shutdown(socket.SHUT_WR)
                    self.shut = True
        except BlockingIOError:
            return


class _Pair:
    """A client's connection and ours to the container."""

    def __init__(self, outer: socket.socket, address: str, port: int) -> None:
        inner = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET, socket.SOCK_STREAM)
        self.ends = (outer, inner)
        for sock in self.ends:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._ways = (_Way(outer, inner), _Way(inner, outer))
        self._watched: dict[socket.socket, int] = {}
        inner.connect_ex((address, port))
        self._connected = False

    def advance(self) -> bool:
        """False once both sides have ended. :raises OSError: one broke off, or does not take connections."""
        inner = self.ends[1]
        if not self._connected:
            if error := inner.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(error, os.strerror(error))
            try:
                inner.getpeername()
            except OSError:
                return True
            self._connected = True
        for way in self._ways:
            way.advance()
        return not all(way.shut for way in self._ways)

    def watch(self, epoll: select.epoll) -> None:
        """Have ``epoll`` tell when it can go on, and of nothing else."""
        for sock in self.ends:
            wanted, before = self._wanted(sock), self._watched.get(sock, 0)
            if wanted == before:
                continue
            if not wanted:
                epoll.unregister(sock)
            elif before:
                epoll.modify(sock, wanted)
            else:
                epoll.register(sock, wanted)
            self._watched[sock] = wanted

    def _wanted(self, sock: socket.socket) -> int:
        if not self._connected:
            return select.EPOLLOUT if sock is self.ends[1] else 0
        wanted = 0
        for way in self._ways:
            if way.source is sock and not way.held and not way.ended:
                wanted |= select.EPOLLIN
            if way.target is sock and way.held:
                wanted |= select.EPOLLOUT
        return wanted

    def close(self) -> None:
        """Closing takes them out of any epoll (epoll(7))."""
        for sock in self.ends:
            sock.close()
