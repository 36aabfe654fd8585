# SPDX-License-Identifier: Apache-2.0
"""Bridges, their ports, macvlans, and what the host routes: over a ``Links``, which is of one namespace."""

import ipaddress
import socket
import struct
from pathlib import Path

from nova_container import errors
from nova_container.host import netlink
from nova_container.host.links import Links

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_IFINFO = struct.Struct('=BxHiLL')
_RTMSG = struct.Struct('=BBBBBBBBL')
_IFF_UP = 1
_ADDRESS, _IFNAME, _MTU, _LINK, _MASTER, _PROTINFO, _LINKINFO, _NET_NS_FD = 1, 3, 4, 5, 10, 12, 18, 28
_INFO_KIND, _INFO_DATA, _MACVLAN_MODE = 1, 2, 1
_PORT_HAIRPIN, _PORT_ISOLATED = 4, 33
_RTA_DST, _RTA_TABLE = 1, 15
_LOCAL_TABLE, _UNICAST = 255, 1
_MODES = {'private': 1, 'vepa': 2, 'bridge': 4, 'passthru': 8}


def create_bridge(links: Links, name: str, *, mac: str, mtu: int) -> None:
    """Make a bridge, up; its MAC address is fixed, or it would change with its ports. :raises netlink.Exists:"""
    body = (_IFINFO.pack(0, 0, 0, _IFF_UP, _IFF_UP) + netlink.text(_IFNAME, name) + netlink.number(_MTU, mtu)
            + netlink.attribute(_ADDRESS, bytes.fromhex(mac.replace(':', '')))
            + netlink.nested(_LINKINFO, netlink.text(_INFO_KIND, 'bridge')))
    links.request(netlink.NEWLINK, body, netlink.CREATE | netlink.EXCL, what=f'make bridge {name}')


def add_port(links: Links, bridge: str, port: str, *, isolated: bool) -> None:
    """Make a link a port of a bridge; isolated ones reach the bridge, but not each other.

    :raises Exhausted: the bridge has 1023 ports, which is the most.
    """
    try:
        links.set_master(port, bridge)
    except netlink.Full as error:
        raise errors.Exhausted(f'Bridge {bridge} has 1023 ports, the most that Linux takes: use another network'
                               ) from error
    flags = netlink.attribute(_PORT_HAIRPIN, b'\1') + netlink.attribute(_PORT_ISOLATED, bytes([isolated]))
    body = (_IFINFO.pack(socket.AF_BRIDGE, 0, _index(links, port), 0, 0) + netlink.nested(_PROTINFO, flags))
    links.request(netlink.SETLINK, body, what=f'set up port {port} of {bridge}')


def create_macvlan(links: Links, name: str, *, parent: str, mode: str, namespace: Path, mac: str) -> None:
    """Make a macvlan of a link of the host inside a namespace, down. :raises InvalidSpec: no such mode or parent."""
    index = check_macvlan(links, parent, mode)
    with open(namespace, 'rb') as handle:
        body = (_IFINFO.pack(0, 0, 0, 0, 0) + netlink.text(_IFNAME, name) + netlink.number(_LINK, index)
                + netlink.attribute(_ADDRESS, bytes.fromhex(mac.replace(':', '')))
                + netlink.number(_NET_NS_FD, handle.fileno())
                + netlink.nested(_LINKINFO, netlink.text(_INFO_KIND, 'macvlan'),
                                 netlink.nested(_INFO_DATA, netlink.number(_MACVLAN_MODE, _MODES[mode]))))
        links.request(netlink.NEWLINK, body, netlink.CREATE | netlink.EXCL, what=f'make macvlan {name} of {parent}')


def check_macvlan(links: Links, parent: str, mode: str) -> int:
    """The number of the parent. :raises InvalidSpec: no such mode or parent."""
    if mode not in _MODES:
        raise errors.InvalidSpec(f'macvlan_mode {mode[:32]!r} is not one of {", ".join(_MODES)}')
    found = links.find(parent) if parent else None
    if found is None:
        raise errors.InvalidSpec(f'The option parent must name a link of the host for a macvlan, not {parent[:32]!r}')
    return found.index


def routed(links: Links) -> tuple[IPNetwork, ...]:
    """The networks that the host has routes to, its default routes apart."""
    found: list[IPNetwork] = []
    for family in (socket.AF_INET, socket.AF_INET6):
        body = _RTMSG.pack(family, 0, 0, 0, 0, 0, 0, 0, 0)
        for answer in links.request(netlink.GETROUTE, body, netlink.DUMP, what='list routes'):
            _, length, _, _, table, _, _, kind, _ = _RTMSG.unpack_from(answer)
            target = netlink.attributes(answer[_RTMSG.size:]).get(_RTA_DST)
            if target and length and kind == _UNICAST and table != _LOCAL_TABLE:
                found.append(ipaddress.ip_network((target, length)))
    return tuple(found)


def remove_default_route(links: Links, *, version: int) -> None:
    """The default routes of a namespace. Silent if there is none."""
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    body = _RTMSG.pack(family, 0, 0, 0, 254, 0, 255, 0, 0)
    while True:
        try:
            links.request(netlink.DELROUTE, body, what='delete the default route')
        except netlink.Missing:
            return


def _index(links: Links, name: str) -> int:
    link = links.find(name)
    if link is None:
        raise netlink.Missing(f'There is no link {name}')
    return link.index
