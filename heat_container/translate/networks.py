# SPDX-License-Identifier: Apache-2.0
"""Networks and ports of a template -> ``NetworkSpec``. Pure."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from nova_container import errors
from nova_container.engine import NetworkMode, NetworkSpec, ports
from nova_container.engine.network import Endpoint, Port

BRIDGE = 'bridge'
_JOIN = 'container:'
_MODES = {'none': NetworkMode.NAMESPACE, 'host': NetworkMode.HOST}


def network_of(props: Mapping[str, Any], beside: str = '') -> NetworkSpec:
    """:param beside: the container whose network is shared, '' for none.

    :raises InvalidSpec: networks and network_mode contradict each other.
    """
    mode = f'{_JOIN}{beside}' if beside else props['network_mode']
    if mode and props['networks']:
        raise errors.InvalidSpec(f'networks cannot be given with {"server" if beside else "network_mode"}: '
                                 'leave one of them out')
    if mode and mode.startswith(_JOIN):
        found = NetworkSpec(mode=NetworkMode.CONTAINER, container=mode.removeprefix(_JOIN))
    elif mode:
        found = NetworkSpec(mode=_MODES[mode])
    else:
        found = NetworkSpec(mode=NetworkMode.MANAGED, endpoints=endpoints_of(props))
    if found.mode is not NetworkMode.MANAGED and (props['ports'] or props['publish_all_ports']):
        raise errors.InvalidSpec('ports can be published only of a container in networks of the engine')
    return dataclasses.replace(
        found, dns=tuple(props['dns'] or ()), dns_search=tuple(props['dns_search'] or ()),
        dns_options=tuple(props['dns_options'] or ()), extra_hosts=tuple(props['extra_hosts'] or ()),
        ports=tuple(map(_port, props['ports'] or ())), publish_all=bool(props['publish_all_ports']))


def endpoints_of(props: Mapping[str, Any]) -> tuple[Endpoint, ...]:
    """In order; without any, ``bridge``. :raises InvalidSpec: a network is given twice."""
    found = [_endpoint(one) for one in props['networks'] or ()] or [Endpoint(network=BRIDGE)]
    seen: set[str] = set()
    for one in found:
        if one.network in seen:
            raise errors.InvalidSpec(f'networks: {one.network} is given twice')
        seen.add(one.network)
    if props['links']:
        found[0] = dataclasses.replace(found[0], links=(*found[0].links, *props['links']))
    return tuple(found)


def exposed_of(wanted: Iterable[str] | None) -> tuple[str, ...]:
    """``80-81`` is two. :raises InvalidSpec: one is no port."""
    found: list[str] = []
    for text in wanted or ():
        named = ports.normal(text)
        if not named:
            raise errors.InvalidSpec(f'exposed_ports: {text} is not like 80, 80/tcp or 80-81/udp')
        found += named
    return tuple(dict.fromkeys(found))


def _endpoint(wanted: Mapping[str, Any]) -> Endpoint:
    return Endpoint(
        network=wanted['network'], aliases=tuple(wanted['aliases'] or ()), ipv4=wanted['ipv4_address'] or None,
        ipv6=wanted['ipv6_address'] or None, mac=wanted['mac_address'] or None,
        link_local=tuple(wanted['link_local_ips'] or ()), links=tuple(wanted['links'] or ()),
        options={name: str(value) for name, value in (wanted['driver_options'] or {}).items()},
        priority=wanted['gateway_priority'] or 0)


def _port(wanted: Mapping[str, Any]) -> Port:
    if wanted['host_port_end'] and not wanted['host_port']:
        raise errors.InvalidSpec('ports: host_port_end needs host_port')
    return Port(container_port=wanted['container_port'], protocol=wanted['protocol'] or 'tcp',
                host_ip=wanted['host_ip'] or '', host_port=wanted['host_port'] or 0,
                host_port_end=wanted['host_port_end'] or 0)
