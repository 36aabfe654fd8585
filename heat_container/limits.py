# SPDX-License-Identifier: Apache-2.0
"""What one project, or one container of it, may have of an engine that projects share. Pure."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence

from heat_container.endpoints import Limits
from nova_container import errors
from nova_container.engine import ContainerSpec, NetworkSpec, Resources
from nova_container.engine.network import Port
from nova_container.image import reference as images

_EPHEMERAL = range(32768, 61000)
"""Where engines take ports of the host that nobody named (net.ipv4.ip_local_port_range)."""


def bounded(limits: Limits, spec: ContainerSpec) -> ContainerSpec:
    """With a limit where none is asked for. :raises Denied: more than the most is asked for."""
    check_resources(limits, spec.resources)
    if limits.log_bytes and spec.log.file_bytes * spec.log.files > limits.log_bytes:
        raise errors.Denied(f'log_config: a container has at most {limits.log_bytes} bytes of output on this endpoint')
    given = {}
    if limits.memory_bytes and spec.resources.memory_bytes is None:
        given['memory_bytes'] = limits.memory_bytes
    if limits.pids and spec.resources.pids_limit is None:
        given['pids_limit'] = limits.pids
    return dataclasses.replace(spec, network=published(limits, spec.network),
                               resources=dataclasses.replace(spec.resources, **given))


def check_resources(limits: Limits, wanted: Resources) -> None:
    """:raises Denied: the text says what is the most."""
    if limits.memory_bytes and (wanted.memory_bytes or 0) > limits.memory_bytes or wanted.memory_bytes == 0:
        raise errors.Denied(f'memory: a container has at most {limits.memory_bytes} bytes on this endpoint')
    swap = wanted.memory_swap_bytes or 0
    if limits.memory_bytes and (swap == -1 or swap > 2 * limits.memory_bytes):
        raise errors.Denied(f'memory_swap: with memory it is at most {2 * limits.memory_bytes} bytes on this endpoint')
    if limits.pids and wanted.pids_limit is not None and not 0 < wanted.pids_limit <= limits.pids:
        raise errors.Denied(f'pids_limit: a container has at most {limits.pids} processes on this endpoint')


def published(limits: Limits, network: NetworkSpec) -> NetworkSpec:
    """With the address and the ports of the host that may be used, where none are asked for. :raises Denied:"""
    allowed = limits.host_ports
    if not allowed and (network.ports or network.publish_all):
        raise errors.Denied('ports: none can be published on this endpoint')
    if network.publish_all and (limits.host_ip or not set(_EPHEMERAL) <= set(allowed)):
        raise errors.Denied('publish_all_ports: only some ports of the host can be published on this endpoint; name '
                            'those of the container in ports')
    return dataclasses.replace(network, ports=tuple(_published(limits, port) for port in network.ports))


def _published(limits: Limits, port: Port) -> Port:
    allowed = limits.host_ports
    if port.host_port and not (port.host_port in allowed and (port.host_port_end or port.host_port) in allowed):
        raise errors.Denied(f'ports: {port.host_port} cannot be published on this endpoint, but ports '
                            f'{allowed.start} to {allowed.stop - 1}')
    if limits.host_ip and port.host_ip not in ('', limits.host_ip):
        raise errors.Denied(f'ports: those of the host are published at {limits.host_ip} on this endpoint')
    if not port.host_port and not set(_EPHEMERAL) <= set(allowed):
        port = dataclasses.replace(port, host_port=allowed.start, host_port_end=allowed.stop - 1)
    return dataclasses.replace(port, host_ip=port.host_ip or limits.host_ip)


def check_number(most: int, there: Callable[[], Sequence[object]], what: str) -> None:
    """Before one more is made; 0 is no limit. :raises Exhausted:"""
    if most and len(there()) >= most:
        raise exhausted(most, what)


def exhausted(most: int, what: str) -> errors.Exhausted:
    return errors.Exhausted(f'The project has {most} {what} on this endpoint, and may have no more')


def check_registry(limits: Limits, references: Iterable[str]) -> None:
    """Whether an image came from where images may come from. :raises Denied:"""
    if not limits.registries:
        return
    registries = {images.parse(reference).domain for reference in references}
    if not registries & limits.registries:
        raise errors.Denied(f'image: images on this endpoint come from {", ".join(sorted(limits.registries))}')
