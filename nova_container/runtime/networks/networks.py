# SPDX-License-Identifier: Apache-2.0
"""The networks of one engine: their records, their bridges, and the one table of nftables that follows from both.

A bridge is there from when its network is made or (the built-in one) first used, until the network is removed or
the engine is closed with no container wired to it. An engine without such networks touches nothing of the host.
"""

import dataclasses
import hashlib
import ipaddress
import logging
import secrets
import threading
import time
from collections.abc import Iterable

from nova_container import errors
from nova_container.engine import addresses, configurations, validate_networks
from nova_container.engine.network import Endpoint, Network, Port
from nova_container.host import conntrack, firewall
from nova_container.runtime.database import Database
from nova_container.runtime.events import EventLog
from nova_container.runtime.networks import rules, wires
from nova_container.runtime.networks.ports import PortBook
from nova_container.runtime.networks.relay import Relay
from nova_container.runtime.networks.records import EndpointRecord, NetworkRecord, NetworkRecords, Published

LOG = logging.getLogger(__name__)

_BRIDGE_NAME = 'com.docker.network.bridge.name'
_MASQUERADE = 'com.docker.network.bridge.enable_ip_masquerade'
_LOOPBACK = '::1'
_PROTOCOLS = ('tcp', 'udp', 'sctp')
HOST_BINDING = 'com.docker.network.bridge.host_binding_ipv4'


class Networks:
    """Records in memory as on disk, under one lock, which is held by no one who waits for a container."""

    def __init__(self, database: Database, events: EventLog, engine_key: str) -> None:
        """:param engine_key: names this engine among those of the host."""
        self._records = NetworkRecords(database)
        self._events = events
        self._key = hashlib.sha256(engine_key.encode()).hexdigest()
        self.table = f'nova-container-{self._key[:8]}'
        self.lock = threading.RLock()
        self.relay = Relay(self._address_of)
        self.ports = PortBook(self.relay)
        self._networks = {each.id: each for each in self._records.networks()}
        self._endpoints: dict[tuple[str, str], EndpointRecord] = {}
        self._of_container: dict[str, tuple[EndpointRecord, ...]] = {}
        for each in self._records.endpoints():
            self._know(each)
        self._published = {each.container_id: each.ports for each in self._records.published()}
        self._up: set[str] = set()
        self._applied: str | None = None
        self._open = False

    # ---- networks

    def all(self) -> list[NetworkRecord]:
        """The built-in ones first, then oldest first."""
        with self.lock:
            made = [each for each in self._networks.values() if each.name not in validate_networks.BUILT_IN]
            return [self._built_in(name) for name in validate_networks.BUILT_IN] + made

    def get(self, name: str) -> NetworkRecord:
        """By id, name, or unique prefix of an id. :raises NetworkNotFound: :raises InvalidRequest: several."""
        known = self.all()
        for each in known:
            if name in (each.id, each.name):
                return each
        matches = [each for each in known if name and each.id.startswith(name)]
        if len(matches) > 1:
            raise errors.InvalidRequest(f'{name} is the beginning of {len(matches)} network ids: give more of it')
        if not matches:
            raise errors.NetworkNotFound(name[:64])
        return matches[0]

    def by_id(self, network_id: str) -> NetworkRecord:
        """:raises NetworkNotFound: it was removed just now."""
        try:
            return self._networks[network_id]
        except KeyError:
            raise errors.NetworkNotFound(network_id) from None

    def _built_in(self, name: str) -> NetworkRecord:
        for each in self._networks.values():
            if each.name == name:
                return each
        driver = 'bridge' if name == 'bridge' else name
        options = {_BRIDGE_NAME: self._default_bridge} if name == 'bridge' else {}
        return NetworkRecord(id=hashlib.sha256(f'{self._key}/{name}'.encode()).hexdigest(), created_at=0.0,
                             spec=Network(name=name, driver=driver, options=options))

    @property
    def _default_bridge(self) -> str:
        return f'nc-{self._key[:12]}'

    def create(self, wanted: Network) -> NetworkRecord:
        """See ``NetworkOps.create_network``."""
        validate_networks.check(wanted)
        with self.lock:
            wanted = configurations.configured(wanted, self._specs())
            validate_networks.check_driver(wanted)
            if wanted.name in validate_networks.BUILT_IN or any(
                    each.name == wanted.name for each in self._networks.values()):
                raise errors.AlreadyExists(f'network with name {wanted.name} already exists')
            record = self._planned(secrets.token_hex(32), wanted)
            self._records.add_network(record)
            self._networks[record.id] = record
            try:
                self.ensure_up(record)
            except BaseException:
                self._forget(record)
                raise
        self.publish(record, 'create')
        return record

    def _specs(self) -> list[Network]:
        return [each.spec for each in self._networks.values()]

    def _planned(self, network_id: str, wanted: Network) -> NetworkRecord:
        """The record of a network to be made, with its subnets and link chosen."""
        if wanted.config_only:
            return NetworkRecord(id=network_id, spec=wanted, created_at=time.time())
        taken = [ipaddress.ip_network(subnet.subnet) for each in self._networks.values()
                 for subnet in each.spec.subnets if each.id != network_id and not each.spec.config_only]
        bridge, foreign = '', False
        if wanted.driver == 'bridge':
            bridge = wanted.options.get(_BRIDGE_NAME) or f'nc-{network_id[:12]}'
            foreign = bridge in wires.host_links()
            if any(each.bridge == bridge for each in self._networks.values() if each.id != network_id):
                raise errors.InvalidSpec(f'Bridge {bridge} is that of another network')
            taken += wires.host_networks() if not foreign else ()
        subnets = addresses.completed(wanted, taken, first=wanted.name == 'bridge')
        return NetworkRecord(id=network_id, spec=dataclasses.replace(wanted, subnets=subnets), bridge=bridge,
                             foreign=foreign, created_at=time.time())

    def remove(self, name: str) -> None:
        """See ``NetworkOps.remove_network``."""
        with self.lock:
            try:
                record = self.get(name)
            except errors.NetworkNotFound:
                return
            if record.name in validate_networks.BUILT_IN:
                raise errors.Denied(f'{record.name} is a pre-defined network and cannot be removed')
            if self.in_network(record.id):
                raise errors.WrongState(f'network {record.name} has active endpoints: disconnect or remove its '
                                        'containers first')
            configurations.check_unused(record.spec, self._specs())
            self._forget(record)
        self.publish(record, 'destroy')

    def _forget(self, record: NetworkRecord) -> None:
        wires.remove_bridge(record)
        self._up.discard(record.id)
        self._networks.pop(record.id, None)
        self._records.forget_network(record.id)
        self.apply()

    def prune(self) -> tuple[str, ...]:
        """See ``NetworkOps.prune_networks``."""
        removed = []
        for record in self.all():
            with self.lock:
                if record.name in validate_networks.BUILT_IN or record.spec.config_only or self.in_network(record.id):
                    continue
                self.remove(record.id)
                removed.append(record.name)
        return tuple(removed)

    def publish(self, network: NetworkRecord, action: str, container_id: str = '') -> None:
        """Tell of something that happened to a network."""
        attributes = {'name': network.name, 'type': network.spec.driver}
        self._events.publish('network', action, network.id,
                             attributes | ({'container': container_id} if container_id else {}))

    # ---- endpoints

    def of_container(self, container_id: str) -> list[EndpointRecord]:
        """By interface: eth0 first."""
        return sorted(self._of_container.get(container_id, ()), key=lambda each: int(each.interface[3:]))

    def _know(self, record: EndpointRecord) -> None:
        self._endpoints[record.network_id, record.container_id] = record
        self._of_container[record.container_id] = (*self._of_container.get(record.container_id, ()), record)

    def _forget_endpoint(self, record: EndpointRecord) -> None:
        self._endpoints.pop((record.network_id, record.container_id), None)
        if left := tuple(each for each in self._of_container.get(record.container_id, ())
                         if each.network_id != record.network_id):
            self._of_container[record.container_id] = left
        else:
            self._of_container.pop(record.container_id, None)

    def in_network(self, network_id: str) -> list[EndpointRecord]:
        return [each for each in list(self._endpoints.values()) if each.network_id == network_id]

    def endpoints(self) -> list[EndpointRecord]:
        return list(self._endpoints.values())

    def allocate(self, container_id: str, wanted: Endpoint) -> EndpointRecord:
        """Addresses for a container in a network, its own from now on, and a name for the interface.

        :raises NetworkNotFound: :raises AlreadyExists: it is in it, or an address is taken.
        :raises Exhausted: no address is left.
        """
        validate_networks.check_endpoint(wanted)
        with self.lock:
            network = self._usable(self.get(wanted.network), wanted)
            if (network.id, container_id) in self._endpoints:
                raise errors.AlreadyExists(f'The container is in network {network.name} already')
            validate_networks.check_versions(wanted, network.spec)
            ipv4, ipv6 = self._addresses(network, wanted)
            mac = wanted.mac.lower() if wanted.mac else addresses.mac_of(ipv4) if ipv4 else _random_mac()
            busy = {each.interface for each in self.of_container(container_id)}
            record = EndpointRecord(
                id=secrets.token_hex(32), network_id=network.id, container_id=container_id, mac=mac, ipv4=ipv4,
                ipv6=ipv6, wanted=dataclasses.replace(wanted, network=network.name),
                interface=next(name for name in (f'eth{number}' for number in range(1 << 16)) if name not in busy))
            self._records.add_endpoint(record)
            self._know(record)
            return record

    def _usable(self, network: NetworkRecord, wanted: Endpoint) -> NetworkRecord:
        """A network that a container may be in; the built-in one comes to be by this."""
        if network.name in ('host', 'none') or network.spec.config_only:
            raise errors.InvalidRequest(f'A container cannot be connected to the network {network.name}')
        if network.name == 'bridge':
            if wanted.ipv4 or wanted.ipv6 or wanted.aliases:
                raise errors.InvalidSpec('Fixed addresses and aliases are for networks that a user made')
            if network.id not in self._networks or not (self.in_network(network.id) or network.id in self._up):
                network = self._replan_default(network)
        self.ensure_up(network)
        return network

    def _replan_default(self, network: NetworkRecord) -> NetworkRecord:
        """Nothing uses the built-in network, so that its subnet may follow the host's routes."""
        planned = self._planned(network.id, dataclasses.replace(network.spec, subnets=()))
        self._records.forget_network(network.id)
        self._records.add_network(planned)
        self._networks[planned.id] = planned
        return planned

    def _addresses(self, network: NetworkRecord, wanted: Endpoint) -> tuple[str | None, str | None]:
        used = {address.partition('/')[0] for each in self.in_network(network.id)
                for address in (each.ipv4, each.ipv6) if address}
        given: dict[int, str | None] = {4: None, 6: None}
        for subnet in network.spec.subnets:
            version = addresses.version_of(subnet)
            given[version] = addresses.give(subnet, used, wanted.ipv4 if version == 4 else wanted.ipv6)
        return given[4], given[6]

    def free(self, endpoint: EndpointRecord) -> None:
        """The endpoint is no more; its addresses may be given again. Repeatable."""
        with self.lock:
            self._records.forget_endpoint(endpoint)
            self._forget_endpoint(endpoint)

    def primary(self, container_id: str) -> EndpointRecord | None:
        """The endpoint by which a container reaches the world: its first of the highest priority that leads there."""
        for each in sorted(self.of_container(container_id), key=lambda each: -each.wanted.priority):
            network = self._networks.get(each.network_id)
            if network is not None and not network.spec.internal:
                return each
        return None

    # ---- ports

    def take_ports(self, container_id: str, wanted: Iterable[Port], default_ip: str) -> None:
        """Hold the ports and show them on the host, all or none. :raises AlreadyExists: one is taken."""
        asked = [dataclasses.replace(port, host_ip=port.host_ip or default_ip) for port in wanted]
        if not asked:
            return
        endpoint = self.primary(container_id)
        both = _PROTOCOLS if endpoint is not None and endpoint.ipv6 else ('tcp',)
        taken = self.ports.take(container_id, asked, both)
        try:
            self._records.save_published(Published(container_id=container_id, ports=taken))
            self._published[container_id] = taken
            self.apply()
            for port in taken:
                if port.protocol == 'udp':
                    conntrack.forget_datagrams_for(port.host_port)
        except BaseException:
            self.release_ports(container_id)
            raise

    def release_ports(self, container_id: str) -> None:
        """Repeatable."""
        self.ports.release(container_id)
        held = self._published.pop(container_id, None)
        if held is None:
            return
        self._records.forget_published(container_id)
        self.apply()
        endpoint = self.primary(container_id)
        if endpoint is not None and endpoint.ipv4 and any(port.protocol == 'udp' for port in held):
            conntrack.forget_datagrams_to(endpoint.ipv4.partition('/')[0])

    def published(self, container_id: str) -> tuple[Port, ...]:
        """The ports shown on the host now."""
        return self._published.get(container_id, ())

    # ---- the host

    def ensure_up(self, network: NetworkRecord) -> None:
        """Let its bridge be there, and the table know it."""
        if network.spec.driver == 'macvlan':
            wires.check_parent(network)
        if network.spec.driver != 'bridge':
            return
        with self.lock:
            if network.id in self._up and network.bridge in wires.host_links():
                return
            try:
                wires.make_bridge(network)
                self._up.add(network.id)
                self.apply()
            except BaseException:
                self._up.discard(network.id)
                wires.remove_bridge(network)
                raise

    def apply(self) -> None:
        """Let the table be what follows from bridges and ports; without bridges there is none."""
        with self.lock:
            if not self._open:
                return
            up = [each for each in self._networks.values() if each.id in self._up]
            body = rules.table([_bridge_rules(each) for each in up], self._port_rules()) if up else ''
            if body == (self._applied or ''):
                return
            if body:
                firewall.replace_table(self.table, body)
            else:
                firewall.remove_table(self.table)
            self._applied = body

    def _port_rules(self) -> list[rules.PortRule]:
        found = []
        for container_id, ports in self._published.items():
            endpoint = self.primary(container_id)
            if endpoint is None or self._networks[endpoint.network_id].spec.driver != 'bridge':
                continue
            for address in filter(None, (endpoint.ipv4, endpoint.ipv6)):
                found += [rules.PortRule(port=port, address=address.partition('/')[0]) for port in ports
                          if (':' in port.host_ip) == (':' in address) and port.host_ip != _LOOPBACK]
        return found

    def _address_of(self, container_id: str) -> str | None:
        endpoint = self.primary(container_id)
        address = (endpoint.ipv6 or endpoint.ipv4) if endpoint is not None else None
        return address.partition('/')[0] if address else None

    def open(self, alive: Iterable[str], known: Iterable[str]) -> None:
        """After a start: see what is there, forget what belongs to containers that are gone, and set up the table.

        :param alive: containers that run.  :param known: all containers.
        """
        running, all_known = set(alive), set(known)
        with self.lock:
            self._open = True
            if not (self._networks or self._endpoints or self._published):
                return
            for endpoint in self.endpoints():
                if endpoint.container_id not in all_known or endpoint.network_id not in self._networks:
                    wires.unwire(endpoint, None)
                    self.free(endpoint)
            links = wires.host_links()
            self._up = {each.id for each in self._networks.values() if each.bridge in links and each.bridge}
            for container_id, ports in list(self._published.items()):
                self._take_up_ports(container_id, ports, container_id in running)
            self._applied = None if self._up else '?'
            self.apply()

    def _take_up_ports(self, container_id: str, ports: tuple[Port, ...], running: bool) -> None:
        if not running:
            self._published.pop(container_id)
            self._records.forget_published(container_id)
            return
        try:
            self.ports.take(container_id, ports)
        except (errors.ContainerError, OSError) as error:
            LOG.warning('A port of container %s was taken while the engine was away: %s', container_id, error)

    def close(self) -> None:
        """Let go of ports; bridges that no container is wired to go, and with the last one the table. Repeatable."""
        with self.lock:
            if not self._open:
                return
            try:
                self._close_unused()
            except errors.ContainerError as error:
                LOG.warning('Bridges of unused networks could not be removed: %s', error)
            self._open = False
            self.ports.close()
            self.relay.close()

    def _close_unused(self) -> None:
        if not self._up:
            return
        links = wires.host_links()
        for network_id in list(self._up):
            if not any(each.host_link in links for each in self.in_network(network_id)):
                wires.remove_bridge(self._networks[network_id])
                self._up.discard(network_id)
        self.apply()


def _bridge_rules(network: NetworkRecord) -> rules.BridgeRules:
    return rules.BridgeRules(
        bridge=network.bridge, subnets=tuple(each.subnet for each in network.spec.subnets),
        masquerade=network.spec.options.get(_MASQUERADE, 'true') != 'false', internal=network.spec.internal,
        between_containers=wires.between_containers(network))


def _random_mac() -> str:
    return '02:42:' + ':'.join(f'{byte:02x}' for byte in secrets.token_bytes(4))
