# SPDX-License-Identifier: Apache-2.0
"""Ports of the host that containers have: each is held by a bound socket, so that no other program takes it."""

import contextlib
import errno
import socket
import threading
from collections.abc import Iterable, Iterator

from nova_container import errors
from nova_container.engine.network import Port

_DYNAMIC = range(32768, 61000)
_ANY = {'': '0.0.0.0', '0.0.0.0': '0.0.0.0', '::': '::'}
_KINDS = {'tcp': (socket.SOCK_STREAM, 0), 'udp': (socket.SOCK_DGRAM, 0), 'sctp': (socket.SOCK_STREAM, 132)}


class PortBook:
    """Which container holds which ports of the host."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[str, dict[Port, socket.socket | None]] = {}
        self._last = _DYNAMIC.start - 1

    def take(self, container_id: str, wanted: Iterable[Port]) -> tuple[Port, ...]:
        """All of the ports, each with one number of the host, or none of them.

        :raises AlreadyExists: one is held by a container or a program.  :raises Exhausted: none of a range is free.
        """
        with self._lock:
            taken: dict[Port, socket.socket | None] = {}
            self._held.setdefault(container_id, {})
            try:
                for port in wanted:
                    self._take(port, taken)
            except BaseException:
                _close(taken)
                raise
            self._held[container_id] |= taken
            return tuple(taken)

    def release(self, container_id: str) -> bool:
        """Give back what a container holds; False if that was nothing."""
        with self._lock:
            return _close(self._held.pop(container_id, {})) > 0

    def close(self) -> None:
        """Let go of every socket."""
        with self._lock:
            for held in self._held.values():
                _close(held)
            self._held.clear()

    def _take(self, port: Port, beside: dict[Port, socket.socket | None]) -> None:
        refusal: errors.ContainerError = errors.Exhausted('all ports of the range are taken')
        for number in self._candidates(port):
            found = Port(container_port=port.container_port, protocol=port.protocol, host_ip=_address(port),
                         host_port=number)
            try:
                self._check_free(found, beside)
                beside[found] = _bound(found)
            except errors.AlreadyExists as error:
                refusal = error
            else:
                if not port.host_port:
                    self._last = number
                return
        raise refusal

    def _candidates(self, port: Port) -> Iterator[int]:
        if port.host_port:
            yield from range(port.host_port, max(port.host_port, port.host_port_end) + 1)
            return
        start = self._last + 1 if self._last + 1 in _DYNAMIC else _DYNAMIC.start
        yield from range(start, _DYNAMIC.stop)
        yield from range(_DYNAMIC.start, start)

    def _check_free(self, port: Port, beside: Iterable[Port]) -> None:
        for held in (*beside, *(each for some in self._held.values() for each in some)):
            if (held.protocol, held.host_port) == (port.protocol, port.host_port) and _overlap(held, port):
                raise errors.AlreadyExists(f'Bind for {_address(port)}:{port.host_port} failed: port is already '
                                           'allocated')


def _overlap(one: Port, other: Port) -> bool:
    addresses = {_address(one), _address(other)}
    return len(addresses) == 1 or '0.0.0.0' in addresses or '::' in addresses


def _address(port: Port) -> str:
    return _ANY.get(port.host_ip, port.host_ip)


def _bound(port: Port) -> socket.socket | None:
    """A socket that holds the port; None for a protocol that this kernel does not have."""
    kind, protocol = _KINDS[port.protocol]
    address = _address(port)
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    try:
        sock = socket.socket(family, kind | socket.SOCK_CLOEXEC, protocol)
    except OSError:
        if port.protocol == 'sctp':
            return None
        raise
    try:
        _bind(sock, address, port)
    except BaseException:
        sock.close()
        raise
    return sock


def _bind(sock: socket.socket, address: str, port: Port) -> None:
    try:
        sock.bind((address, port.host_port))
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise errors.InvalidSpec(f'Bind for {address}:{port.host_port} failed: this host does not have that '
                                     'address') from error
        if error.errno != errno.EADDRINUSE:
            raise
        if not _rebound(sock, address, port):
            raise errors.AlreadyExists(f'Bind for {address}:{port.host_port} failed: address already in use: another '
                                       'program of the host has the port') from error


def _rebound(sock: socket.socket, address: str, port: Port) -> bool:
    """Connections that a program left behind (TIME_WAIT) do not hold a port."""
    if port.protocol != 'tcp':
        return False
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with contextlib.suppress(OSError):
        sock.bind((address, port.host_port))
        sock.listen(1)  # refused beside a listener, and so is a bind beside us from now on
        return True
    return False


def _close(held: dict[Port, socket.socket | None]) -> int:
    for sock in held.values():
        if sock is not None:
            sock.close()
    return len(held)
