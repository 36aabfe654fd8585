# SPDX-License-Identifier: Apache-2.0
"""Ports of the host that containers have: each is held by a bound socket, so that no other program takes it."""

import contextlib
import dataclasses
import errno
import socket
import threading
from collections.abc import Container, Iterable, Iterator
from pathlib import Path

from nova_container import errors
from nova_container.engine.network import Port
from nova_container.runtime.networks.relay import Relay

_DYNAMIC = range(32768, 61000)
_ANY = {'': '0.0.0.0', '0.0.0.0': '0.0.0.0', '::': '::'}
_HAS_IPV6 = Path('/proc/net/if_inet6')
_KINDS = {'tcp': (socket.SOCK_STREAM, 0), 'udp': (socket.SOCK_DGRAM, 0), 'sctp': (socket.SOCK_STREAM, 132)}


class PortBook:
    """Which container holds which ports of the host. Those of TCP over IPv6 are led into it by a relay."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._lock = threading.Lock()
        self._held: dict[str, dict[Port, socket.socket | None]] = {}
        self._last = _DYNAMIC.start - 1

    def take(self, container_id: str, wanted: Iterable[Port], both: Container[str] = ()) -> tuple[Port, ...]:
        """All of the ports, each with one number of the host, or none of them.

        :param both: protocols of which a port without an address is one of IPv6 too, where the host has that.
        :raises AlreadyExists: one is held by a container or a program.  :raises Exhausted: none of a range is free.
        """
        with self._lock:
            taken: dict[Port, socket.socket | None] = {}
            self._held.setdefault(container_id, {})
            try:
                for port in wanted:
                    self._take(port, taken, both=not port.host_ip and port.protocol in both)
                for port, sock in taken.items():
                    if sock is not None and port.protocol == 'tcp' and ':' in port.host_ip:
                        self._relay.listen(sock, container_id, port.container_port)
            except BaseException:
                self._close(taken)
                raise
            self._held[container_id] |= taken
            return tuple(taken)

    def release(self, container_id: str) -> bool:
        """Give back what a container holds; False if that was nothing."""
        with self._lock:
            return self._close(self._held.pop(container_id, {})) > 0

    def close(self) -> None:
        """Let go of every socket."""
        with self._lock:
            for held in self._held.values():
                self._close(held)
            self._held.clear()

    def _close(self, held: dict[Port, socket.socket | None]) -> int:
        for sock in held.values():
            if sock is not None:
                self._relay.shut(sock)
                sock.close()
        return len(held)

    def _take(self, port: Port, beside: dict[Port, socket.socket | None], *, both: bool) -> None:
        refusal: errors.ContainerError = errors.Exhausted('all ports of the range are taken')
        for number in self._candidates(port):
            found = Port(container_port=port.container_port, protocol=port.protocol, host_ip=_address(port),
                         host_port=number)
            wanted = [found, dataclasses.replace(found, host_ip='::')] if both else [found]
            bound: dict[Port, socket.socket | None] = {}
            try:
                for each in wanted:
                    self._check_free(each, (*beside, *bound))
                    if each is found or _HAS_IPV6.exists():
                        bound[each] = _bound(each)
            except errors.AlreadyExists as error:
                refusal = error
                self._close(bound)
            except BaseException:
                self._close(bound)
                raise
            else:
                beside |= bound
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
    if len({':' in address for address in addresses}) > 1:
        return False
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
        if family is socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
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
