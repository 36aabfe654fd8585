# SPDX-License-Identifier: Apache-2.0
"""Containers in the engine's networks: wired before they run, answered when they ask for names, let go at the end.

Nothing here touches a container that is not in mode MANAGED.
"""

import functools
import itertools
import logging
from collections.abc import Sequence
from pathlib import Path

from nova_container import errors
from nova_container.engine import ports
from nova_container.engine.network import Endpoint, EndpointInfo, NetworkInfo, Port
from nova_container.engine.spec import ContainerSpec, NetworkMode
from nova_container.engine.undo import undo_on_error
from nova_container.runtime.container import Container, Register
from nova_container.runtime.networks import etc, wires
from nova_container.runtime.networks.directory import Directory
from nova_container.runtime.networks.networks import HOST_BINDING, Networks
from nova_container.runtime.networks.records import EndpointRecord, NetworkRecord
from nova_container.runtime.networks.resolver import USUAL_PORTS, Resolver
from nova_container.runtime.rootfs import ContainerFolder
from nova_container.runtime.settings import Settings

LOG = logging.getLogger(__name__)


class Membership:
    """Which container is in which network, on record and on the host. A container's lock is held by the caller."""

    def __init__(self, networks: Networks, register: Register, settings: Settings) -> None:
        self.networks = networks
        self._register = register
        self._settings = settings
        self._directory = Directory(networks, register)
        self._resolver = Resolver(self._directory.answer, self._directory.upstream)
        self._plugged: set[str] = set()
        self._redirected: dict[str, tuple[int, int]] = {}

    def close(self) -> None:
        """Repeatable."""
        self._resolver.close()
        self.networks.close()

    def open(self) -> None:
        """After a start: take up containers that run, with their names and ports."""
        containers = self._register.all()
        alive = [each for each in containers if each.status.alive and is_managed(each)]
        self.networks.open([each.id for each in alive], [each.id for each in containers])
        for container in alive:
            self._plugged.add(container.id)
            try:
                if self._is_embedded(container):
                    self._redirected[container.id] = USUAL_PORTS  # as the engine before this one did, where it could
                self._wire(container)
                self._serve_names(container)
            except (errors.ContainerError, OSError) as error:
                LOG.warning('The networks of container %s could not be taken up: %s', container.id, error)

    # ---- from create to remove

    def check_links(self, spec: ContainerSpec) -> None:
        """Links in the built-in network are to containers in it. :raises InvalidSpec: one is not."""
        for link in itertools.chain.from_iterable(
                each.links for each in spec.network.endpoints if each.network == 'bridge'):
            target = link.partition(':')[0].removeprefix('/')
            try:
                found = self._register.get(target)
            except errors.ContainerNotFound:
                raise errors.InvalidSpec(f'links: could not get container for {target[:64]}') from None
            if not any(each.wanted.network == 'bridge' for each in self.networks.of_container(found.id)):
                raise errors.InvalidSpec(f'links: cannot link to {target[:64]}, as it is not in the network bridge')

    def join(self, container: Container) -> None:
        """Give it addresses in the networks it asks for, all or none. One that is not there must be at the start."""
        if not is_managed(container):
            return
        awaited: list[str] = []
        with undo_on_error() as undo:
            for wanted in container.record.spec.network.endpoints:
                try:
                    record = self.networks.allocate(container.id, wanted)
                except errors.NetworkNotFound:
                    awaited.append(wanted.network)
                else:
                    undo(f'endpoint in {wanted.network}', functools.partial(self.networks.free, record))
        if awaited:
            container.save(durable=False, awaited_networks=tuple(awaited))

    def _join_awaited(self, container: Container) -> None:
        """As Docker, which looks for networks at the start only. :raises NetworkNotFound: one is not there still."""
        for wanted in container.record.spec.network.endpoints:
            if wanted.network in container.record.awaited_networks:
                self.networks.allocate(container.id, wanted)
                self._await_no_more(container, wanted.network)

    def _await_no_more(self, container: Container, network: str) -> None:
        container.save(awaited_networks=tuple(
            name for name in container.record.awaited_networks if name != network))

    def plug(self, container: Container) -> None:
        """All that must be there before it runs. Repeatable. :raises AlreadyExists: a port is taken."""
        network = container.record.spec.network
        if network.mode is NetworkMode.CONTAINER:
            self._share_files(container)
        if not is_managed(container):
            return
        self._join_awaited(container)
        self._plugged.add(container.id)
        endpoints = self._wire(container)
        self._write_etc(container)
        self._serve_names(container)
        if network.ports or network.publish_all:
            self._publish_ports(container)
        for endpoint in endpoints:
            self.networks.publish(self.networks.by_id(endpoint.network_id), 'connect', container.id)

    def ended(self, container: Container) -> None:
        """Its first process is over: ports and names are let go, wires stay. Repeatable."""
        if not is_managed(container):
            return
        self._resolver.shut(container.id)
        self.networks.release_ports(container.id)
        if container.id in self._plugged:
            self._plugged.discard(container.id)
            for endpoint in self.networks.of_container(container.id):
                self.networks.publish(self.networks.by_id(endpoint.network_id), 'disconnect', container.id)

    def leave(self, container: Container) -> None:
        """It is being removed. Repeatable."""
        if not is_managed(container):
            return
        self.ended(container)
        self._redirected.pop(container.id, None)
        for endpoint in self.networks.of_container(container.id):
            alone = self.networks.by_id(endpoint.network_id).spec.driver == 'bridge'
            wires.unwire(endpoint, None if alone else self._namespace(container))
            self.networks.free(endpoint)

    def connect(self, container: Container, wanted: Endpoint) -> None:
        """See ``NetworkOps.connect``."""
        if not is_managed(container):
            raise errors.InvalidRequest('A container without networks of the engine, or that shares those of another '
                                        'or of the host, cannot be connected to a network')
        with undo_on_error() as undo:
            endpoint = self.networks.allocate(container.id, wanted)
            undo('endpoint', lambda: self._drop(container, endpoint))
            self._refresh(container)
        self.networks.publish(self.networks.by_id(endpoint.network_id), 'connect', container.id)

    def disconnect(self, container: Container, network: NetworkRecord) -> None:
        """See ``NetworkOps.disconnect``."""
        found = [each for each in self.networks.of_container(container.id) if each.network_id == network.id]
        if not found and network.name in container.record.awaited_networks:
            self._await_no_more(container, network.name)
            return
        if not found:
            raise errors.NotFound(f'Container {container.record.spec.name} is not connected to network {network.name}')
        self._drop(container, found[0])
        self._refresh(container)
        self.networks.publish(network, 'disconnect', container.id)

    def _drop(self, container: Container, endpoint: EndpointRecord) -> None:
        wires.unwire(endpoint, self._namespace(container))
        self.networks.free(endpoint)

    def _refresh(self, container: Container) -> None:
        """What follows from a change of its networks while it runs."""
        if container.status.alive:
            self._wire(container)
            self._write_etc(container)
            self._serve_names(container)
            self.networks.apply()

    # ---- parts of it

    def _namespace(self, container: Container) -> Path:
        return self._settings.namespaces / container.id[:16]

    def _folder(self, container: Container) -> ContainerFolder:
        return ContainerFolder(self._settings.containers / container.id[:16])

    def _wire(self, container: Container) -> list[EndpointRecord]:
        endpoints, namespace = self.networks.of_container(container.id), self._namespace(container)
        for endpoint in endpoints:
            network = self.networks.by_id(endpoint.network_id)
            self.networks.ensure_up(network)
            wires.wire(network, endpoint, namespace)
        primary = self.networks.primary(container.id)
        wires.route(namespace, primary, _gateways(self.networks, primary))
        return endpoints

    def _serve_names(self, container: Container) -> None:
        if not self._is_embedded(container):
            self._resolver.shut(container.id)
            return
        found = self._resolver.open(container.id, self._namespace(container))
        if self._redirected.get(container.id) != found:
            wires.redirect_names(self._namespace(container), *found)
            self._redirected[container.id] = found

    def _is_embedded(self, container: Container) -> bool:
        """Whether our resolver serves it: in networks with names, and where the host's servers are out of reach."""
        endpoints = self.networks.of_container(container.id)
        if any(self.networks.by_id(each.network_id).name != 'bridge' for each in endpoints):
            return True
        own = container.record.spec.network.dns
        return bool(endpoints) and not own and not etc.reachable_servers() and bool(etc.host_servers())

    def _write_etc(self, container: Container) -> None:
        """In place, as they are mounted in the container."""
        spec, folder = container.record.spec, self._folder(container)
        own = [address.partition('/')[0] for each in self.networks.of_container(container.id)
               for address in (each.ipv4, each.ipv6) if address]
        gateways = _gateways(self.networks, self.networks.primary(container.id))
        hostname = spec.hostname or container.id[:12]
        written = {
            'hosts': etc.hosts(spec, hostname, own, self._directory.linked(container.id),
                               gateways[0] if gateways else '127.0.0.1'),
            'resolv.conf': etc.resolv_conf(spec.network, embedded=self._is_embedded(container))}
        for name, text in written.items():
            (folder.etc / name).write_text(text)

    def _share_files(self, container: Container) -> None:
        """Who shares the network of another finds the same names there (moby, initializeNetworking)."""
        target = self._register.get(container.record.spec.network.container or '')
        if is_managed(target):
            for name in ('hosts', 'resolv.conf'):
                (self._folder(container).etc / name).write_text((self._folder(target).etc / name).read_text())

    def _publish_ports(self, container: Container) -> None:
        spec = container.record.spec
        primary = self.networks.primary(container.id)
        if primary is None or self.networks.published(container.id):
            return
        wanted = list(spec.network.ports)
        if spec.network.publish_all:
            wanted += ports.unpublished(spec.exposed_ports, wanted)
        default_ip = self.networks.by_id(primary.network_id).spec.options.get(HOST_BINDING, '')
        try:
            self.networks.take_ports(container.id, wanted, default_ip)
        except errors.AlreadyExists as error:
            raise errors.AlreadyExists(f'driver failed programming external connectivity on endpoint {spec.name} '
                                       f'({primary.id}): {error}') from error

    # ---- what is told

    def infos(self, container: Container) -> tuple[EndpointInfo, ...]:
        """What a container has in its networks."""
        return tuple(self._info(each, container) for each in self.networks.of_container(container.id))

    def ports(self, container: Container) -> tuple[Port, ...]:
        """What it shows on the host now."""
        return self.networks.published(container.id)

    def network_info(self, network: NetworkRecord) -> NetworkInfo:
        """A network and the containers in it that run."""
        endpoints = []
        for each in self.networks.in_network(network.id):
            try:
                endpoints.append(self._info(each, self._register.get(each.container_id)))
            except errors.ContainerNotFound:
                continue
        return NetworkInfo(id=network.id, spec=network.spec, created_at=network.created_at,
                           endpoints=tuple(endpoints))

    def _info(self, endpoint: EndpointRecord, container: Container) -> EndpointInfo:
        network = self.networks.by_id(endpoint.network_id)
        own = () if network.name == 'bridge' else (container.id[:12],)
        told = EndpointInfo(network_id=network.id, network=network.name, container_id=container.id,
                            container_name=container.record.spec.name, interface=endpoint.interface,
                            aliases=(*endpoint.wanted.aliases, *own), wanted=endpoint.wanted)
        if not container.status.alive:
            return told
        gateways = [] if network.spec.internal else _gateways(self.networks, endpoint)
        return EndpointInfo(
            network_id=told.network_id, network=told.network, id=endpoint.id, container_id=told.container_id,
            container_name=told.container_name, interface=told.interface, mac=endpoint.mac,
            ipv4=endpoint.ipv4 or '', ipv6=endpoint.ipv6 or '', aliases=told.aliases, wanted=told.wanted,
            gateway=next((each for each in gateways if '.' in each), ''),
            gateway6=next((each for each in gateways if ':' in each), ''))


def is_managed(container: Container) -> bool:
    """Whether the engine wires it."""
    return container.record.spec.network.mode is NetworkMode.MANAGED


def _gateways(networks: Networks, endpoint: EndpointRecord | None) -> Sequence[str]:
    if endpoint is None:
        return []
    return [subnet.gateway for subnet in networks.by_id(endpoint.network_id).spec.subnets if subnet.gateway]

