# SPDX-License-Identifier: Apache-2.0
"""Who is called what, seen from one container: names in the networks it is in. It reads, and waits for no lock."""

from collections.abc import Iterator

from nova_container import errors
from nova_container.runtime.container import Container, Register
from nova_container.runtime.networks import etc, names
from nova_container.runtime.networks.networks import Networks
from nova_container.runtime.networks.records import EndpointRecord, NetworkRecord
from nova_container.runtime.networks.resolver import shuffled


class Directory:
    """Names and addresses of containers that run."""

    def __init__(self, networks: Networks, register: Register) -> None:
        self._networks = networks
        self._register = register

    def answer(self, container_id: str, query: names.Query, udp: bool) -> bytes | None:
        """The answer to a container's question; None if nobody here is called so."""
        address = names.reversed_address(query.name)
        if query.kind == names.PTR and address is not None:
            name = self._name_of(container_id, address)
            return None if name is None else names.of_name(query, name, udp=udp)
        found = self._called(container_id, query.name)
        return names.of_addresses(query, shuffled(found), udp=udp) if found else None

    def upstream(self, container_id: str) -> tuple[str, ...]:
        """The servers to ask for a container: its own, or the host's; none for one that may not reach outside."""
        if self._networks.primary(container_id) is None:
            return ()
        try:
            own = self._register.get(container_id).record.spec.network.dns
        except errors.ContainerNotFound:
            return ()
        return own or etc.host_servers()

    def linked(self, container_id: str) -> dict[str, str]:
        """Of links in the built-in network: the names of each linked container, and its address."""
        found: dict[str, str] = {}
        for own in self._networks.of_container(container_id):
            for link in own.wanted.links if self._network(own).name == 'bridge' else ():
                target, alias = _link(link)
                for each in self._networks.in_network(own.network_id):
                    container = self._container(each)
                    if container is not None and _is(container, target) and each.ipv4:
                        called = dict.fromkeys((alias, container.record.spec.hostname or container.id[:12],
                                                container.record.spec.name))
                        found[' '.join(called)] = each.ipv4.partition('/')[0]
        return found

    def _called(self, container_id: str, name: str) -> list[str]:
        found: list[str] = []
        for own, network in self._scopes(container_id):
            bare = name.removesuffix(f'.{network.name.lower()}')
            linked = {alias.lower(): target for target, alias in map(_link, own.wanted.links)}
            for each in self._networks.in_network(network.id):
                container = self._container(each)
                if container is None or not container.status.alive:
                    continue
                target = linked.get(bare)
                if bare in _names(container, each) or (target is not None and _is(container, target)):
                    found += [address.partition('/')[0] for address in (each.ipv4, each.ipv6) if address]
        return found

    def _name_of(self, container_id: str, address: str) -> str | None:
        for _, network in self._scopes(container_id):
            for each in self._networks.in_network(network.id):
                container = self._container(each)
                if container is not None and container.status.alive and address in (
                        (each.ipv4 or '').partition('/')[0], (each.ipv6 or '').partition('/')[0]):
                    return f'{container.record.spec.name}.{network.name}'
        return None

    def _scopes(self, container_id: str) -> Iterator[tuple[EndpointRecord, NetworkRecord]]:
        """The networks with names that a container is in."""
        for own in self._networks.of_container(container_id):
            network = self._network(own)
            if network.name != 'bridge':
                yield own, network

    def _network(self, endpoint: EndpointRecord) -> NetworkRecord:
        return self._networks.by_id(endpoint.network_id)

    def _container(self, endpoint: EndpointRecord) -> Container | None:
        try:
            return self._register.get(endpoint.container_id)
        except errors.ContainerNotFound:
            return None


def _names(container: Container, endpoint: EndpointRecord) -> set[str]:
    spec = container.record.spec
    called = (spec.name, container.id[:12], spec.hostname, *endpoint.wanted.aliases)
    return {name.lower() for name in called if name}


def _is(container: Container, name: str) -> bool:
    return name == container.record.spec.name or container.id.startswith(name)


def _link(link: str) -> tuple[str, str]:
    """The container that a link names, and what it is called by."""
    target, _, alias = link.removeprefix('/').partition(':')
    return target, alias or target
