# SPDX-License-Identifier: Apache-2.0
"""OS::Docker::Network."""

import contextlib
import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from heat.common import exception
from heat.engine import stk_defn
from heat.objects import resource_data

from heat_container import set_aside
from heat_container.resources.base import DockerResource, texts
from heat_container.schema import network as schema
from nova_container import errors
from nova_container.engine.network import EndpointInfo, Network as Spec, NetworkInfo, Subnet

_ASIDE, _CAME_BACK = 'set_aside', 'came_back'


class Network(DockerResource):
    """A network of containers on one engine.

    Engines can change nothing of a network, so each change makes a new one. One with a fixed name or fixed subnets has
    to go before the new one can come: containers leave it until they join the new one, and come back to it if the
    update is rolled back.
    """

    properties_schema = {**DockerResource.endpoint_schema, **schema.PROPERTIES}
    attributes_schema = schema.ATTRIBUTES

    def handle_create(self) -> None:
        self.resource_id_set(self.engine().create_network(self._wanted()))

    def handle_delete(self) -> None:
        with contextlib.suppress(errors.NotFound):
            engine = self.engine()
            for network in self._mine():
                engine.remove_network(network)

    def handle_check(self) -> None:
        self._found()

    def needs_replace_failed(self) -> bool:
        return self.is_lost(self._found)

    def handle_adopt(self, resource_data: Any = None) -> None:
        super().handle_adopt(resource_data)
        self._found()

    def prepare_for_replace(self) -> None:
        """Make room for a network of the same name or subnets. Repeatable."""
        if self.resource_id is None or not self._is_in_the_way():
            return
        try:
            found = self._found()
        except errors.NotFound:
            return
        self.data_set(_ASIDE, json.dumps(set_aside.written(found)))
        engine = self.engine()
        for each in found.endpoints:
            with contextlib.suppress(errors.NotFound):
                engine.disconnect(each.container_id, found.id, force=True)
        engine.remove_network(found.id)

    def restore_prev_rsrc(self, convergence: bool = False) -> None:
        """Remove the one that failed, and make the one that was set aside again, with who was in it."""
        with self.replacement(convergence) as (previous, failed):
            if failed is not None and previous is not None and failed != previous.resource_id:
                self._emptied(failed)
            if isinstance(previous, Network):
                previous.come_back()

    def come_back(self) -> None:
        """Make it again, if it was set aside. Repeatable."""
        kept = self.data().get(_ASIDE)
        if not kept:
            return
        spec, members = set_aside.read(json.loads(kept))
        engine = self.engine()
        try:
            made = engine.inspect_network(self.resource_id).id
        except errors.NetworkNotFound:
            made = engine.create_network(spec)
            self.resource_id_set(made)
            self.data_set(_CAME_BACK, made)
        for container, endpoint in members:
            with contextlib.suppress(errors.NotFound, errors.AlreadyExists):
                engine.connect(container, dataclasses.replace(endpoint, network=made))
        self.data_delete(_ASIDE)

    def store(self, *arguments: Any, **keywords: Any) -> None:
        """In an update without convergence another object of this resource came back: its id must not be lost.

        Heat's updater swaps it in without telling the stack, whose other resources then refer to it by its mere name.
        """
        back = None
        if self.id is not None and not self.stack.convergence:
            with contextlib.suppress(exception.NotFound):
                back = resource_data.ResourceData.get_all(self).get(_CAME_BACK)
        self.resource_id = back or self.resource_id
        super().store(*arguments, **keywords)
        if back is not None:
            stk_defn.update_resource_data(self.stack.defn, self.name, self.node_data(self.stack.defn))

    # What it is

    def _show_resource(self) -> dict[str, Any]:
        return dataclasses.asdict(self._found())

    def parse_live_resource_data(self, resource_properties: Any, resource_data: Any) -> dict[str, Any]:
        """It is there, and nothing of it can change."""
        return {}

    def _resolve_attribute(self, name: str) -> Any:
        if self.resource_id is None:
            return None
        found = self._found()
        subnets = found.spec.subnets
        return {schema.ID: found.id, schema.NAME: found.spec.name, schema.DRIVER: found.spec.driver,
                schema.SUBNETS: [each.subnet for each in subnets], schema.SCOPE: 'local',
                schema.GATEWAY: (subnets[0].gateway or '') if subnets else '',
                schema.CONTAINERS: [_member(each) for each in found.endpoints]}[name]

    # Steps

    def _found(self) -> NetworkInfo:
        return self.engine().inspect_network(self.resource_id)

    def _wanted(self) -> Spec:
        props = self.properties
        return Spec(
            name=props[schema.NAME] or self.physical_name(), driver=props[schema.DRIVER],
            internal=props[schema.INTERNAL], attachable=props[schema.ATTACHABLE], ipv6=props[schema.IPV6],
            options=texts(props[schema.OPTIONS]), labels=texts(props[schema.LABELS]),
            subnets=tuple(_subnet(each) for each in self._pools()))

    def _pools(self) -> list[Mapping[str, Any]]:
        return (self.properties[schema.IPAM] or {}).get(schema.POOLS) or []

    def _is_in_the_way(self) -> bool:
        return bool(self.properties[schema.NAME] or self._pools())

    def _emptied(self, network: str) -> None:
        """Remove a network that failed, whoever is in it by now."""
        engine = self.engine()
        with contextlib.suppress(errors.NotFound):
            for each in engine.inspect_network(network).endpoints:
                with contextlib.suppress(errors.NotFound):
                    engine.disconnect(each.container_id, network, force=True)
            engine.remove_network(network)

    def _mine(self) -> list[str]:
        """Its id; if that was not kept as heat-engine ended, what the labels say."""
        if self.resource_id is not None:
            return [self.resource_id]
        return [each.id for each in self.engine().list_networks() if self.is_mine(each.spec.labels)]


def _subnet(pool: Mapping[str, Any]) -> Subnet:
    return Subnet(subnet=pool[schema.SUBNET], gateway=pool.get(schema.GATEWAY) or None,
                  ip_range=pool.get(schema.IP_RANGE) or None, taken=texts(pool.get(schema.TAKEN)))


def _member(endpoint: EndpointInfo) -> dict[str, str]:
    return {'id': endpoint.container_id, 'name': endpoint.container_name, 'mac_address': endpoint.mac,
            'ip_address': endpoint.ipv4.partition('/')[0], 'ipv6_address': endpoint.ipv6.partition('/')[0]}
