# SPDX-License-Identifier: Apache-2.0
"""A server as a container: the one place where Nova's objects become a ContainerSpec. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from nova_container.engine import spec as specs
from nova_container.virt.translate import flavor, image, metadata, network, pinning, process, userdata

UUID, NAME = 'org.openstack.nova.uuid', 'org.openstack.nova.name'
PROJECT, HOST, IMAGE = 'org.openstack.nova.project_id', 'org.openstack.nova.host', 'org.openstack.nova.image_id'
_HOSTNAME_CHARACTERS = 64


def container_spec(instance: Any, reference: str, network_info: Sequence[Mapping[str, Any]], *, host: str,
                   policy: flavor.Policy, command_line: str | None = None) -> specs.ContainerSpec:
    """The container of a server.

    :param reference: what the engine calls the image.
    :param host: the compute host, which tells our containers from those of others.
    :param command_line: image property ``os_command_line``.
    :raises InvalidSpec: the flavor, metadata or user data is wrong; the text names the key.
    """
    flavor.check(instance.flavor)
    return specs.ContainerSpec(
        name=instance.uuid, image=reference, hostname=hostname(instance),
        process=process_wish(instance, command_line).to_spec(),
        resources=flavor.resources(instance.flavor, policy, pinned_cpus=pinning.cpus(instance),
                                   memory_nodes=pinning.memory_nodes(instance)),
        security=flavor.security(instance.flavor), devices=flavor.devices(instance.flavor),
        sysctls=flavor.sysctls(instance.flavor, policy), ulimits=flavor.ulimits(instance.flavor),
        shm_bytes=flavor.shm_bytes(instance.flavor), init=flavor.init(instance.flavor),
        network=network_spec(instance, network_info), labels=labels(instance, host))


def process_wish(instance: Any, command_line: str | None) -> process.ProcessWish:
    """Image property, then user data, then metadata: the later one wins."""
    return image.wish(command_line).overridden_by(userdata.wish(instance.user_data)).overridden_by(
        metadata.wish(instance.metadata))


def network_spec(instance: Any, network_info: Sequence[Mapping[str, Any]]) -> specs.NetworkSpec:
    """A namespace of its own, name servers of all subnets, and the host's own name in /etc/hosts."""
    name = hostname(instance)
    hosts = tuple(f'{name}:{address}' for address in network.first_addresses(network_info)) if name else ()
    return specs.NetworkSpec(dns=network.name_servers(network_info), extra_hosts=hosts)


def hostname(instance: Any) -> str:
    """The server's; of a full name longer than the kernel takes, the first label."""
    name = instance.hostname or ''
    return name if len(name) <= _HOSTNAME_CHARACTERS else name.partition('.')[0][:_HOSTNAME_CHARACTERS]


def labels(instance: Any, host: str) -> dict[str, str]:
    """Whose it is."""
    return {UUID: instance.uuid, NAME: instance.name, PROJECT: instance.project_id or '', HOST: host,
            IMAGE: instance.image_ref or ''}
