# SPDX-License-Identifier: Apache-2.0
"""Nova's network information as interfaces, addresses, routes and name servers. Pure."""

import dataclasses
import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_DEFAULTS = ('0.0.0.0/0', '::/0')
_METADATA_SERVICE = '169.254.169.254/32'
_DEFAULT_MTU = 1500


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """``gateway`` None is on the link."""

    destination: str
    gateway: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """One port as the container sees it. ``host_name`` is the end on the host, which os-vif knows.

    ``yields_default`` leaves a default route that is there already.
    """

    port_id: str
    host_name: str
    name: str
    mac: str
    mtu: int
    addresses: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()
    yields_default: bool = False


def interfaces(network_info: Sequence[Mapping[str, Any]]) -> tuple[Interface, ...]:
    """Every port in order, eth0 to ethN; the first that has a gateway of a family holds its default route.

    Without any router, the DHCP server of an isolated network answers for the metadata service.
    """
    taken: set[str] = set()
    found = []
    for number, vif in enumerate(network_info):
        one = interface(vif, f'eth{number}')
        kept = tuple(route for route in one.routes if route.destination not in taken)
        taken.update(route.destination for route in kept if route.destination in _DEFAULTS)
        found.append(dataclasses.replace(one, routes=kept))
    if _DEFAULTS[0] in taken:
        return tuple(found)
    return tuple(_with_metadata_route(one, vif) for one, vif in zip(found, network_info, strict=True))


def interface(vif: Mapping[str, Any], name: str) -> Interface:
    """One port under the name given."""
    subnets = _subnets(vif)
    return Interface(
        port_id=vif['id'], host_name=vif['devname'] or f'tap{vif["id"]}'[:14], name=name, mac=vif['address'],
        mtu=_mtu(vif), addresses=tuple(_addresses(subnets)), routes=tuple(_routes(subnets)))


def name_servers(network_info: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Of all subnets in order, each once. Without any, the DHCP servers of Neutron, which answer as well."""
    subnets = [subnet for vif in network_info for subnet in _subnets(vif)]
    found = [server['address'] for subnet in subnets for server in subnet['dns'] or ()]
    servers = [subnet.get('meta', {}).get('dhcp_server') for subnet in subnets if subnet['ips']]
    return tuple(dict.fromkeys(found or filter(None, servers)))


def first_addresses(network_info: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The first IPv4 and the first IPv6 address, as far as there are."""
    found = [ipaddress.ip_interface(one).ip for vif in network_info for one in _addresses(_subnets(vif))]
    firsts = {address.version: address for address in reversed(found)}
    return tuple(str(firsts[version]) for version in sorted(firsts))


def _subnets(vif: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    network = vif['network']
    return network['subnets'] if network else ()


def _mtu(vif: Mapping[str, Any]) -> int:
    network = vif['network'] or {}
    return int(network.get('meta', {}).get('mtu') or _DEFAULT_MTU)


def _addresses(subnets: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for subnet in subnets:
        length = ipaddress.ip_network(subnet['cidr']).prefixlen
        for fixed in subnet['ips']:
            yield f'{fixed["address"]}/{length}'


def _routes(subnets: Sequence[Mapping[str, Any]]) -> Iterator[Route]:
    """Host routes, then one default route a family. Only of subnets in which the port has an address."""
    used = [subnet for subnet in subnets if subnet['ips']]
    defaults: dict[str, Route] = {}
    for subnet in used:
        for route in subnet['routes'] or ():
            one = Route(destination=str(route['cidr']), gateway=_gateway(route))
            if one.destination in _DEFAULTS:
                defaults.setdefault(one.destination, one)
            else:
                yield one
    for subnet in used:
        destination = _DEFAULTS[ipaddress.ip_network(subnet['cidr']).version == 6]
        if gateway := _gateway(subnet):
            defaults.setdefault(destination, Route(destination=destination, gateway=gateway))
    yield from defaults.values()


def _with_metadata_route(one: Interface, vif: Mapping[str, Any]) -> Interface:
    servers = [subnet.get('meta', {}).get('dhcp_server') for subnet in _subnets(vif) if subnet['ips']]
    found = [server for server in servers if server and ipaddress.ip_address(server).version == 4]
    if not found:
        return one
    return dataclasses.replace(one, routes=(*one.routes, Route(destination=_METADATA_SERVICE, gateway=found[0])))


def _gateway(of: Mapping[str, Any]) -> str | None:
    gateway = of['gateway']
    return gateway['address'] if gateway else None
