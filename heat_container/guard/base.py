# SPDX-License-Identifier: Apache-2.0
"""Who asks, and whose a thing is that is asked about."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from heat_container import features, names, ownership
from heat_container.endpoints import Endpoint as Place
from nova_container import errors
from nova_container.engine import ContainerInfo, ContainerSpec, Engine, ImageInfo
from nova_container.engine.network import Network
from nova_container.engine.volume import Volume, VolumeInfo


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, for which resource. ``beside`` is the container of a Nova server that it may join, '' for none."""

    project_id: str
    labels: Mapping[str, str]
    granted: features.Granted
    beside: str = ''


class Own:
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


class Owned(Own):
    """An engine of many projects, and what of it is one's own."""

    def __init__(self, engine: Engine, place: Place, caller: Caller) -> None:
        super().__init__(engine, caller)
        self._place, self._level, self._granted = place, place.level, caller.granted
        self._known: dict[str, frozenset[str]] = {}
        self._images: dict[str, bool] = {}

    def inspect(self, container: str) -> ContainerInfo:
        info = self._engine.inspect(container)
        if not self._is_own(info):
            raise errors.ContainerNotFound(container)
        return info

    def list(self, *, labels: Mapping[str, str] | None = None) -> tuple[ContainerInfo, ...]:
        found = self._engine.list(labels={**(labels or {}), names.PROJECT: self._caller.project_id})
        return tuple(filter(self._is_own, found))

    def _is_own(self, info: ContainerInfo) -> bool:
        """Containers get the labels of their image too: one that others run from such an image is still theirs."""
        return ownership.is_of(self._caller.project_id, info.labels) and not self._is_claimed(info.image_id)

    def _is_claimed(self, image_id: str) -> bool:
        if image_id not in self._images:
            try:
                self._images[image_id] = claims(self._engine.inspect_image(image_id))
            except errors.ImageNotFound:
                return False
        return self._images[image_id]

    def _own(self, container: str) -> str:
        """The id of a container of the project. An id that was looked at once stays whose it is."""
        if container in self._known:
            return container
        info = self.inspect(container)
        self._known[info.id] = frozenset(filter(None, info.labels.get(names.FEATURES, '').split(',')))
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


def claims(image: ImageInfo) -> bool:
    """Whether it would give its containers labels that say whose they are."""
    labels = image.config.get('Labels')
    return isinstance(labels, Mapping) and any(labels.get(name) for name in ownership.taken(labels))
