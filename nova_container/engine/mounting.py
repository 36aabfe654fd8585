# SPDX-License-Identifier: Apache-2.0
"""What a container has mounted in the end: its own mounts, those of other containers, and the image's volumes. Pure."""

import dataclasses
import secrets
from collections.abc import Callable, Iterable

from nova_container import errors
from nova_container.engine.spec import ContainerSpec, Mount, MountKind
from nova_container.engine.volume import ANONYMOUS, Volume

MountsOf = Callable[[str], Iterable[Mount]]
"""The mounts of another container, as ``resolve`` made them. :raises ContainerNotFound:"""


def resolve(spec: ContainerSpec, image_volumes: Iterable[str], mounts_of: MountsOf) -> tuple[Mount, ...]:
    """All mounts, each volume with a name: in ``source``, and in ``volume`` what to make if there is none.

    By Docker's order (moby ``daemon/volumes.go``): what the spec mounts itself goes before what it takes from others,
    and both before volumes of the image.

    :raises InvalidSpec: an entry of ``volumes_from`` is wrong.
    """
    found: dict[str, Mount] = {}
    for entry in spec.volumes_from:
        name, read_only = _taken(entry)
        for mount in mounts_of(name):
            if mount.kind is not MountKind.TMPFS:
                found[mount.target] = dataclasses.replace(mount, read_only=mount.read_only or read_only, no_copy=True)
    for mount in spec.mounts:
        found[mount.target] = _named(mount)
    for target in (*spec.volumes, *image_volumes):
        if _normal(target) not in found:
            found[_normal(target)] = _named(Mount(kind=MountKind.VOLUME, target=_normal(target)))
    return tuple(found.values())


def volumes(mounts: Iterable[Mount]) -> tuple[str, ...]:
    """Names of the volumes among resolved mounts."""
    return tuple(dict.fromkeys(mount.source for mount in mounts if mount.kind is MountKind.VOLUME))


def new_name() -> str:
    """A name for a volume that nobody named."""
    return secrets.token_hex(32)


def named(volume: Volume) -> Volume:
    """The volume with a name, and marked as anonymous if it had none."""
    if volume.name:
        return volume
    return dataclasses.replace(volume, name=new_name(), labels={**volume.labels, ANONYMOUS: ''})


def _named(mount: Mount) -> Mount:
    if mount.kind is not MountKind.VOLUME:
        return mount
    volume = named(dataclasses.replace(mount.volume or Volume(), name=mount.source))
    return dataclasses.replace(mount, source=volume.name, volume=volume)


def _taken(entry: str) -> tuple[str, bool]:
    name, _, mode = entry.partition(':')
    if not name or mode not in ('', 'ro', 'rw'):
        raise errors.InvalidSpec(f'volumes_from: {entry[:80]!r} must be a container, or CONTAINER:ro')
    return name, mode == 'ro'


def _normal(target: str) -> str:
    return '/' + '/'.join(part for part in target.split('/') if part not in ('', '.'))
