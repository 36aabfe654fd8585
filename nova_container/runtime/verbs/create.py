# SPDX-License-Identifier: Apache-2.0
"""Make a container ready to start."""

import dataclasses
import platform
import secrets
import time
from collections.abc import Mapping
from typing import Any

from nova_container.engine import grammar, health, ports, validate
from nova_container.engine.spec import ContainerSpec, NetworkMode, ProcessSpec
from nova_container.engine.undo import undo_on_error
from nova_container.host import cgroups, netns
from nova_container.runtime import bundle, refused_limits, shared
from nova_container.runtime.container import Container
from nova_container.runtime.parts import Parts
from nova_container.runtime.records import ContainerRecord, Phase
from nova_container.runtime.verbs import mounting, remove

_RESERVED = ('org.openstack.', 'org.nova-container.')
"""Labels by which Nova and Heat know what is theirs: no image gives them."""


def create(parts: Parts, spec: ContainerSpec) -> str:
    """See ``ContainerOps.create``."""
    validate.check(spec)
    refused_limits.check(spec.resources, parts.cgroup_version, parts.disk_limits)
    parts.runtimes.get(spec.runtime)
    shared.check(parts, spec)
    parts.networks.check_links(spec)
    with parts.image_gate.shared():
        image = parts.images.get(spec.image)
        parts.images.unpack(image.layers)
        config = parts.images.config_of(image.id)
        container_id = secrets.token_hex(32)
        container = mounting.register(parts, ContainerRecord(
            id=container_id, spec=_settled(spec, container_id, config), image_id=image.id,
            diff_ids=image.diff_ids, created_at=time.time()))
    cgroups.expect_move(parts.cgroup_version)  # a start mostly follows at once
    with parts.register.locked(container.id):  # by its name it can be removed already
        _prepare(parts, container)
    parts.publish(container, 'create')
    return container.id


def _settled(spec: ContainerSpec, container_id: str, image: Mapping[str, Any]) -> ContainerSpec:
    """With what the request leaves open, by Docker's rules: the image's, or a default."""
    hostname = spec.hostname
    if not hostname and spec.sharing.uts != 'host' and spec.network.mode is not NetworkMode.CONTAINER:
        hosts = platform.node() if spec.network.mode is NetworkMode.HOST else ''
        hostname = hosts if grammar.is_hostname(hosts) else container_id[:12]
    labels = {str(name): str(value) for name, value in (image.get('Labels') or {}).items()
              if not str(name).startswith(_RESERVED)}
    limits = spec.resources.with_swap
    return dataclasses.replace(
        spec, process=merged(spec.process, image), hostname=hostname, labels={**labels, **spec.labels},
        resources=limits if limits is spec.resources or cgroups.limits_swap() else spec.resources,
        exposed_ports=ports.exposed(spec.exposed_ports, image), health=health.effective(spec, image))


def _prepare(parts: Parts, container: Container) -> None:
    folder, namespace = parts.folder(container), parts.namespace(container)
    with undo_on_error() as undo:
        fresh: list[str] = []
        undo('volumes', lambda: mounting.take_back(parts, fresh))
        undo('container', lambda: remove.take_away(parts, container))
        folder.make()
        if container.record.spec.resources.root_size_bytes is not None:
            parts.disk_limits.set(container.id, (folder.upper, folder.work),
                                  container.record.spec.resources.root_size_bytes)
        folder.mount(parts.layers.lower(container.record.diff_ids))
        mounting.provide(parts, container, fresh)
        folder.write_etc(container.record.spec, parts.hostname(container))
        if namespace is not None:
            netns.create(namespace)
        parts.networks.join(container)
        bundle.config(parts, container)
        container.save(phase=Phase.IDLE)


def merged(process: ProcessSpec, image: Mapping[str, Any]) -> ProcessSpec:
    """The process as it will run: what the request leaves open is the image's, by Docker's rules."""
    entrypoint, command = process.entrypoint, process.command
    if not entrypoint:
        command = command or tuple(image.get('Cmd') or ())
        if entrypoint is None:
            entrypoint = tuple(image.get('Entrypoint') or ())
    env = {entry.partition('=')[0]: entry for entry in process.env}
    for entry in image.get('Env') or ():
        env.setdefault(entry.partition('=')[0], entry)
    return dataclasses.replace(
        process, entrypoint=entrypoint, command=command or (), env=tuple(env.values()),
        cwd=process.cwd or str(image.get('WorkingDir') or '') or None,
        user=str(image.get('User') or '') if process.user is None else process.user,
        stop_signal=process.stop_signal or str(image.get('StopSignal') or '') or None)
