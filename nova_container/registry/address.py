# SPDX-License-Identifier: Apache-2.0
"""Where a name leads, and whether a registry may send us there.

A registry answers with addresses of others: where a blob lies, where tokens are given. One that names an address
inside would make the engine ask services that its own user cannot reach (OSSA-2026-004): so each name is resolved
here, what it resolves to is judged, and exactly that address is connected to.
"""

import enum
import ipaddress
import socket
from collections.abc import Collection

from nova_container import errors

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Reach(enum.Enum):
    """How far away an address is."""

    LOOPBACK = 'loopback'
    LINK = 'link-local'
    PRIVATE = 'private'
    GLOBAL = 'global'
    NOWHERE = 'unusable'


def resolve(host: str, port: int) -> tuple[Address, ...]:
    """All addresses of a host, in the order to try them. :raises Unavailable: it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise errors.Unavailable(f'The registry host {host[:253]} cannot be found: {error}') from error
    return tuple(dict.fromkeys(ipaddress.ip_address(str(place[0]).partition('%')[0]) for *_, place in found))


def reach(address: Address) -> Reach:
    """How far away it is; an IPv4 address in an IPv6 one counts as itself."""
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address.sixtofour or address
    if address.is_loopback:
        return Reach.LOOPBACK
    if address.is_link_local:
        return Reach.LINK
    if address.is_unspecified or address.is_multicast:
        return Reach.NOWHERE
    return Reach.GLOBAL if address.is_global else Reach.PRIVATE


def allowed(host: str, port: int, near: Collection[Reach]) -> tuple[Address, ...]:
    """The addresses to connect to for a host that a registry named.

    :param near: what the registry itself is, beside which everything global is allowed.
    :raises Denied: one of the host's addresses is inside, where the registry is not.
    """
    found = resolve(host, port)
    for address in found:
        if reach(address) not in {Reach.GLOBAL, *near} or reach(address) is Reach.NOWHERE:
            raise errors.Denied(f'The registry sends us to {host[:253]}:{port}, which is a {reach(address).value} '
                                'address: refused')
    return found


def is_in(host: str, address: Address, listed: Collection[str], port: int) -> bool:
    """Whether a host is in a list of hosts, hosts with port, and networks."""
    for entry in listed:
        if entry in (host, f'{host}:{port}', f'[{host}]:{port}'):
            return True
        try:
            network: Network = ipaddress.ip_network(entry, strict=False)
        except ValueError:
            continue
        if address in network:
            return True
    return False
