# SPDX-License-Identifier: Apache-2.0
"""One container of the fake, and the table of all."""

import dataclasses
import time

from nova_container import errors
from nova_container.engine import spec as specs
from nova_container.engine import state
from nova_container.engine.fake import files
from nova_container.engine.fake.images import Image
from nova_container.engine.fake.process import Process
from nova_container.engine.fake.session import FakeSession
from nova_container.engine.network import Endpoint


VOLUMES = '/fake/volumes'


@dataclasses.dataclass(slots=True)
class Exec:
    """A further process: prepared, then started once."""

    id: str
    container: 'Container'
    spec: specs.ExecSpec
    process: Process | None = None
    code: int | None = None

    @property
    def info(self) -> state.ExecInfo:
        running = self.process is not None and self.code is None
        return state.ExecInfo(id=self.id, container_id=self.container.id, spec=self.spec, running=running,
                              pid=self.process.pid if self.process else None, exit_code=self.code)


@dataclasses.dataclass(slots=True)
class Container:
    """What the engine knows of a container. ``stopped_by_hand`` keeps its restart policy from acting."""

    id: str
    spec: specs.ContainerSpec
    image: Image
    tree: files.Tree
    network_namespace: str | None
    status: state.Status = state.Status.CREATED
    created_at: float = dataclasses.field(default_factory=time.time)
    started_at: float | None = None
    exit: state.ExitInfo | None = None
    restart_count: int = 0
    stopped_by_hand: bool = False
    oom_killed: bool = False
    process: Process | None = None
    log: list[state.LogChunk] = dataclasses.field(default_factory=list)
    sessions: list[FakeSession] = dataclasses.field(default_factory=list)
    mounts: tuple[specs.Mount, ...] = ()
    health: state.Health | None = None
    execs: list[Exec] = dataclasses.field(default_factory=list)
    awaited_networks: list[Endpoint] = dataclasses.field(default_factory=list)

    @property
    def info(self) -> state.ContainerInfo:
        return state.ContainerInfo(
            id=self.id, spec=self.spec, status=self.status, image_id=self.image.id,
            pid=self.process.pid if self.process else None, created_at=self.created_at, started_at=self.started_at,
            exit=self.exit, restart_count=self.restart_count, network_namespace=self.network_namespace,
            exec_ids=tuple(each.id for each in self.execs if each.code is None), health=self.health,
            log_path=f'/fake/containers/{self.id}/log', mounts=tuple(
                dataclasses.replace(mount, source=f'{VOLUMES}/{mount.source}/_data')
                if mount.kind is specs.MountKind.VOLUME else mount for mount in self.mounts))

    @property
    def own_tree(self) -> files.Tree:
        """Its files without what is mounted over them."""
        return self.tree.without((mount.target for mount in self.mounts), self.image.tree)

    def empty_mounts(self) -> None:
        """What every start finds: nothing in the mounts, but for volumes."""
        for mount in self.mounts:
            if mount.kind is specs.MountKind.VOLUME:
                continue
            if self.tree.is_folder(mount.target):
                self.tree.remove(mount.target, recursive=True)
            self.tree.make_folder(mount.target, parents=True)

    @property
    def running_process(self) -> Process:
        """The first process. :raises WrongState: it is not alive."""
        if self.process is None:
            raise errors.WrongState(f'Container {self.id} is not running')
        return self.process

    def output(self, stream: state.StreamName, data: bytes) -> None:
        """Keep it in the log by lines, and show it to who is attached."""
        now = time.time()
        self.log.extend(state.LogChunk(stream, now, line) for line in data.splitlines(keepends=True))
        for session in self.sessions:
            session.push(stream, data)


class Table:
    """All containers, newest last."""

    def __init__(self) -> None:
        self._rows: dict[str, Container] = {}

    def all(self) -> tuple[Container, ...]:
        return tuple(self._rows.values())

    def add(self, container: Container) -> None:
        self._rows[container.id] = container

    def drop(self, container: Container) -> None:
        self._rows.pop(container.id, None)

    def find(self, key: str) -> Container:
        """By id, name or unique prefix of an id. :raises ContainerNotFound:"""
        for row in self._rows.values():
            if key in (row.id, row.spec.name):
                return row
        matches = [row for row in self._rows.values() if key and row.id.startswith(key)]
        if len(matches) != 1:
            raise errors.ContainerNotFound(key)
        return matches[0]

    def is_taken(self, name: str) -> bool:
        return any(row.spec.name == name for row in self._rows.values())
