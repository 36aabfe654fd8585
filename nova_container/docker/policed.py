# SPDX-License-Identifier: Apache-2.0
"""An engine as the clients of a listener with a policy see it: verbs pass if the policy allows them."""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from nova_container import errors
from nova_container.docker import policy
from nova_container.docker.policy import Level
from nova_container.engine import (
    CommitSpec, ContainerSpec, Engine, ExecSpec, Mount, MountKind, Resources, RestartPolicy, Session)
from nova_container.engine.network import Endpoint, Network
from nova_container.engine.registry import BuildSpec, Progress
from nova_container.engine.volume import Volume, VolumeInfo

_OPEN = frozenset((
    'inspect', 'list', 'wait', 'usage', 'top', 'logs', 'resize', 'inspect_exec', 'resize_exec', 'load', 'save',
    'list_images', 'inspect_image', 'tag_image', 'remove_image', 'prune_images', 'info', 'ping', 'events', 'close',
    'inspect_volume', 'list_volumes', 'remove_volume', 'prune_volumes', 'inspect_network', 'list_networks',
    'remove_network', 'prune_networks', 'disconnect', 'pull', 'push', 'search', 'import_image', 'check_login',
    'inspect_remote', 'prune_builds'))
"""Verbs without a check: they enter no container, and give none anything."""

_ENTERING = frozenset((
    'network_namespace', 'written_bytes', 'start', 'stop', 'kill', 'restart', 'pause', 'unpause', 'rename', 'attach',
    'changes', 'export', 'stat_path', 'copy_out', 'copy_in'))
"""Verbs whose first argument is a container that the policy must allow as it is."""


def policed(engine: Engine, level: Level) -> Engine:
    """The engine itself, or one that asks the policy first."""
    return engine if level is Level.PRIVILEGED else cast(Engine, _Policed(engine, level))


class _Policed:
    """The checked verbs are methods; ``__getattr__`` lets those pass that are listed, and nothing else."""

    def __init__(self, engine: Engine, level: Level) -> None:
        self._engine, self._level = engine, level

    def __getattr__(self, verb: str) -> Any:
        if verb in _OPEN:
            return getattr(self._engine, verb)
        if verb in _ENTERING:
            def enter(container: str, *arguments: Any, **keywords: Any) -> Any:
                return getattr(self._engine, verb)(self._allowed(container), *arguments, **keywords)
            return enter
        raise errors.Denied(f'{verb}: the policy {self._level.value} of this listener does not allow it')

    def _allowed(self, container: str) -> str:
        """The id of a container that the policy allows. :raises Denied:"""
        info = self._engine.inspect(container)
        policy.check_running(self._level, info)
        for mount in info.mounts:
            self._check_mounted(mount.volume.name if mount.volume else '')
        self._check_joined(info.spec)
        return info.id

    def _check_joined(self, spec: ContainerSpec) -> None:
        """What it takes from other containers must be allowed too: network, processes, memory, volumes."""
        others = [mode.removeprefix('container:') for mode in (spec.sharing.pid, spec.sharing.ipc)
                  if mode.startswith('container:')]
        others += [name.partition(':')[0] for name in spec.volumes_from]
        for other in (*others, *([spec.network.container] if spec.network.container else [])):
            self._allowed(other)

    def _check_mounted(self, name: str) -> None:
        """A volume that is there already may be a folder of the host."""
        if name:
            with contextlib.suppress(errors.VolumeNotFound):
                policy.check_known_volume(self._level, self._engine.inspect_volume(name))

    def create(self, spec: ContainerSpec) -> str:
        policy.check_container(self._level, spec)
        self._check_joined(spec)
        for mount in spec.mounts:
            self._check_mounted(_volume_of(mount))
        return self._engine.create(spec)

    def remove(self, container: str, *, force: bool = False, volumes: bool = True) -> None:
        with contextlib.suppress(errors.ContainerNotFound):
            self._engine.remove(self._allowed(container), force=force, volumes=volumes)

    def update(self, container: str, resources: Resources, restart: RestartPolicy | None = None) -> None:
        policy.check_limits(self._level, resources)
        self._engine.update(self._allowed(container), resources, restart)

    def create_exec(self, container: str, spec: ExecSpec) -> str:
        policy.check_exec(self._level, spec)
        return self._engine.create_exec(self._allowed(container), spec)

    def start_exec(self, exec_id: str) -> Session:
        found = self._engine.inspect_exec(exec_id)
        policy.check_exec(self._level, found.spec)
        self._allowed(found.container_id)
        return self._engine.start_exec(exec_id)

    def commit(self, container: str, spec: CommitSpec = CommitSpec()) -> str:
        return self._engine.commit(self._allowed(container), spec)

    def create_volume(self, volume: Volume) -> VolumeInfo:
        policy.check_volume(self._level, volume)
        return self._engine.create_volume(volume)

    def create_network(self, network: Network) -> str:
        policy.check_network(self._level, network)
        return self._engine.create_network(network)

    def connect(self, container: str, endpoint: Endpoint) -> None:
        policy.check_endpoint(self._level, endpoint)
        self._engine.connect(self._allowed(container), endpoint)

    def build(self, context: BinaryIO, spec: BuildSpec) -> Iterator[Progress]:
        """Where the request leaves the network of the steps to the engine, they get none: its own may be the host's."""
        policy.check_build(self._level, spec)
        return self._engine.build(context, dataclasses.replace(spec, network='none'))


def _volume_of(mount: Mount) -> str:
    return mount.source if mount.kind is MountKind.VOLUME else ''


