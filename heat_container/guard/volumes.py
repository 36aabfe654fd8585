# SPDX-License-Identifier: Apache-2.0
"""Volumes of a shared engine."""

from heat_container import features, limits, names, ownership
from heat_container.guard.base import Owned
from nova_container import errors
from nova_container.engine.volume import Volume, VolumeInfo


class Volumes(Owned):
    """Verbs over volumes."""

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
        limits.check_number(self._place.limits.volumes, self.list_volumes, 'volumes')
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

    def _check_volume(self, info: VolumeInfo, error: errors.ContainerError) -> None:
        if not ownership.is_of(self._caller.project_id, info.spec.labels):
            raise error

    def _check_mounted(self, name: str) -> None:
        """An engine would make a missing one, without a label: it would be nobody's."""
        try:
            features.check_volume(self._level, self.inspect_volume(name).spec, self._granted)
        except errors.VolumeNotFound:
            raise errors.VolumeNotFound(f'{name}; make it with {names.type_name("Volume")}') from None
