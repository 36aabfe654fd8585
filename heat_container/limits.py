# SPDX-License-Identifier: Apache-2.0
"""What one project, or one container of it, may have of an engine that projects share. Pure."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence

from heat_container.endpoints import Limits
from nova_container import errors
from nova_container.engine import ContainerSpec, Resources
from nova_container.image import reference as images


def bounded(limits: Limits, spec: ContainerSpec) -> ContainerSpec:
    """With a limit where none is asked for. :raises Denied: more than the most is asked for."""
    check_resources(limits, spec.resources)
    _check_ports(limits, spec)
    given = {}
    if limits.memory_bytes and spec.resources.memory_bytes is None:
        given['memory_bytes'] = limits.memory_bytes
    if limits.pids and spec.resources.pids_limit is None:
        given['pids_limit'] = limits.pids
    return dataclasses.replace(spec, resources=dataclasses.replace(spec.resources, **given)) if given else spec


def check_resources(limits: Limits, wanted: Resources) -> None:
    """:raises Denied: the text says what is the most."""
    if limits.memory_bytes and (wanted.memory_bytes or 0) > limits.memory_bytes:
        raise errors.Denied(f'memory: a container has at most {limits.memory_bytes} bytes on this endpoint')
    if limits.pids and (wanted.pids_limit == -1 or (wanted.pids_limit or 0) > limits.pids):
        raise errors.Denied(f'pids_limit: a container has at most {limits.pids} processes on this endpoint')


def check_count(limits: Limits, containers: Callable[[], Sequence[object]]) -> None:
    """Before one more is made. :raises Exhausted:"""
    if limits.containers and len(containers()) >= limits.containers:
        raise errors.Exhausted(f'The project has {limits.containers} containers on this endpoint, and may have no more')


def check_registry(limits: Limits, references: Iterable[str]) -> None:
    """Whether an image came from where images may come from. :raises Denied:"""
    if not limits.registries:
        return
    registries = {images.parse(reference).domain for reference in references}
    if registries and not registries & limits.registries:
        raise errors.Denied(f'image: images on this endpoint come from {", ".join(sorted(limits.registries))}')


def _check_ports(limits: Limits, spec: ContainerSpec) -> None:
    allowed = limits.host_ports
    for port in spec.network.ports:
        asked = range(port.host_port, (port.host_port_end or port.host_port) + 1)
        if port.host_port and not (asked[0] in allowed and asked[-1] in allowed):
            raise errors.Denied(f'ports: {port.host_port} cannot be published on this endpoint, but ports '
                                f'{allowed.start} to {allowed.stop - 1}' if allowed else
                                'ports: none can be published on this endpoint')
    if not allowed and (spec.network.ports or spec.network.publish_all):
        raise errors.Denied('ports: none can be published on this endpoint')
