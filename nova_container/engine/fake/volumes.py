# SPDX-License-Identifier: Apache-2.0
"""The volume verbs of the fake: a tree each."""

import dataclasses
import time

from nova_container import errors
from nova_container.engine import mounting, validate
from nova_container.engine.fake import faults, files
from nova_container.engine.fake.container import VOLUMES, Container, Table
from nova_container.engine.fake.images import FakeImages
from nova_container.engine.spec import Mount
from nova_container.engine.volume import Volume, VolumeInfo


@dataclasses.dataclass(slots=True)
class FakeVolume:
    """A volume and its files."""

    spec: Volume
    tree: files.Tree = dataclasses.field(default_factory=files.Tree)
    created_at: float = dataclasses.field(default_factory=time.time)


class FakeVolumes(FakeImages):
    """Volumes by name."""

    def __init__(self) -> None:
        super().__init__()
        self.containers = Table()
        self._volumes: dict[str, FakeVolume] = {}

    @faults.verb
    def create_volume(self, volume: Volume) -> VolumeInfo:
        with self.changed:
            volume = mounting.named(volume)
            found = self._ensure_volume(volume)
            if found.spec.options != volume.options:
                raise errors.AlreadyExists(f'The volume {volume.name} exists with other options')
            return self._volume_info(found)

    def _ensure_volume(self, volume: Volume) -> FakeVolume:
        validate.check_volume(volume)
        if volume.driver not in ('', 'local'):
            raise errors.Unsupported(f'The volume driver {volume.driver!r} is not here: only local is')
        if volume.name not in self._volumes:
            self._volumes[volume.name] = FakeVolume(dataclasses.replace(volume, driver='local'))
            self.journal.publish('volume', 'create', volume.name, {'driver': 'local'})
        return self._volumes[volume.name]

    @faults.verb
    def inspect_volume(self, name: str) -> VolumeInfo:
        with self.changed:
            if name not in self._volumes:
                raise errors.VolumeNotFound(name)
            return self._volume_info(self._volumes[name])

    @faults.verb
    def list_volumes(self, *, sizes: bool = False) -> tuple[VolumeInfo, ...]:
        with self.changed:
            return tuple(dataclasses.replace(
                self._volume_info(volume), size_bytes=volume.tree.size_bytes if sizes else None)
                for _, volume in sorted(self._volumes.items()))

    @faults.verb
    def remove_volume(self, name: str, *, force: bool = False) -> None:
        with self.changed:
            if users := self._volume_users(name):
                raise errors.WrongState(f'The volume {name} is in use by container {users[0][:12]}')
            if self._volumes.pop(name, None):
                self.journal.publish('volume', 'destroy', name, {'driver': 'local'})

    @faults.verb
    def prune_volumes(self, *, all_unused: bool = False) -> tuple[tuple[str, ...], int]:
        with self.changed:
            gone = {name: volume.tree.size_bytes for name, volume in self._volumes.items()
                    if not self._volume_users(name) and (all_unused or self._volume_info(volume).anonymous)}
            for name in gone:
                self.remove_volume(name)
            return tuple(gone), sum(gone.values())

    def mount_volume(self, container: Container, mount: Mount) -> None:
        """Have the volume, filled from the image if it is empty, and show it in the container's tree."""
        volume = self._ensure_volume(mount.volume or Volume(name=mount.source))
        if mount.subpath:
            raise errors.Unsupported('The fake mounts whole volumes only')
        if volume.tree.is_empty and not mount.no_copy and container.tree.is_folder(mount.target):
            volume.tree.become(container.tree.below(mount.target))
        container.tree.mount(mount.target, volume.tree)

    def drop_anonymous(self, container: Container) -> None:
        """Remove the volumes that nobody named, and that only this container used."""
        for name in mounting.volumes(container.mounts):
            known = self._volumes.get(name)
            if known and self._volume_info(known).anonymous and not self._volume_users(name):
                self.remove_volume(name)

    def _volume_users(self, name: str) -> tuple[str, ...]:
        return tuple(sorted(container.id for container in self.containers.all()
                            if name in mounting.volumes(container.mounts)))

    def _volume_info(self, volume: FakeVolume) -> VolumeInfo:
        return VolumeInfo(spec=volume.spec, mountpoint=f'{VOLUMES}/{volume.spec.name}/_data',
                          created_at=volume.created_at, used_by=self._volume_users(volume.spec.name))
