# SPDX-License-Identifier: Apache-2.0
"""Flows of datagrams that the kernel remembers, with where it sent them: forgotten, so that new rules count.

Of a connection the kernel learns the end; of datagrams it does not, and sends what comes within 30 seconds of the
last one the old way (nf_conntrack's netlink, linux/netfilter/nfnetlink_conntrack.h; filters are in Linux from 5.8).
"""

import contextlib
import ipaddress
import socket
import struct

from nova_container import errors
from nova_container.host import netlink

_NETFILTER = 12
_GET, _DELETE = (1 << 8) | 1, (1 << 8) | 2
_TUPLE_ORIGINAL, _TUPLE_REPLY, _FILTER = 1, 2, 25
_TUPLE_IP, _TUPLE_PROTOCOL = 1, 2
_IP_SOURCE = {4: 1, 6: 3}
_PROTOCOL_NUMBER, _DESTINATION_PORT = 1, 3
_FLAGS_ORIGINAL, _FLAGS_REPLY = 1, 2
_MATCH_SOURCE, _MATCH_PROTOCOL, _MATCH_PORT = 1 << 0, 1 << 3, 1 << 5
_NESTED = 0x8000


def forget_datagrams_to(address: str) -> None:
    """Flows of UDP that are answered from this address."""
    ip = ipaddress.ip_address(address)
    reply = netlink.nested(
        _TUPLE_REPLY, netlink.nested(_TUPLE_IP, netlink.attribute(_IP_SOURCE[ip.version], ip.packed)), _udp())
    _forget(ip.version, reply, _FLAGS_REPLY, _MATCH_SOURCE | _MATCH_PROTOCOL)


def forget_datagrams_for(port: int, *, version: int = 4) -> None:
    """Flows of UDP that were sent to this port of any address."""
    original = netlink.nested(_TUPLE_ORIGINAL, _udp(netlink.attribute(_DESTINATION_PORT, struct.pack('!H', port))))
    _forget(version, original, _FLAGS_ORIGINAL, _MATCH_PROTOCOL | _MATCH_PORT)


def _udp(*more: bytes) -> bytes:
    return netlink.nested(_TUPLE_PROTOCOL, netlink.attribute(_PROTOCOL_NUMBER, bytes([socket.IPPROTO_UDP])), *more)


def _forget(version: int, pattern: bytes, side: int, flags: int) -> None:
    """Nothing to forget, no such feature in this kernel: all the same to the caller."""
    head = struct.pack('!BBH', socket.AF_INET if version == 4 else socket.AF_INET6, 0, 0)
    wanted = netlink.nested(_FILTER, *(netlink.number(each, flags if each == side else 0)
                                       for each in (_FLAGS_ORIGINAL, _FLAGS_REPLY)))
    connection = netlink.Connection(netlink.open_socket(_NETFILTER))
    with contextlib.closing(connection), contextlib.suppress(errors.LinkFailed):
        for found in connection.request(_GET, head + pattern + wanted, netlink.DUMP, what='list flows'):
            flow = netlink.attributes(found[len(head):])[_TUPLE_ORIGINAL]
            with contextlib.suppress(errors.LinkFailed):
                connection.request(_DELETE, head + netlink.attribute(_TUPLE_ORIGINAL | _NESTED, flow),
                                   what='forget a flow')
