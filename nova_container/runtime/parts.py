# SPDX-License-Identifier: Apache-2.0
"""What the verbs work with: one value that holds the stores, the tools and the register."""

import dataclasses
import functools
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nova_container.engine.spec import NetworkMode
from nova_container.host.cgroups import Cgroup
from nova_container.host.forks import ForkServer
from nova_container.host.launch import Launcher
from nova_container.runtime.builder import Builder
from nova_container.runtime.container import Container, Register
from nova_container.runtime.database import Database
from nova_container.runtime.disk_limits import DiskLimits
from nova_container.runtime.events import EventLog
from nova_container.runtime.execution import Execution
from nova_container.runtime.gate import Gate
from nova_container.runtime.images import ImageStore
from nova_container.runtime.layers import LayerStore
from nova_container.runtime.monitor import Monitor
from nova_container.runtime.networks.membership import Membership
from nova_container.runtime.oci_runtime import OciRuntime
from nova_container.runtime.rootfs import ContainerFolder
from nova_container.runtime.runtimes import Runtimes
from nova_container.runtime.settings import Settings
from nova_container.runtime.turns import Turns
from nova_container.runtime.volumes import VolumeStore
from nova_container.runtime.watcher import Watcher


if TYPE_CHECKING:
    from nova_container.runtime.health import HealthMonitor


@dataclasses.dataclass(slots=True, kw_only=True)
class Parts:
    """Everything one engine is made of."""

    settings: Settings
    database: Database
    launcher: Launcher
    forks: ForkServer
    runtimes: Runtimes
    monitor: Monitor
    layers: LayerStore
    images: ImageStore
    register: Register
    events: EventLog
    networks: Membership
    cgroup_version: int
    builder: Builder
    disk_limits: DiskLimits
    volumes: VolumeStore
    watcher: Watcher | None = None
    health: 'HealthMonitor | None' = None
    image_gate: Gate = dataclasses.field(default_factory=Gate)
    build_gate: Gate = dataclasses.field(default_factory=Gate)
    turns: Turns = dataclasses.field(default_factory=Turns)
    executions: dict[str, Execution] = dataclasses.field(default_factory=dict)
    timers: set[threading.Timer] = dataclasses.field(default_factory=set)

    def folder(self, container: Container) -> ContainerFolder:
        """Its folder in the state directory."""
        return _folder(self.settings.containers, container.id)

    def bundle(self, container: Container) -> Path:
        """The folder of its OCI bundle, which exists while it is alive."""
        return self.settings.bundles / container.id[:16]

    def namespace(self, container: Container) -> Path | None:
        """The file that holds its network namespace; None if it has none of its own."""
        network = container.record.spec.network
        if network.mode in (NetworkMode.NAMESPACE, NetworkMode.MANAGED):
            return _namespace(self.settings.namespaces, container.id)
        return None

    def joined_namespace(self, container: Container) -> Path | None:
        """The namespace that its processes are in: its own, another container's, or None for the host's."""
        network = container.record.spec.network
        if network.mode is NetworkMode.CONTAINER:
            return self.joined_namespace(self.register.get(network.container or ''))
        return self.namespace(container)

    def cgroup(self, container: Container) -> Cgroup:
        """Its control group."""
        return Cgroup(f'{self.cgroup_parent(container)}/{container.id}', self.cgroup_version)

    def cgroup_parent(self, container: Container) -> str:
        """The group that its own is in."""
        chosen = container.record.spec.cgroup_parent.strip('/')
        return f'/{chosen}' if chosen else self.settings.cgroup_parent

    def oci(self, container: Container) -> OciRuntime:
        """The OCI runtime that runs it. :raises InvalidSpec: it is not here any more."""
        return self.runtimes.get(container.record.spec.runtime)

    def hostname(self, container: Container) -> str:
        """The name it has inside."""
        return container.record.spec.hostname or container.id[:12]

    def publish(self, container: Container, action: str, attributes: Mapping[str, str] | None = None) -> None:
        """Tell of something that happened to a container."""
        record = container.record
        self.events.publish('container', action, record.id, {
            **record.spec.labels, 'name': record.spec.name, 'image': record.spec.image, **(attributes or {})})


@functools.lru_cache(2048)  # lists of containers ask for both of each
def _folder(containers: Path, container_id: str) -> ContainerFolder:
    return ContainerFolder(containers / container_id[:16])


@functools.lru_cache(2048)
def _namespace(namespaces: Path, container_id: str) -> Path:
    return namespaces / container_id[:16]
