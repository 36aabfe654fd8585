# SPDX-License-Identifier: Apache-2.0
"""Containers in networks of a Docker that is not ours: what its API 1.41 takes at create, and what it takes later."""

import dataclasses

from nova_container import errors
from nova_container.docker.base import Verbs
from nova_container.docker.wire import networks as wire
from nova_container.docker.wire.document import Json
from nova_container.engine import ContainerSpec, ports
from nova_container.engine.network import Endpoint


def first_only(spec: ContainerSpec) -> ContainerSpec:
    """What goes into the create request: one network, and every published port exposed, or Docker passes it over."""
    if any(endpoint.priority for endpoint in spec.network.endpoints):
        raise errors.Unsupported('Docker has a priority of endpoints since its API 1.48: leave it out')
    shown = (ports.key(port) for port in spec.network.ports)
    return dataclasses.replace(
        spec, network=dataclasses.replace(spec.network, endpoints=spec.network.endpoints[:1]),
        exposed_ports=tuple(dict.fromkeys((*spec.exposed_ports, *shown))))


def say_of_old(body: Json, spec: ContainerSpec) -> Json:
    """The create body with what an endpoint's own fields say to later Dockers only."""
    for endpoint in spec.network.endpoints[:1]:
        if endpoint.mac:
            body['MacAddress'] = endpoint.mac
        if endpoint.links and endpoint.network == 'bridge':
            body['HostConfig']['Links'] = list(endpoint.links)
    return body


def connect_rest(verbs: Verbs, container: str, endpoints: tuple[Endpoint, ...]) -> None:
    """Put a new container into its further networks."""
    for endpoint in endpoints[1:]:
        verbs.do('POST', f'/networks/{endpoint.network}/connect', document=wire.connect_body(container, endpoint))
