# SPDX-License-Identifier: Apache-2.0
"""The network verbs of the fake: records and addresses, and nothing that carries a packet."""

import dataclasses
import ipaddress
import secrets
import time

from nova_container import errors
from nova_container.engine import addresses, configurations, ports, validate_networks
from nova_container.engine import spec as specs
from nova_container.engine.fake import faults
from nova_container.engine.fake.container import Container
from nova_container.engine.fake.lifecycle import FakeLifecycle
from nova_container.engine.network import Endpoint, EndpointInfo, Network, NetworkInfo, NetworkOps, Port

_DYNAMIC = range(32768, 61000)


@dataclasses.dataclass(slots=True)
class _Network:
    """A network and the endpoints in it by container."""

    id: str
    spec: Network
    created_at: float = dataclasses.field(default_factory=time.time)
    endpoints: dict[str, EndpointInfo] = dataclasses.field(default_factory=dict)


class FakeNetworks(FakeLifecycle, NetworkOps):
    """Networks in memory."""

    def __init__(self) -> None:
        super().__init__()
        self._networks: dict[str, _Network] = {}
        self._ports: dict[str, tuple[Port, ...]] = {}
        for name in validate_networks.BUILT_IN:
            self._add(Network(name=name, driver=name))

    def _add(self, network: Network) -> _Network:
        if network.driver in validate_networks.DRIVERS:
            taken = [ipaddress.ip_network(subnet.subnet) for each in self._networks.values()
                     for subnet in each.spec.subnets if not each.spec.config_only]
            network = dataclasses.replace(network, subnets=addresses.completed(
                network, taken, first=network.name == 'bridge'))
        made = _Network(secrets.token_hex(32), network)
        self._networks[made.id] = made
        return made

    def _specs(self) -> list[Network]:
        return [each.spec for each in self._networks.values()]

    @faults.verb
    def create_network(self, network: Network) -> str:
        validate_networks.check(network)
        with self.changed:
            network = configurations.configured(network, self._specs())
            validate_networks.check_driver(network)
            if any(each.spec.name == network.name for each in self._networks.values()):
                raise errors.AlreadyExists(f'network with name {network.name} already exists')
            made = self._add(network)
            self._tell(made, 'create')
            return made.id

    @faults.verb
    def inspect_network(self, network: str) -> NetworkInfo:
        with self.changed:
            return self._info(self._find(network))

    @faults.verb
    def list_networks(self) -> tuple[NetworkInfo, ...]:
        with self.changed:
            return tuple(self._info(each) for each in self._networks.values())

    @faults.verb
    def remove_network(self, network: str) -> None:
        with self.changed:
            try:
                found = self._find(network)
            except errors.NetworkNotFound:
                return
            if found.spec.name in validate_networks.BUILT_IN:
                raise errors.Denied(f'{found.spec.name} is a pre-defined network and cannot be removed')
            if found.endpoints:
                raise errors.WrongState(f'network {found.spec.name} has active endpoints')
            configurations.check_unused(found.spec, self._specs())
            self._networks.pop(found.id)
            self._tell(found, 'destroy')

    @faults.verb
    def prune_networks(self) -> tuple[str, ...]:
        with self.changed:
            unused = [each for each in self._networks.values()
                      if not (each.endpoints or each.spec.config_only or each.spec.name in validate_networks.BUILT_IN)]
            for each in unused:
                self._networks.pop(each.id)
                self._tell(each, 'destroy')
            return tuple(each.spec.name for each in unused)

    @faults.verb
    def connect(self, container: str, endpoint: Endpoint) -> None:
        with self.changed:
            found = self.containers.find(container)
            if found.spec.network.mode is not specs.NetworkMode.MANAGED:
                raise errors.InvalidRequest('A container without networks of the engine cannot be connected to one')
            self._tell(self._join(found, endpoint), 'connect', found)

    @faults.verb
    def disconnect(self, container: str, network: str, *, force: bool = False) -> None:
        with self.changed:
            left, found = self._find(network), self.containers.find(container)
            if left.endpoints.pop(found.id, None) is None:
                raise errors.NotFound(f'Container {container} is not connected to network {network}')
            self._tell(left, 'disconnect', found)

    def wanted_networks(self, container: Container) -> None:
        """Put a new container into the networks it asks for, all or none."""
        try:
            for endpoint in container.spec.network.endpoints:
                try:
                    self._join(container, endpoint)
                except errors.NetworkNotFound:
                    container.awaited_networks.append(endpoint)
        except BaseException:
            self.leave_networks(container)
            raise

    def leave_networks(self, container: Container) -> None:
        for each in self._networks.values():
            each.endpoints.pop(container.id, None)
        self._ports.pop(container.id, None)

    def publish_ports(self, container: Container) -> None:
        """Give a container that starts its ports of the host. :raises AlreadyExists: one is taken."""
        while container.awaited_networks:
            self._join(container, container.awaited_networks[0])
            container.awaited_networks.pop(0)
        asked = container.spec.network
        wanted = [*asked.ports, *(ports.unpublished(container.spec.exposed_ports, asked.ports)
                                  if asked.publish_all else ())]
        given: list[Port] = []
        for port in wanted if asked.mode is specs.NetworkMode.MANAGED else ():
            given.append(self._port(port, given))
        self._ports[container.id] = tuple(given)
        self._tell_all(container, 'connect')

    def withdraw_ports(self, container: Container) -> None:
        self._ports.pop(container.id, None)
        self._tell_all(container, 'disconnect')

    def _tell_all(self, container: Container, action: str) -> None:
        for each in self._of(container):
            self._tell(self._networks[each.network_id], action, container)

    def _port(self, port: Port, beside: list[Port]) -> Port:
        taken = {(each.protocol, each.host_port) for each in (*beside, *(
            one for held in self._ports.values() for one in held))}
        numbers = range(port.host_port, max(port.host_port, port.host_port_end) + 1) if port.host_port else _DYNAMIC
        for number in numbers:
            if (port.protocol, number) not in taken:
                return dataclasses.replace(port, host_port=number, host_port_end=0, host_ip=port.host_ip or '0.0.0.0')
        raise errors.AlreadyExists(f'Bind for 0.0.0.0:{port.host_port} failed: port is already allocated')

    def _find(self, name: str) -> _Network:
        for each in self._networks.values():
            if name in (each.id, each.spec.name):
                return each
        matches = [each for each in self._networks.values() if name and each.id.startswith(name)]
        if len(matches) != 1:
            raise errors.NetworkNotFound(name)
        return matches[0]

    def _join(self, container: Container, wanted: Endpoint) -> _Network:
        validate_networks.check_endpoint(wanted)
        network = self._find(wanted.network)
        if network.spec.name in ('host', 'none') or network.spec.config_only:
            raise errors.InvalidRequest(f'A container cannot be connected to the network {network.spec.name}')
        if network.spec.name == 'bridge' and (wanted.ipv4 or wanted.ipv6 or wanted.aliases):
            raise errors.InvalidSpec('Fixed addresses and aliases are for networks that a user made')
        if container.id in network.endpoints:
            raise errors.AlreadyExists(f'The container is in network {network.spec.name} already')
        validate_networks.check_versions(wanted, network.spec)
        network.endpoints[container.id] = self._endpoint(network, container, wanted)
        return network

    def _endpoint(self, network: _Network, container: Container, wanted: Endpoint) -> EndpointInfo:
        used = {address.partition('/')[0] for each in network.endpoints.values()
                for address in (each.ipv4, each.ipv6)}
        given, gateways = {4: '', 6: ''}, {4: '', 6: ''}
        for subnet in network.spec.subnets:
            version = addresses.version_of(subnet)
            given[version] = addresses.give(subnet, used, wanted.ipv4 if version == 4 else wanted.ipv6)
            gateways[version] = '' if network.spec.internal else subnet.gateway or ''
        own = () if network.spec.name == 'bridge' else (container.id[:12],)
        return EndpointInfo(
            network_id=network.id, network=network.spec.name, id=secrets.token_hex(32), container_id=container.id,
            mac=wanted.mac or addresses.mac_of(given[4]), ipv4=given[4], ipv6=given[6], gateway=gateways[4],
            gateway6=gateways[6], aliases=(*wanted.aliases, *own),
            interface=f'eth{len(self._of(container))}', wanted=dataclasses.replace(wanted, network=network.spec.name))

    def _of(self, container: Container) -> list[EndpointInfo]:
        return [each.endpoints[container.id] for each in self._networks.values() if container.id in each.endpoints]

    def network_state(self, container: Container) -> tuple[tuple[EndpointInfo, ...], tuple[Port, ...]]:
        """What a container has in networks, and the ports it shows on the host."""
        found = sorted(self._of(container), key=lambda each: each.interface)
        return tuple(_shown(each, container) for each in found), self._ports.get(container.id, ())

    def _info(self, network: _Network) -> NetworkInfo:
        return NetworkInfo(id=network.id, spec=network.spec, created_at=network.created_at, endpoints=tuple(
            _shown(each, self.containers.find(container_id)) for container_id, each in network.endpoints.items()))

    def _tell(self, network: _Network, action: str, container: Container | None = None) -> None:
        who = {} if container is None else {'container': container.id}
        self.journal.publish('network', action, network.id, {
            'name': network.spec.name, 'type': network.spec.driver, **who})


def _shown(endpoint: EndpointInfo, container: Container) -> EndpointInfo:
    """As it is told: without addresses while the container does not run."""
    told = dataclasses.replace(endpoint, container_name=container.spec.name)
    if container.status.alive:
        return told
    return dataclasses.replace(told, id='', mac='', ipv4='', ipv6='', gateway='', gateway6='')
