# SPDX-License-Identifier: Apache-2.0
"""An engine as one resource of a stack sees it: what is another project's is not there, what its level denies, denied.

Every verb passes here, so values of attributes, members of groups, signals and restored snapshots are judged as much as
properties are.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, cast

from heat_container import features, image_names, limits, names, ownership
from heat_container.endpoints import Endpoint as Place
from nova_container import errors
from nova_container.docker import policy
from nova_container.engine import (
    ContainerInfo, ContainerSpec, Engine, ExecInfo, ExecSpec, ImageInfo, MountKind, Resources, RestartPolicy, Session)
from nova_container.engine.network import Endpoint, Network, NetworkInfo
from nova_container.engine.registry import BuildSpec
from nova_container.engine.volume import Volume, VolumeInfo

_IMAGES = frozenset((
    'load', 'save', 'list_images', 'inspect_image', 'tag_image', 'remove_image', 'pull', 'push', 'search',
    'import_image', 'check_login', 'inspect_remote', 'info'))
"""Verbs about images, which have no owner but a name (``image_names``), and about the engine."""
_KNOWN = frozenset(('start', 'stop', 'kill', 'restart', 'pause', 'unpause', 'wait', 'usage', 'top', 'logs', 'resize',
                    'rename', 'changes', 'stat_path'))
"""Verbs over a container of the project that give nobody more than the container has."""
_ENTERING = frozenset(('network_namespace', 'attach', 'export', 'copy_out', 'copy_in', 'commit'))
"""Verbs that get into it: whoever asks must be allowed what it may do."""
_BUILT_IN = frozenset(('bridge', 'none'))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, for which resource. ``beside`` is the container of a Nova server that it may join, '' for none."""

    project_id: str
    labels: Mapping[str, str]
    granted: features.Granted
    beside: str = ''


def guarded(engine: Engine, place: Place, caller: Caller) -> Engine:
    """The engine for one resource."""
    return cast(Engine, _Shared(engine, place, caller) if place.shared else _Own(engine, caller))


class _Own:
    """An engine that the tenant brought: only the labels are added."""

    def __init__(self, engine: Engine, caller: Caller) -> None:
        self._engine, self._caller = engine, caller

    def __getattr__(self, verb: str) -> Any:
        return getattr(self._engine, verb)

    def create(self, spec: ContainerSpec) -> str:
        return self._engine.create(dataclasses.replace(spec, labels=self._labels(spec.labels)))

    def create_network(self, network: Network) -> str:
        return self._engine.create_network(dataclasses.replace(network, labels=self._labels(network.labels)))

    def create_volume(self, volume: Volume) -> VolumeInfo:
        return self._engine.create_volume(dataclasses.replace(volume, labels=self._labels(volume.labels)))

    def _labels(self, wanted: Mapping[str, str]) -> dict[str, str]:
        return ownership.merged(wanted, self._caller.labels)


class _Shared(_Own):
    """An engine of many projects. Verbs are methods, or listed; nothing else passes."""

    def __init__(self, engine: Engine, place: Place, caller: Caller) -> None:
        super().__init__(engine, caller)
        self._place, self._level, self._granted = place, place.level, caller.granted
        self._known: dict[str, frozenset[str]] = {}
        self._images: dict[str, bool] = {}

    def __getattr__(self, verb: str) -> Any:
        if verb in _IMAGES:
            return getattr(self._engine, verb)
        if verb in _KNOWN or verb in _ENTERING:
            find = self._entered if verb in _ENTERING else self._own

            def asked(container: str, *arguments: Any, **keywords: Any) -> Any:
                return getattr(self._engine, verb)(find(container), *arguments, **keywords)
            return asked
        raise errors.Denied(f'{verb}: templates cannot do this on an engine that projects share')

    # Containers

    def create(self, spec: ContainerSpec) -> str:
        spec = limits.bounded(self._place.limits, spec)
        beyond = features.check_container(self._level, self._as_judged(spec), self._granted)
        spec = self._with_own_references(spec)
        self._check_image(spec.image)
        limits.check_count(self._place.limits, self.list)
        given = {names.FEATURES: ','.join(beyond)} if beyond else {}
        own = {**self._caller.labels, **given}
        return self._engine.create(dataclasses.replace(spec, labels=ownership.merged(spec.labels, own)))

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

    def inspect(self, container: str) -> ContainerInfo:
        info = self._engine.inspect(container)
        if not self._is_own(info):
            raise errors.ContainerNotFound(container)
        return info

    def list(self, *, labels: Mapping[str, str] | None = None) -> tuple[ContainerInfo, ...]:
        found = self._engine.list(labels={**(labels or {}), names.PROJECT: self._caller.project_id})
        return tuple(filter(self._is_own, found))

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

    # Networks

    def create_network(self, network: Network) -> str:
        features.check_network(self._level, network, self._granted)
        return super().create_network(network)

    def inspect_network(self, network: str) -> NetworkInfo:
        info = self._engine.inspect_network(network)
        if not self._sees(info):
            raise errors.NetworkNotFound(network)
        if info.spec.name in _BUILT_IN:
            return dataclasses.replace(info, endpoints=())
        return info

    def list_networks(self) -> tuple[NetworkInfo, ...]:
        return tuple(info for info in self._engine.list_networks()
                     if ownership.is_of(self._caller.project_id, info.spec.labels))

    def remove_network(self, network: str) -> None:
        try:
            found = self.inspect_network(network)
        except errors.NetworkNotFound:
            return
        self._engine.remove_network(found.id)

    def connect(self, container: str, endpoint: Endpoint) -> None:
        features.check_endpoint(self._level, endpoint, self._granted)
        self._engine.connect(self._own(container), self._with_own_network(endpoint))

    def disconnect(self, container: str, network: str, *, force: bool = False) -> None:
        self._engine.disconnect(self._own(container), self.inspect_network(network).id, force=force)

    # Volumes

    def create_volume(self, volume: Volume) -> VolumeInfo:
        """Engines return one that is there already, which may be another project's or show a folder of the host."""
        features.check_volume(self._level, volume, self._granted)
        if volume.name:
            try:
                found = self._engine.inspect_volume(volume.name)
            except errors.VolumeNotFound:
                pass
            else:
                self._check_volume(found, errors.AlreadyExists(f'The volume name {volume.name} is taken'))
        return super().create_volume(volume)

    def inspect_volume(self, name: str) -> VolumeInfo:
        info = self._engine.inspect_volume(name)
        self._check_volume(info, errors.VolumeNotFound(name))
        return info

    def list_volumes(self, *, sizes: bool = False) -> tuple[VolumeInfo, ...]:
        return tuple(info for info in self._engine.list_volumes(sizes=sizes)
                     if ownership.is_of(self._caller.project_id, info.spec.labels))

    def remove_volume(self, name: str, *, force: bool = False) -> None:
        try:
            self.inspect_volume(name)
        except errors.VolumeNotFound:
            return
        self._engine.remove_volume(name, force=force)

    # Images

    def build(self, context: Any, spec: BuildSpec) -> Any:
        """Steps get no network: the one that the engine would give may be the host's."""
        if not self._granted('build'):
            policy.check_build(self._level, spec)
            spec = dataclasses.replace(spec, network='none')
        return self._engine.build(context, spec)

    def _check_image(self, image: str) -> None:
        info = self._engine.inspect_image(image)
        if _claims(info):
            raise errors.Denied('image: it has labels that say whose a container is; make it without them')
        image_names.check_usable(self._caller.project_id, info.references)
        limits.check_registry(self._place.limits, info.references)

    # Whose it is

    def _is_own(self, info: ContainerInfo) -> bool:
        """Containers get the labels of their image too: one that others run from such an image is still theirs."""
        return ownership.is_of(self._caller.project_id, info.labels) and not self._is_claimed(info.image_id)

    def _is_claimed(self, image_id: str) -> bool:
        if image_id not in self._images:
            try:
                self._images[image_id] = _claims(self._engine.inspect_image(image_id))
            except errors.ImageNotFound:
                return False
        return self._images[image_id]

    def _own(self, container: str) -> str:
        """The id of a container of the project. An id that was looked at once stays whose it is."""
        if container in self._known:
            return container
        info = self.inspect(container)
        self._known[info.id] = _features_of(info)
        return info.id

    def _entered(self, container: str) -> str:
        own = self._own(container)
        features.check_entry(self._known[own], self._granted)
        return own

    def _joined(self, container: str) -> str:
        """One whose namespaces may be shared: of the project, or of the Nova server that this resource is beside."""
        if self._caller.beside and container == self._caller.beside:
            return container
        return self._entered(container)

    def _sees(self, info: NetworkInfo) -> bool:
        return info.spec.name in _BUILT_IN or ownership.is_of(self._caller.project_id, info.spec.labels)

    def _check_volume(self, info: VolumeInfo, error: errors.ContainerError) -> None:
        if not ownership.is_of(self._caller.project_id, info.spec.labels):
            raise error

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
            name: _renamed(getattr(spec.sharing, name), self._joined) for name in ('pid', 'ipc')})
        for mount in spec.mounts:
            if mount.kind is MountKind.VOLUME and mount.source:
                self._check_mounted(mount.source)
        return dataclasses.replace(spec, network=network, sharing=sharing, volumes_from=tuple(
            _first(one, self._entered) for one in spec.volumes_from))

    def _with_own_network(self, endpoint: Endpoint) -> Endpoint:
        found = self.inspect_network(endpoint.network)
        links = tuple(_first(link, self._own) for link in endpoint.links)
        named = found.spec.name if found.spec.name in _BUILT_IN else found.id
        return dataclasses.replace(endpoint, network=named, links=links)

    def _check_mounted(self, name: str) -> None:
        """An engine would make a missing one, without a label: it would be nobody's."""
        try:
            features.check_volume(self._level, self.inspect_volume(name).spec, self._granted)
        except errors.VolumeNotFound:
            raise errors.VolumeNotFound(f'{name}; make it with {names.type_name("Volume")}') from None


def _claims(image: ImageInfo) -> bool:
    """Whether it would give its containers labels of ours."""
    labels = image.config.get('Labels')
    return isinstance(labels, Mapping) and any(labels.get(name) for name in names.OWN_LABELS)


def _features_of(info: ContainerInfo) -> frozenset[str]:
    return frozenset(filter(None, info.labels.get(names.FEATURES, '').split(',')))


def _renamed(mode: str, find: Callable[[str], str]) -> str:
    """``container:NAME`` by the id."""
    kind, colon, container = mode.partition(':')
    return f'{kind}:{find(container)}' if kind == 'container' and colon else mode


def _first(text: str, find: Callable[[str], str]) -> str:
    """``NAME:rest`` by the id."""
    container, colon, rest = text.partition(':')
    return f'{find(container)}{colon}{rest}'
