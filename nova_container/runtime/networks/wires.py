# SPDX-License-Identifier: Apache-2.0
"""Links between the host and the namespaces of containers: bridges, pairs, macvlans, addresses and routes."""

import contextlib
import ipaddress
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from nova_container import errors
from nova_container.engine.network import Subnet
from nova_container.host import bridges, firewall, netns
from nova_container.host.links import Links
from nova_container.runtime.networks import etc, rules
from nova_container.runtime.networks.records import EndpointRecord, NetworkRecord

LOG = logging.getLogger(__name__)

_MTU = 'com.docker.network.driver.mtu'
_BRIDGE_MAC = '02:42'
_NAMES_TABLE = 'nova-container-names'


def mtu_of(network: NetworkRecord) -> int:
    return int(network.spec.options.get(_MTU, '1500'))


def make_bridge(network: NetworkRecord) -> None:
    """The bridge of a network with its gateway addresses, unless it is there; forwarding is turned on."""
    with Links() as links:
        if not links.exists(network.bridge):
            mac = f'{_BRIDGE_MAC}:{":".join(network.id[at:at + 2] for at in range(0, 8, 2))}'
            bridges.create_bridge(links, network.bridge, mac=mac, mtu=mtu_of(network))
        settings = {f'net/ipv4/conf/{network.bridge}/route_localnet': '1'}
        if not any(_version(subnet) == 6 for subnet in network.spec.subnets):
            settings[f'net/ipv6/conf/{network.bridge}/disable_ipv6'] = '1'
        netns.write_here(settings)
        for subnet in network.spec.subnets:
            links.add_address(network.bridge, _with_prefix(subnet))
        links.set_up(network.bridge)
    _forward(network)


def _forward(network: NetworkRecord) -> None:
    wanted = ['net/ipv4/ip_forward']
    if any(_version(subnet) == 6 for subnet in network.spec.subnets):
        wanted.append('net/ipv6/conf/all/forwarding')
    for name in () if network.spec.internal else wanted:
        path = Path('/proc/sys', name)
        if path.exists() and path.read_text().strip() == '0':
            path.write_text('1')
            LOG.info('Set %s to 1, as network %s needs it', name.replace('/', '.'), network.name)


def check_parent(network: NetworkRecord) -> None:
    """:raises InvalidSpec: a macvlan without a link of the host to stand on, or in a mode that is none."""
    options = network.spec.options
    with Links() as links:
        bridges.check_macvlan(links, options.get('parent', ''), options.get('macvlan_mode', 'bridge'))


def remove_bridge(network: NetworkRecord) -> None:
    """Silent if it is not there, and if it is not ours."""
    if network.bridge and not network.foreign:
        with Links() as links:
            links.delete(network.bridge)


def wire(network: NetworkRecord, endpoint: EndpointRecord, namespace: Path) -> None:
    """Put the interface of an endpoint into the namespace, unless it is there. Leaves nothing if it fails.

    :raises Exhausted: the bridge takes no more.  :raises LinkFailed:
    """
    with Links(namespace) as inside:
        if inside.exists(endpoint.interface):
            return
        try:
            _make_link(network, endpoint, namespace)
            _set_up(network, endpoint, namespace, inside)
        except BaseException:
            with contextlib.suppress(errors.ContainerError):
                inside.delete(endpoint.interface)
            raise


def _make_link(network: NetworkRecord, endpoint: EndpointRecord, namespace: Path) -> None:
    options = network.spec.options
    with Links() as outside:
        if network.spec.driver == 'macvlan':
            bridges.create_macvlan(outside, endpoint.interface, parent=options.get('parent', ''),
                                   mode=options.get('macvlan_mode', 'bridge'), namespace=namespace, mac=endpoint.mac)
            return
        outside.delete(endpoint.host_link)  # of a namespace that was lost
        outside.create_veth(endpoint.host_link, peer_name=endpoint.interface, peer_namespace=namespace,
                            mac=endpoint.mac, mtu=mtu_of(network))
        bridges.add_port(outside, network.bridge, endpoint.host_link, isolated=not between_containers(network))


def between_containers(network: NetworkRecord) -> bool:
    return network.spec.options.get('com.docker.network.bridge.enable_icc', 'true') != 'false'


def _set_up(network: NetworkRecord, endpoint: EndpointRecord, namespace: Path, inside: Links) -> None:
    name = endpoint.interface
    if endpoint.ipv6 is None:
        netns.write_sysctls(namespace, {f'net/ipv6/conf/{name}/disable_ipv6': '1'})
    link_local = (f'{address}/{64 if ":" in address else 16}' for address in endpoint.wanted.link_local)
    for address in filter(None, (endpoint.ipv4, endpoint.ipv6, *link_local)):
        inside.add_address(name, address)
    inside.set_up(name)


def unwire(endpoint: EndpointRecord, namespace: Path | None) -> None:
    """Take the interface away on both sides. Repeatable."""
    with Links() as outside:
        outside.delete(endpoint.host_link)
    if namespace is not None and netns.exists(namespace):
        with Links(namespace) as inside:
            inside.delete(endpoint.interface)


def route(namespace: Path, endpoint: EndpointRecord | None, gateways: Iterable[str]) -> None:
    """Let the default routes be over this endpoint; None takes them away."""
    with Links(namespace) as inside:
        for version in (4, 6):
            bridges.remove_default_route(inside, version=version)
        for gateway in gateways if endpoint else ():
            assert endpoint is not None
            everywhere = '0.0.0.0/0' if '.' in gateway else '::/0'
            inside.add_route(endpoint.interface, everywhere, gateway)


def redirect_names(namespace: Path, udp: int, tcp: int) -> None:
    """Lead questions to 127.0.0.11:53 in a namespace to these ports of our resolver there."""
    netns.run_in(namespace, lambda: firewall.replace_table(_NAMES_TABLE, rules.names_table(etc.RESOLVER, udp, tcp)))


def host_links() -> frozenset[str]:
    """Names of the links of the host."""
    with Links() as outside:
        return frozenset(link.name for link in outside.list())


def host_networks() -> Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """What the host routes."""
    with Links() as outside:
        return bridges.routed(outside)


def _version(subnet: Subnet) -> int:
    return ipaddress.ip_network(subnet.subnet).version


def _with_prefix(subnet: Subnet) -> str:
    return f'{subnet.gateway}/{ipaddress.ip_network(subnet.subnet).prefixlen}'
