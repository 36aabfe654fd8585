# SPDX-License-Identifier: Apache-2.0
"""Checks over networks, endpoints and ports: pure, and the first that fails says what to change."""

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping

from nova_container import errors
from nova_container.engine import grammar
from nova_container.engine.network import Endpoint, Network, Port, Subnet

BUILT_IN = ('bridge', 'host', 'none')
DRIVERS = ('bridge', 'macvlan')
_LINK_NAME = re.compile(r'[^/\s:%]{1,15}')
_BRIDGE = 'com.docker.network.bridge.'
_MTU = 'com.docker.network.driver.mtu'


def _is_flag(text: str) -> bool:
    return text in ('true', 'false')


def _is_link(text: str) -> bool:
    return _LINK_NAME.fullmatch(text) is not None and text not in ('.', '..')


def _is_mtu(text: str) -> bool:
    return text.isascii() and text.isdigit() and 68 <= int(text[:6]) <= 65535


OPTIONS: Mapping[str, Mapping[str, Callable[[str], bool]]] = {
    'bridge': {f'{_BRIDGE}name': _is_link, f'{_BRIDGE}enable_icc': _is_flag,
               f'{_BRIDGE}enable_ip_masquerade': _is_flag, f'{_BRIDGE}host_binding_ipv4': grammar.is_address,
               f'{_BRIDGE}default_bridge': _is_flag, _MTU: _is_mtu},
    'macvlan': {'parent': _is_link, 'macvlan_mode': lambda text: text in ('bridge', 'private', 'vepa', 'passthru'),
                _MTU: _is_mtu},
}
"""What each driver takes, and how a value is checked."""

_RESERVED = ('default', 'container')
_MAC = re.compile(r'[0-9a-f]{2}(?::[0-9a-f]{2}){5}', re.IGNORECASE)
_EXPOSED = re.compile(r'([0-9]{1,5})/(tcp|udp|sctp)')
_LINK_LOCAL = (ipaddress.ip_network('169.254.0.0/16'), ipaddress.ip_network('fe80::/10'))
_LINK = re.compile(r'/?[a-zA-Z0-9][a-zA-Z0-9_.-]*(?::[a-zA-Z0-9_.-]+)?')
_PROTOCOLS = ('tcp', 'udp', 'sctp')


def check(network: Network) -> None:
    """A network to make, of whatever driver. :raises InvalidSpec:"""
    _require(grammar.NAME.fullmatch(network.name) is not None and len(network.name) <= grammar.NAME_CHARACTERS
             and network.name not in _RESERVED, f'network name {network.name[:64]!r} is not allowed')
    for subnet in network.subnets:
        _check_subnet(subnet)
    _require(network.ipv6 or all(_network(each.subnet).version == 4 for each in network.subnets),
             'subnets: an IPv6 subnet needs ipv6')
    versions = [_network(each.subnet).version for each in network.subnets]
    _require(len(set(versions)) == len(versions), 'subnets: at most one of IPv4 and one of IPv6')
    _require(not network.config_only or not (network.internal or network.attachable or network.config_from),
             'config_only: a configuration is neither internal nor attachable, nor made from another')
    _require(not network.config_from or not (network.subnets or network.ipv6 or network.options or network.labels),
             'config_from: subnets, ipv6, options and labels are those of the configuration, so leave them out')


def check_driver(network: Network) -> None:
    """Driver and options, of a network to make. :raises Unsupported: we lack it.  :raises InvalidSpec:"""
    if network.config_only:
        return
    if network.driver not in DRIVERS:
        raise errors.Unsupported(f'The network driver {network.driver[:64]!r} is not there: use bridge or macvlan')
    for name, value in network.options.items():
        check_option = OPTIONS[network.driver].get(name)
        if check_option is None:
            raise errors.Unsupported(f'options: {name[:64]!r} is none that a {network.driver} network has')
        _require(check_option(value), f'options: {name} cannot be {value[:64]!r}')


def _check_subnet(subnet: Subnet) -> None:
    network = _network(subnet.subnet)
    if subnet.ip_range:
        inner = _network(subnet.ip_range)
        _require(inner.version == network.version and inner.subnet_of(network),  # type: ignore[arg-type]
                 f'ip_range: {subnet.ip_range} is not in {subnet.subnet}')
    for address in (*((subnet.gateway,) if subnet.gateway else ()), *subnet.taken.values()):
        _require(grammar.is_address(address) and ipaddress.ip_address(address) in network,
                 f'subnets: {address[:64]!r} is not an address in {subnet.subnet}')


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise errors.InvalidSpec(f'subnets: {text[:64]!r} is not a network such as 192.168.7.0/24: {error}') from None


def check_endpoint(endpoint: Endpoint) -> None:
    """What a container wants in a network. :raises InvalidSpec:"""
    _require(bool(endpoint.network), 'endpoint: network must name a network')
    for address, version in ((endpoint.ipv4, 4), (endpoint.ipv6, 6)):
        _require(address is None or (grammar.is_address(address) and ipaddress.ip_address(address).version == version),
                 f'endpoint: {str(address)[:64]!r} is not an IPv{version} address')
    for text in endpoint.link_local:
        _require(grammar.is_address(text) and any(ipaddress.ip_address(text) in each for each in _LINK_LOCAL),
                 f'endpoint: {text[:64]!r} is not a link-local address, of 169.254.0.0/16 or fe80::/10')
    _require(len(set(map(ipaddress.ip_address, endpoint.link_local))) == len(endpoint.link_local),
             'endpoint: a link-local address is given twice')
    _require(endpoint.mac is None or (_MAC.fullmatch(endpoint.mac) is not None and not int(endpoint.mac[:2], 16) & 1),
             f'endpoint: {str(endpoint.mac)[:64]!r} is not the MAC address of one interface')
    for alias in endpoint.aliases:
        _require(grammar.NAME.fullmatch(alias) is not None and len(alias) <= grammar.DOMAIN_CHARACTERS,
                 f'endpoint: alias {alias[:64]!r} is not a name')
    for link in endpoint.links:
        _require(_LINK.fullmatch(link) is not None, f'endpoint: link {link[:64]!r} must have the form name:alias')


def check_versions(endpoint: Endpoint, network: Network) -> None:
    """IPv6 addresses are for networks that have it. :raises InvalidSpec:"""
    wanted = (endpoint.ipv6 or '', *endpoint.link_local)
    _require(not any(':' in text for text in wanted) or any(':' in each.subnet for each in network.subnets),
             f'Network {network.name} has no IPv6 subnet')


def check_endpoints(endpoints: Iterable[Endpoint]) -> None:
    """Those of one container: each network once. :raises InvalidSpec:"""
    seen: set[str] = set()
    for endpoint in endpoints:
        check_endpoint(endpoint)
        _require(endpoint.network not in seen, f'endpoints: {endpoint.network[:64]!r} is given twice')
        seen.add(endpoint.network)


def check_port(port: Port) -> None:
    """:raises InvalidSpec:"""
    _require(1 <= port.container_port <= 65535 and 0 <= port.host_port <= 65535 and port.protocol in _PROTOCOLS,
             f'ports: {port.container_port}/{port.protocol[:16]} must be 1 to 65535 of tcp, udp or sctp')
    _require(port.host_port_end == 0 or port.host_port <= port.host_port_end <= 65535,
             f'ports: the range {port.host_port}-{port.host_port_end} must rise, to at most 65535')
    _require(not port.host_ip or grammar.is_address(port.host_ip), f'ports: {port.host_ip[:64]!r} is not an address')


def check_exposed(exposed: Iterable[str]) -> None:
    """:raises InvalidSpec: one is not like 80/tcp."""
    for text in exposed:
        found = _EXPOSED.fullmatch(text)
        _require(found is not None and 1 <= int(found[1]) <= 65535, f'exposed_ports: {text[:64]!r} must be like 80/tcp')


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise errors.InvalidSpec(otherwise)
