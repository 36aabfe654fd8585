# SPDX-License-Identifier: Apache-2.0
"""The verbs of the built-in engine over networks."""

from nova_container.engine.network import Endpoint, Network, NetworkInfo, NetworkOps
from nova_container.runtime import refusals
from nova_container.runtime.parts import Parts


class NetworkVerbs(NetworkOps):
    """See ``NetworkOps``."""

    _parts: Parts

    @refusals.as_ours()
    def create_network(self, network: Network) -> str:
        return self._parts.networks.networks.create(network).id

    def inspect_network(self, network: str) -> NetworkInfo:
        members = self._parts.networks
        return members.network_info(members.networks.get(network))

    def list_networks(self) -> tuple[NetworkInfo, ...]:
        members = self._parts.networks
        return tuple(members.network_info(each) for each in members.networks.all())

    @refusals.as_ours()
    def remove_network(self, network: str) -> None:
        self._parts.networks.networks.remove(network)

    @refusals.as_ours()
    def connect(self, container: str, endpoint: Endpoint) -> None:
        with self._parts.register.locked(container) as found:
            self._parts.networks.connect(found, endpoint)

    @refusals.as_ours()
    def disconnect(self, container: str, network: str, *, force: bool = False) -> None:
        members = self._parts.networks
        record = members.networks.get(network)
        with self._parts.register.locked(container) as found:
            members.disconnect(found, record)

    @refusals.as_ours()
    def prune_networks(self) -> tuple[str, ...]:
        return self._parts.networks.networks.prune()
