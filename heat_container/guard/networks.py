# SPDX-License-Identifier: Apache-2.0
"""Networks of a shared engine."""

import dataclasses

from heat_container import features, limits, ownership
from heat_container.guard.base import Owned
from heat_container.guard.texts import first
from nova_container import errors
from nova_container.engine.network import Endpoint, Network, NetworkInfo

BUILT_IN = frozenset(('bridge', 'none'))
"""Networks that every project sees."""
_TAKEN = BUILT_IN | {'host', 'default', 'container', 'ingress'}
"""Names that mean something else."""


class Networks(Owned):
    """Verbs over networks."""

    def create_network(self, network: Network) -> str:
        features.check_network(self._level, network, self._granted)
        if network.name in _TAKEN:
            raise errors.AlreadyExists(f'The network name {network.name} is taken: choose another')
        limits.check_number(self._place.limits.networks, self.list_networks, 'networks')
        return super().create_network(network)

    def inspect_network(self, network: str) -> NetworkInfo:
        info = self._engine.inspect_network(network)
        if info.spec.name in BUILT_IN:
            return dataclasses.replace(info, endpoints=())
        if not ownership.is_of(self._caller.project_id, info.spec.labels):
            raise errors.NetworkNotFound(network)
        return info

    def list_networks(self) -> tuple[NetworkInfo, ...]:
        return tuple(info for info in self._engine.list_networks()
                     if ownership.is_of(self._caller.project_id, info.spec.labels))

    def remove_network(self, network: str) -> None:
        try:
            found = self.inspect_network(network)
        except errors.NetworkNotFound:
            return
        self._engine.remove_network(found.id)

    def connect(self, container: str, endpoint: Endpoint) -> None:
        features.check_endpoint(self._level, endpoint, self._granted)
        self._engine.connect(self._own(container), self._with_own_network(endpoint))

    def disconnect(self, container: str, network: str, *, force: bool = False) -> None:
        self._engine.disconnect(self._own(container), self.inspect_network(network).id, force=force)

    def _with_own_network(self, endpoint: Endpoint) -> Endpoint:
        """By ids, as a name may mean another thing the next moment. :raises NotFound: one is not of the project."""
        found = self.inspect_network(endpoint.network)
        links = tuple(first(link, self._own) for link in endpoint.links)
        named = found.spec.name if found.spec.name in BUILT_IN else found.id
        return dataclasses.replace(endpoint, network=named, links=links)
