# SPDX-License-Identifier: Apache-2.0
"""Containers of a shared engine, and what runs in them."""

import dataclasses
from typing import Any

from heat_container import features, limits, names, ownership
from heat_container.guard.images import Images
from heat_container.guard.networks import Networks
from heat_container.guard.texts import first, renamed
from heat_container.guard.volumes import Volumes
from nova_container import errors
from nova_container.docker import policy
from nova_container.engine import (
    CommitSpec, ContainerSpec, ExecInfo, ExecSpec, MountKind, Resources, RestartPolicy, Session)


class Containers(Networks, Volumes, Images):
    """Verbs over containers and execs."""

    def create(self, spec: ContainerSpec) -> str:
        spec = limits.bounded(self._place.limits, spec)
        beyond = features.check_container(self._level, self._as_judged(spec), self._granted)
        spec = self._with_own_references(spec)
        self._check_image(spec.image)
        limits.check_number(self._place.limits.containers, self.list, 'containers')
        given = {names.FEATURES: ','.join(beyond)} if beyond else {}
        own = {**self._caller.labels, **given}
        made = self._engine.create(dataclasses.replace(spec, labels=ownership.merged(spec.labels, own)))
        self._known[made] = frozenset(beyond)
        self._check_place(made)
        return made

    def remove(self, container: str, *, force: bool = False, volumes: bool = True) -> None:
        try:
            own = self._own(container)
        except errors.ContainerNotFound:
            return
        self._engine.remove(own, force=force, volumes=volumes)

    def update(self, container: str, resources: Resources, restart: RestartPolicy | None = None) -> None:
        limits.check_resources(self._place.limits, resources)
        if not (self._granted('oom') and self._granted('realtime') and self._granted('unlimited_pids')):
            policy.check_limits(self._level, resources)
        self._engine.update(self._own(container), resources, restart)

    def commit(self, container: str, spec: CommitSpec = CommitSpec()) -> str:
        if spec.reference:
            self._check_given(spec.reference)
        return self._engine.commit(self._entered(container), spec)

    def create_exec(self, container: str, spec: ExecSpec) -> str:
        features.check_exec(self._level, spec, self._granted)
        return self._engine.create_exec(self._entered(container), spec)

    def exec(self, container: str, spec: ExecSpec, **keywords: Any) -> Any:
        features.check_exec(self._level, spec, self._granted)
        return self._engine.exec(self._entered(container), spec, **keywords)

    def start_exec(self, exec_id: str) -> Session:
        self.inspect_exec(exec_id)
        return self._engine.start_exec(exec_id)

    def inspect_exec(self, exec_id: str) -> ExecInfo:
        info = self._engine.inspect_exec(exec_id)
        try:
            self._entered(info.container_id)
        except errors.ContainerNotFound:
            raise errors.ExecNotFound(exec_id) from None
        return info

    def resize_exec(self, exec_id: str, *, rows: int, columns: int) -> None:
        self.inspect_exec(exec_id)
        self._engine.resize_exec(exec_id, rows=rows, columns=columns)

    def _check_place(self, made: str) -> None:
        """Several may have been made at once when there was room for one: the first stay. :raises Exhausted:"""
        most = self._place.limits.containers
        if not most:
            return
        found = sorted(self.list(), key=lambda info: (info.created_at, info.id))
        if any(info.id == made for info in found[most:]):
            self._engine.remove(made, force=True)
            raise limits.exhausted(most, 'containers')

    def _as_judged(self, spec: ContainerSpec) -> ContainerSpec:
        """Sharing the namespaces of the Nova server that it is beside was allowed with the place."""
        beside = f'container:{self._caller.beside}'
        if not self._caller.beside:
            return spec
        return dataclasses.replace(spec, sharing=dataclasses.replace(spec.sharing, **{
            name: '' for name in ('pid', 'ipc') if getattr(spec.sharing, name) == beside}))

    def _with_own_references(self, spec: ContainerSpec) -> ContainerSpec:
        """By ids, as a name may mean another thing the next moment. :raises NotFound: one is not of the project."""
        network = spec.network
        if network.container:
            network = dataclasses.replace(network, container=self._joined(network.container))
        network = dataclasses.replace(network, endpoints=tuple(map(self._with_own_network, network.endpoints)))
        sharing = dataclasses.replace(spec.sharing, **{
            name: renamed(getattr(spec.sharing, name), self._joined) for name in ('pid', 'ipc')})
        for mount in spec.mounts:
            if mount.kind is MountKind.VOLUME and mount.source:
                self._check_mounted(mount.source)
        return dataclasses.replace(spec, network=network, sharing=sharing, volumes_from=tuple(
            first(one, self._entered) for one in spec.volumes_from))
