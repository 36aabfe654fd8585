# SPDX-License-Identifier: Apache-2.0
"""OS::Docker::NetworkAttachment."""

import contextlib
import dataclasses
from collections.abc import Mapping
from typing import Any

from heat.common import exception
from heat.common.i18n import _

from heat_container.resources.base import DockerResource
from heat_container.schema import network as schema
from nova_container import errors
from nova_container.engine.network import Endpoint, EndpointInfo

_NONE = EndpointInfo(network_id='', network='')


class NetworkAttachment(DockerResource):
    """A container's place in a further network, made and taken away while the container runs.

    For chains of network functions: a container need not be made anew, or know of the network, to join it.
    """

    properties_schema = {**DockerResource.endpoint_schema, **schema.ATTACHMENT_PROPERTIES}
    attributes_schema = schema.ATTACHMENT_ATTRIBUTES

    def handle_create(self) -> None:
        self.resource_id_set(self._pair(self.properties))
        self._join(self.properties)

    def handle_update(self, json_snippet: Any, tmpl_diff: Any, prop_diff: Mapping[str, Any]) -> None:
        """Leave and join: engines change nothing of who is in a network."""
        after = json_snippet.properties(self.properties_schema, self.context)
        pair = self._pair(after)
        self._leave()
        self.resource_id_set(pair)
        self._join(after)

    def handle_delete(self) -> None:
        if self.resource_id is not None:
            with contextlib.suppress(errors.NotFound):
                self._leave()

    def handle_check(self) -> None:
        if self._found() is None:
            raise exception.Error(_('The container is not in the network any more.'))

    def needs_replace_failed(self) -> bool:
        """It joins again in place."""
        return self.resource_id is None

    def _needs_update(self, *arguments: Any, **keywords: Any) -> bool:
        return super()._needs_update(*arguments, **keywords) or self.status == self.FAILED

    def handle_adopt(self, resource_data: Any = None) -> None:
        super().handle_adopt(resource_data)
        self.handle_check()

    # What it is

    def get_live_resource_data(self) -> EndpointInfo:
        """Empty if the container is not in the network: then it joins again."""
        if self.resource_id is None:
            raise exception.EntityNotFound(entity='Resource', name=self.name)
        with contextlib.suppress(errors.NotFound):
            return self._found() or _NONE
        return _NONE

    def parse_live_resource_data(self, resource_properties: Any, resource_data: EndpointInfo) -> dict[str, Any]:
        """What was asked for and is not so any more; what the engine chose is not asked for."""
        if resource_data is _NONE:
            return {schema.NETWORK: ''}
        real = {schema.IPV4: resource_data.ipv4.partition('/')[0], schema.MAC: resource_data.mac.lower(),
                schema.IPV6_ADDRESS: resource_data.ipv6.partition('/')[0]}
        live: dict[str, Any] = {}
        for name, value in real.items():
            wanted = resource_properties[name]
            if wanted and value and wanted.lower() != value:
                live[name] = value
        wanted_aliases = resource_properties[schema.ALIASES]
        live[schema.ALIASES] = [alias for alias in wanted_aliases if alias in resource_data.aliases]
        return live

    def _show_resource(self) -> dict[str, Any] | None:
        found = self._found()
        return None if found is None else dataclasses.asdict(found)

    def _resolve_attribute(self, name: str) -> Any:
        found = None if self.resource_id is None else self._found()
        if found is None:
            return None
        return {schema.IP: found.ipv4.partition('/')[0], schema.IPV6_ADDRESS: found.ipv6.partition('/')[0],
                schema.MAC: found.mac, schema.GATEWAY: found.gateway or found.gateway6,
                schema.ENDPOINT_ID: found.id}[name]

    # Steps

    def _found(self) -> EndpointInfo | None:
        """:raises NotFound: the container is gone."""
        container, _slash, network = self.resource_id.partition('/')
        return next((each for each in self.engine().inspect(container).endpoints if each.network_id == network), None)

    def _pair(self, props: Mapping[str, Any]) -> str:
        """Who and where, by ids. :raises NotFound: one is not there for the project."""
        engine = self.engine()
        if props[schema.PRIORITY]:
            self.needs('networks.gateway_priority')
        return f'{engine.inspect(props[schema.CONTAINER]).id}/{engine.inspect_network(props[schema.NETWORK]).id}'

    def _join(self, props: Mapping[str, Any]) -> None:
        container, _slash, network = self.resource_id.partition('/')
        self.engine().connect(container, Endpoint(
            network=network, ipv4=props[schema.IPV4] or None, ipv6=props[schema.IPV6_ADDRESS] or None,
            mac=props[schema.MAC] or None, link_local=tuple(props[schema.LINK_LOCAL] or ()),
            aliases=tuple(props[schema.ALIASES] or ()), links=tuple(props[schema.LINKS] or ()),
            priority=props[schema.PRIORITY] or 0))

    def _leave(self) -> None:
        container, _slash, network = self.resource_id.partition('/')
        with contextlib.suppress(errors.NotFound):
            self.engine().disconnect(container, network, force=True)
