# SPDX-License-Identifier: Apache-2.0
"""Verbs over the Docker Engine API: networks."""

import contextlib
from urllib.parse import quote

from nova_container import errors
from nova_container.docker.base import Verbs, container_path
from nova_container.docker.wire import networks as wire
from nova_container.docker.wire.document import Document
from nova_container.engine import validate_networks
from nova_container.engine.network import Endpoint, Network, NetworkInfo, NetworkOps

_BUILT_IN = ('bridge', 'host', 'none')


class NetworkVerbs(Verbs, NetworkOps):
    """See ``NetworkOps``."""

    def create_network(self, network: Network) -> str:
        validate_networks.check(network)  # Docker takes any name, and answers 500 where our text says what is wrong
        answer = self.ask('POST', '/networks/create', document=wire.create_body(network))
        return Document(answer.document()).text('Id')

    def inspect_network(self, network: str) -> NetworkInfo:
        return wire.info_of(self.get(_path(network)))

    def list_networks(self) -> tuple[NetworkInfo, ...]:
        return tuple(wire.info_of(row) for row in self.get('/networks'))

    def remove_network(self, network: str) -> None:
        """Docker answers 403 both for networks in use and for those built in."""
        try:
            with contextlib.suppress(errors.NetworkNotFound):
                self.do('DELETE', _path(network))
        except errors.Denied as error:
            if self.is_ours or self.inspect_network(network).spec.name in _BUILT_IN:
                raise
            raise errors.WrongState(str(error)) from error

    def connect(self, container: str, endpoint: Endpoint) -> None:
        try:
            self.do('POST', _path(endpoint.network, '/connect'), document=wire.connect_body(container, endpoint))
        except errors.NetworkNotFound:
            self._look_up(container, endpoint.network)
            raise

    def disconnect(self, container: str, network: str, *, force: bool = False) -> None:
        """Docker answers 403 or 500 for a container that is not in the network."""
        try:
            self.do('POST', _path(network, '/disconnect'), document={'Container': container, 'Force': force})
        except errors.NetworkNotFound:
            self._look_up(container, network)
            raise
        except (errors.Denied, errors.HostFailure) as error:
            if self.is_ours or network in self._networks_of(container):
                raise
            raise errors.NotFound(str(error)) from error

    def prune_networks(self) -> tuple[str, ...]:
        return Document(self.ask('POST', '/networks/prune').document()).texts('NetworksDeleted')

    def _look_up(self, container: str, network: str) -> None:
        """Find which of the two is not there. :raises NotFound:"""
        self.inspect_network(network)
        self.get(container_path(container, '/json'))

    def _networks_of(self, container: str) -> set[str]:
        """Names and ids of the networks that a container is in."""
        found = wire.endpoints_of(Document(self.get(container_path(container, '/json'))))
        return {text for each in found for text in (each.network, each.network_id)}


def _path(network: str, rest: str = '') -> str:
    """``/networks/{id}/rest``. :raises NetworkNotFound: nothing could have such a name."""
    if not network or network in ('.', '..'):
        raise errors.NetworkNotFound(network)
    return f'/networks/{quote(network, safe="")}{rest}'
