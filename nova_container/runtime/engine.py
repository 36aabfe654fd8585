# SPDX-License-Identifier: Apache-2.0
"""The built-in engine: it owns its state directory, takes up what runs, and hands each verb to its file."""

import contextlib
import logging
import os
import platform
import time
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import BinaryIO

from nova_container import errors
from nova_container.engine import base, state, validate
from nova_container.engine import spec as specs
from nova_container.engine.volume import Volume, VolumeInfo
from nova_container.host import cgroups, files
from nova_container.host.forks import ForkServer
from nova_container.host.launch import Launcher
from nova_container.image import fork_server
from nova_container.runtime import logs, refusals
from nova_container.runtime.builder import Builder
from nova_container.runtime.container import Register
from nova_container.runtime.database import Database
from nova_container.runtime.disk_limits import DiskLimits
from nova_container.runtime.events import EventLog
from nova_container.runtime.health import HealthMonitor
from nova_container.runtime.images import ImageRecord, ImageStore
from nova_container.runtime.layers import LayerStore
from nova_container.runtime.monitor import Monitor
from nova_container.runtime.network_verbs import NetworkVerbs
from nova_container.runtime.networks.membership import Membership
from nova_container.runtime.networks.networks import Networks
from nova_container.runtime.parts import Parts
from nova_container.runtime.records import ContainerRecords
from nova_container.runtime.registry_verbs import RegistryVerbs
from nova_container.runtime.rotation import Rotation
from nova_container.runtime.runtimes import Runtimes
from nova_container.runtime.settings import Settings
from nova_container.runtime.volumes import VolumeStore
from nova_container.runtime.verbs import (
    attach, commit, copy, create, end, execute, images, inspect, pause, recover, remove, start, stop, update, volumes)
from nova_container.runtime.watcher import Watcher

_API_VERSION = '1.51'

LOG = logging.getLogger(__name__)


class RuntimeEngine(RegistryVerbs, NetworkVerbs, base.Engine):
    """The built-in engine. ``open`` before use, ``close`` after; containers run on without it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open = contextlib.ExitStack()
        self._started_at = 0.0

    @refusals.as_ours()
    def open(self) -> None:
        """Take possession of the state directory and take up the containers in it.

        :raises AlreadyExists: another engine owns it.  :raises HostFailure: a program is missing.
        """
        self._settings.make_folders()
        try:
            self._open.enter_context(files.exclusive_lock(self._settings.state_dir / 'lock'))
            self._parts = self._assemble()
            recover.recover(self._parts)
        except BaseException:
            self._open.close()
            raise
        self._started_at = time.time()

    def _assemble(self) -> Parts:
        settings = self._settings
        launcher = Launcher(settings.launchers)
        self._open.callback(launcher.close)
        database = Database(settings.database)
        self._open.callback(database.close)
        records = ContainerRecords(database)
        register = Register(records)
        for record in records.all():
            register.adopt(record)
        self._open.callback(cgroups.remove_if_empty, settings.cgroup_parent)
        runtimes = Runtimes(settings, launcher)
        forks = ForkServer(fork_server.argv())
        self._open.callback(forks.close)
        layers = LayerStore(settings, database, forks)
        layers.discard_leftovers()
        images_store = ImageStore(settings, database, layers)
        images_store.blobs.discard_incoming()
        events, disk_limits = EventLog(), DiskLimits(settings)
        networks = Membership(Networks(database, events, str(settings.state_dir)), register, settings)
        self._open.callback(networks.close)
        parts = Parts(
            settings=settings, database=database, launcher=launcher, forks=forks, runtimes=runtimes, layers=layers,
            images=images_store,
            monitor=Monitor(settings.monitor, settings.exits, launcher), register=register, events=events,
            networks=networks,
            cgroup_version=cgroups.version(), builder=Builder(settings, launcher),
            disk_limits=disk_limits, volumes=VolumeStore(settings, database, disk_limits))
        parts.watcher = Watcher(settings, lambda container_id: end.ended(parts, container_id))
        self._open.callback(parts.watcher.close)
        parts.health = HealthMonitor(parts)
        self._open.callback(parts.health.close)
        rotation = Rotation(parts)
        self._open.callback(rotation.close)
        self._open.callback(parts.events.close)
        return parts

    def close(self) -> None:
        for timer in list(self._parts.timers) if hasattr(self, '_parts') else ():
            timer.cancel()
        self._open.close()

    @refusals.as_ours()
    def create(self, spec: specs.ContainerSpec) -> str:
        return create.create(self._parts, spec)

    def network_namespace(self, container: str) -> str:
        path = self._parts.joined_namespace(self._parts.register.get(container))
        if path is None:
            raise errors.Unsupported(f'Container {container} shares the network namespace of the host')
        return str(path)

    @refusals.as_ours()
    def start(self, container: str) -> None:
        start.start(self._parts, container, lambda found: remove.remove(self._parts, found.id, force=True))

    @refusals.as_ours()
    def stop(self, container: str, *, grace_s: float | None = None, signal: str = '') -> None:
        stop.stop(self._parts, container, grace_s, signal)

    @refusals.as_ours()
    def kill(self, container: str, signal: str = 'SIGKILL') -> None:
        stop.kill(self._parts, container, signal)

    @refusals.as_ours()
    def restart(self, container: str, *, grace_s: float | None = None, signal: str = '') -> None:
        stop.restart(self._parts, container, grace_s, signal)

    @refusals.as_ours()
    def pause(self, container: str) -> None:
        pause.pause(self._parts, container)

    @refusals.as_ours()
    def unpause(self, container: str) -> None:
        pause.unpause(self._parts, container)

    @refusals.as_ours()
    def remove(self, container: str, *, force: bool = False, volumes: bool = True) -> None:
        remove.remove(self._parts, container, force=force, volumes=volumes)

    @refusals.as_ours()
    def update(self, container: str, resources: specs.Resources,
               restart: specs.RestartPolicy | None = None) -> None:
        update.update(self._parts, container, resources, restart)

    @refusals.as_ours()
    def rename(self, container: str, name: str) -> None:
        update.rename(self._parts, container, name)

    def inspect(self, container: str) -> state.ContainerInfo:
        return inspect.info(self._parts, self._parts.register.get(container))

    def list(self, *, labels: Mapping[str, str] | None = None) -> tuple[state.ContainerInfo, ...]:
        return inspect.select(self._parts, labels)

    def wait(self, container: str, *, timeout_s: float | None = None) -> state.ExitInfo | None:
        found = self._parts.register.get(container)
        if not found.wait_until_not_alive(timeout_s):
            return None
        return found.record.exit or state.ExitInfo(code=0)

    @refusals.as_ours()
    def usage(self, container: str) -> state.Usage:
        return inspect.usage(self._parts, container)

    @refusals.as_ours()
    def top(self, container: str) -> tuple[state.ProcessRow, ...]:
        return inspect.top(self._parts, container)

    def logs(self, container: str, query: specs.LogQuery) -> Iterator[state.LogChunk]:
        found = self._parts.register.get(container)
        validate.check_log_kept(container, found.record.spec)
        return logs.read(self._parts.folder(found).log, query, lambda: found.status.alive)

    @refusals.as_ours()
    def attach(self, container: str) -> base.Session:
        return attach.attach(self._parts, container)

    @refusals.as_ours()
    def resize(self, container: str, *, rows: int, columns: int) -> None:
        attach.resize(self._parts, container, rows, columns)

    @refusals.as_ours()
    def create_exec(self, container: str, spec: specs.ExecSpec) -> str:
        return execute.create_exec(self._parts, container, spec)

    @refusals.as_ours()
    def start_exec(self, exec_id: str) -> base.Session:
        return execute.start_exec(self._parts, exec_id)

    def inspect_exec(self, exec_id: str) -> state.ExecInfo:
        return execute.get(self._parts, exec_id).info()

    def resize_exec(self, exec_id: str, *, rows: int, columns: int) -> None:
        execute.get(self._parts, exec_id).resize(rows, columns)

    @refusals.as_ours()
    def written_bytes(self, container: str) -> int:
        return copy.written_bytes(self._parts, container)

    @refusals.as_ours()
    def changes(self, container: str) -> tuple[state.Change, ...]:
        return commit.changes(self._parts, container)

    def export(self, container: str) -> Iterator[bytes]:
        return copy.export(self._parts, container)

    @refusals.as_ours()
    def stat_path(self, container: str, path: str) -> state.FileStat:
        return copy.stat_path(self._parts, container, path)

    def copy_out(self, container: str, path: str) -> Iterator[bytes]:
        return copy.copy_out(self._parts, container, path)

    @refusals.as_ours()
    def copy_in(self, container: str, path: str, archive: BinaryIO, *, may_change_kind: bool = True) -> None:
        copy.copy_in(self._parts, container, path, archive, may_change_kind=may_change_kind)

    @refusals.as_ours()
    def commit(self, container: str, spec: specs.CommitSpec = specs.CommitSpec()) -> str:
        return commit.commit(self._parts, container, spec)

    @refusals.as_ours()
    def load(self, archive: BinaryIO, *, reference: str | None = None) -> tuple[state.ImageInfo, ...]:
        return images.load(self._parts, archive, reference)

    def save(self, images: tuple[str, ...]) -> Iterator[bytes]:
        return self._parts.images.save(images)

    @refusals.as_ours()
    def list_images(self) -> tuple[state.ImageInfo, ...]:
        return tuple(info for record in self._parts.images.all() if (info := self._shown(record)))

    def _shown(self, record: ImageRecord) -> state.ImageInfo | None:
        """None if its configuration is no longer accepted: a list is not to fail for one of its images."""
        try:
            return self._parts.images.info(record)
        except errors.UnacceptableImage as error:
            LOG.error('Image %s is not shown, as its configuration cannot be used: %s', record.id, error)
            return None

    @refusals.as_ours()
    def inspect_image(self, image: str) -> state.ImageInfo:
        return self._parts.images.info(self._parts.images.get(image))

    @refusals.as_ours()
    def tag_image(self, image: str, reference: str) -> None:
        images.tag(self._parts, image, reference)

    @refusals.as_ours()
    def remove_image(self, image: str, *, force: bool = False) -> tuple[str, ...]:
        return images.remove(self._parts, image)

    @refusals.as_ours()
    def prune_images(self, *, all_unused: bool = False) -> tuple[tuple[str, ...], int]:
        return images.prune(self._parts, all_unused=all_unused)

    @refusals.as_ours()
    def create_volume(self, volume: Volume) -> VolumeInfo:
        return volumes.create(self._parts, volume)

    def inspect_volume(self, name: str) -> VolumeInfo:
        return volumes.inspect(self._parts, name)

    @refusals.as_ours()
    def list_volumes(self, *, sizes: bool = False) -> tuple[VolumeInfo, ...]:
        return volumes.select(self._parts, sizes=sizes)

    @refusals.as_ours()
    def remove_volume(self, name: str, *, force: bool = False) -> None:
        volumes.remove(self._parts, name)

    @refusals.as_ours()
    def prune_volumes(self, *, all_unused: bool = False) -> tuple[tuple[str, ...], int]:
        return volumes.prune(self._parts, all_unused=all_unused)

    def ping(self, *, timeout_s: float | None = None) -> None:
        """It is in this process."""

    @refusals.as_ours()
    def info(self) -> state.EngineInfo:
        parts, counted = self._parts, self._counted()
        return state.EngineInfo(
            name='nova-container-engine', version=_version(), api_version=_API_VERSION, runtime=parts.runtimes.own.name,
            runtime_version=parts.runtimes.own.version, kernel_version=platform.release(),
            operating_system=_system_name(),
            architecture=platform.machine(), cpus=os.cpu_count() or 1, memory_bytes=_memory_bytes(),
            hostname=platform.node(), state_dir=str(self._settings.state_dir), storage_driver='overlay2',
            cgroup_version=parts.cgroup_version, containers=counted, images=len(parts.images.all()),
            runtimes=parts.runtimes.names(), features=self._features(), started_at=self._started_at,
            insecure_registries=self._settings.registries.insecure, mirrors=self._settings.registries.mirrors)

    def _features(self) -> frozenset[state.Feature]:
        every = frozenset(state.Feature)
        return every if self._parts.disk_limits.are_kept else every - {state.Feature.ROOT_SIZE}

    def _counted(self) -> dict[str, int]:
        counted = {'running': 0, 'paused': 0, 'stopped': 0}
        for container in self._parts.register.all():
            status = container.status
            counted['paused' if status is state.Status.PAUSED else 'running' if status.active else 'stopped'] += 1
        return counted

    def events(self, *, since: float | None = None, until: float | None = None) -> Iterator[state.Event]:
        return self._parts.events.follow(since, until)


def _version() -> str:
    try:
        return metadata.version('nova-container')
    except metadata.PackageNotFoundError:
        return '0'


def _system_name() -> str:
    try:
        return platform.freedesktop_os_release().get('PRETTY_NAME', 'Linux')
    except OSError:
        return 'Linux'


def _memory_bytes() -> int:
    for line in Path('/proc/meminfo').read_text('ascii').splitlines():
        if line.startswith('MemTotal:'):
            return int(line.split()[1]) * 1024
    return 0
