# SPDX-License-Identifier: Apache-2.0
"""Links, addresses and routes of one network namespace."""

import array
import contextlib
import dataclasses
import fcntl
import ipaddress
import os
import socket
import struct
from collections.abc import Sequence
from pathlib import Path

from nova_container import errors
from nova_container.host import netlink, netns

_IFINFO = struct.Struct('=BxHiLL')
_IFADDR = struct.Struct('=BBBBL')
_RTMSG = struct.Struct('=BBBBBBBBL')
_STATS = struct.Struct('=8Q')
_IFF_UP = 1
_ADDRESS, _IFNAME, _MTU, _MASTER, _LINKINFO, _NET_NS_FD, _STATS64 = 1, 3, 4, 10, 18, 28, 23
_INFO_KIND, _INFO_DATA, _VETH_PEER = 1, 2, 1
_IFA_ADDRESS, _IFA_LOCAL, _IFA_BROADCAST, _IFA_FLAGS, _NODAD = 1, 2, 4, 8, 0x02
_RTA_DST, _RTA_OIF, _RTA_GATEWAY = 1, 4, 5
_MAIN_TABLE, _PROTO_STATIC, _SCOPE_UNIVERSE, _SCOPE_LINK, _UNICAST, _ONLINK = 254, 4, 0, 253, 1, 4
_SIOCETHTOOL, _ETHTOOL_STXCSUM = 0x8946, 0x17


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link as it is now."""

    name: str
    index: int
    mac: str
    mtu: int
    up: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What went through a link, seen from inside its namespace."""

    name: str
    rx_bytes: int
    rx_packets: int
    rx_errors: int
    rx_dropped: int
    tx_bytes: int
    tx_packets: int
    tx_errors: int
    tx_dropped: int


class Links:
    """The links of one namespace, over one socket. Close it when done; one thread at a time.

    :raises LinkFailed: every method, with the kernel's words; netlink.Missing if there is no such link.
    """

    def __init__(self, namespace: Path | None = None) -> None:
        """:param namespace: a file that holds it open; None is the caller's own."""
        self._namespace = namespace
        self._route = netns.connect(namespace)

    def __enter__(self) -> 'Links':
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket. Repeatable."""
        self._route.close()

    def request(self, kind: int, body: bytes, flags: int = 0, *, what: str) -> list[bytes]:
        """See ``netlink.Connection.request``: for links of further kinds (``host/bridges.py``)."""
        return self._route.request(kind, body, flags, what=what)

    def find(self, name: str) -> Link | None:
        """The link of that name, None if there is none."""
        body = _IFINFO.pack(0, 0, 0, 0, 0) + netlink.text(_IFNAME, name)
        try:
            return _link(self._route.request(netlink.GETLINK, body, what=f'look up link {name}')[0])
        except netlink.Missing:
            return None

    def exists(self, name: str) -> bool:
        return self.find(name) is not None

    def list(self) -> tuple[Link, ...]:
        """All links, loopback too."""
        return tuple(_link(body) for body in self._dump())

    def counters(self) -> tuple[Counters, ...]:
        """Of every link but loopback."""
        found = (_counters(body) for body in self._dump())
        return tuple(one for one in found if one.name != 'lo')

    def create_veth(self, name: str, *, peer_name: str, peer_namespace: Path, mac: str, mtu: int) -> None:
        """Make a pair: ``name`` here, up; ``peer_name`` in ``peer_namespace``, down, with the MAC address.

        :raises netlink.Exists: a name is taken.
        """
        try:
            with open(peer_namespace, 'rb') as handle:
                self._create_veth(name, peer_name, handle.fileno(), mac, mtu)
        except OSError as error:
            raise netlink.Missing(f'There is no network namespace {peer_namespace}: {error.strerror}') from error

    def _create_veth(self, name: str, peer_name: str, namespace: int, mac: str, mtu: int) -> None:
        peer = (_IFINFO.pack(0, 0, 0, 0, 0) + netlink.text(_IFNAME, peer_name) + netlink.number(_MTU, mtu)
                + netlink.attribute(_ADDRESS, _mac_bytes(mac)) + netlink.number(_NET_NS_FD, namespace))
        body = (_IFINFO.pack(0, 0, 0, _IFF_UP, _IFF_UP) + netlink.text(_IFNAME, name) + netlink.number(_MTU, mtu)
                + netlink.nested(_LINKINFO, netlink.text(_INFO_KIND, 'veth'),
                                 netlink.nested(_INFO_DATA, netlink.nested(_VETH_PEER, peer))))
        self._route.request(netlink.NEWLINK, body, netlink.CREATE | netlink.EXCL,
                            what=f'make link {name} with {peer_name}')

    def delete(self, name: str) -> None:
        """Delete the link, and the other end of a pair. Silent if there is none."""
        body = _IFINFO.pack(0, 0, 0, 0, 0) + netlink.text(_IFNAME, name)
        with contextlib.suppress(netlink.Missing):
            self._route.request(netlink.DELLINK, body, what=f'delete link {name}')

    def set_up(self, name: str) -> None:
        self._change(name, b'', f'set link {name} up', up=True)

    def rename(self, name: str, new_name: str) -> None:
        """Rename a link that is down."""
        self._change(name, netlink.text(_IFNAME, new_name), f'rename link {name} to {new_name}')

    def set_mtu(self, name: str, mtu: int) -> None:
        self._change(name, netlink.number(_MTU, mtu), f'set the MTU of link {name} to {mtu}')

    def set_mac(self, name: str, mac: str) -> None:
        self._change(name, netlink.attribute(_ADDRESS, _mac_bytes(mac)), f'set the MAC address of link {name}')

    def set_master(self, name: str, master: str) -> None:
        """Make the link a port of a bridge."""
        self._change(name, netlink.number(_MASTER, self._index(master)), f'add link {name} to {master}')

    def move(self, name: str, namespace: Path) -> None:
        """Move the link into another namespace, where it is down."""
        with open(namespace, 'rb') as handle:
            self._change(name, netlink.number(_NET_NS_FD, handle.fileno()), f'move link {name} to {namespace}')

    def add_address(self, name: str, address: str) -> None:
        """Add ``192.0.2.5/24`` or an IPv6 one, at once usable (no duplicate detection). Silent if there."""
        interface = ipaddress.ip_interface(address)
        four = interface.version == 4
        body = (_IFADDR.pack(socket.AF_INET if four else socket.AF_INET6, interface.network.prefixlen, 0, 0,
                             self._index(name))
                + netlink.attribute(_IFA_LOCAL, interface.packed) + netlink.attribute(_IFA_ADDRESS, interface.packed))
        if not four:
            body += netlink.number(_IFA_FLAGS, _NODAD)
        elif interface.network.prefixlen < 31:
            body += netlink.attribute(_IFA_BROADCAST, interface.network.broadcast_address.packed)
        with contextlib.suppress(netlink.Exists):
            self._route.request(netlink.NEWADDR, body, netlink.CREATE | netlink.EXCL,
                                what=f'add address {address} to link {name}')

    def addresses(self, name: str) -> tuple[str, ...]:
        """The addresses of a link, as ``192.0.2.5/24``."""
        body = _IFADDR.pack(0, 0, 0, 0, self._index(name))
        found = self._route.request(netlink.GETADDR, body, netlink.DUMP, what=f'list addresses of link {name}')
        return tuple(_address(one) for one in found)

    def add_route(self, name: str, destination: str, gateway: str | None = None, *, replace: bool = True) -> None:
        """Route ``destination`` (``0.0.0.0/0`` is the default) over the link, replacing the one there is or leaving it.

        A gateway outside every subnet of the link is reached on the link all the same.
        """
        network = ipaddress.ip_network(destination, strict=False)
        family = socket.AF_INET if network.version == 4 else socket.AF_INET6
        body = (_RTMSG.pack(family, network.prefixlen, 0, 0, _MAIN_TABLE, _PROTO_STATIC,
                            _SCOPE_UNIVERSE if gateway else _SCOPE_LINK, _UNICAST, _ONLINK if gateway else 0)
                + netlink.number(_RTA_OIF, self._index(name)))
        if network.prefixlen:
            body += netlink.attribute(_RTA_DST, network.network_address.packed)
        if gateway:
            body += netlink.attribute(_RTA_GATEWAY, ipaddress.ip_address(gateway).packed)
        with contextlib.suppress(netlink.Exists):
            self._route.request(netlink.NEWROUTE, body, netlink.CREATE | (netlink.REPLACE if replace else netlink.EXCL),
                                what=f'add route {destination} via {gateway or name}')

    def disable_tx_offload(self, name: str) -> None:
        """Let the kernel compute transmit checksums, as ``ethtool -K NAME tx off``; segmentation goes too."""
        value = array.array('I', [_ETHTOOL_STXCSUM, 0])  # struct ethtool_value: command, wanted
        request = struct.pack('16sP16x', os.fsencode(name), value.buffer_info()[0])
        with netns.open_in(self._namespace, _datagram_socket) as sock:
            try:
                fcntl.ioctl(sock, _SIOCETHTOOL, request)
            except OSError as error:
                raise errors.LinkFailed(f'Cannot turn off transmit offload of {name}: {error.strerror}') from error

    def _change(self, name: str, attributes: bytes, what: str, *, up: bool | None = None) -> None:
        flags, mask = (0, 0) if up is None else (_IFF_UP if up else 0, _IFF_UP)
        body = _IFINFO.pack(0, 0, self._index(name), flags, mask) + attributes
        self._route.request(netlink.NEWLINK, body, what=what)

    def _index(self, name: str) -> int:
        link = self.find(name)
        if link is None:
            raise netlink.Missing(f'There is no link {name}')
        return link.index

    def _dump(self) -> Sequence[bytes]:
        return self._route.request(netlink.GETLINK, _IFINFO.pack(0, 0, 0, 0, 0), netlink.DUMP, what='list links')


def _datagram_socket() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)


def _mac_bytes(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(':', ''))


def _link(body: bytes) -> Link:
    _, _, index, flags, _ = _IFINFO.unpack_from(body)
    found = netlink.attributes(body[_IFINFO.size:])
    return Link(name=_name(found), index=index, mac=found.get(_ADDRESS, b'').hex(':'),
                mtu=int(struct.unpack('=L', found[_MTU])[0]), up=bool(flags & _IFF_UP))


def _name(found: dict[int, bytes]) -> str:
    return found[_IFNAME].rstrip(b'\0').decode(errors='replace')


def _counters(body: bytes) -> Counters:
    found = netlink.attributes(body[_IFINFO.size:])
    rx_packets, tx_packets, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped, tx_dropped = _STATS.unpack_from(
        found[_STATS64])
    return Counters(name=_name(found), rx_bytes=rx_bytes, rx_packets=rx_packets, rx_errors=rx_errors,
                    rx_dropped=rx_dropped, tx_bytes=tx_bytes, tx_packets=tx_packets, tx_errors=tx_errors,
                    tx_dropped=tx_dropped)


def _address(body: bytes) -> str:
    prefix = _IFADDR.unpack_from(body)[1]
    found = netlink.attributes(body[_IFADDR.size:])
    packed = found.get(_IFA_LOCAL) or found[_IFA_ADDRESS]
    return f'{ipaddress.ip_address(packed)}/{prefix}'
