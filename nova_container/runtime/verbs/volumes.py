# SPDX-License-Identifier: Apache-2.0
"""Make, show, list, remove and prune volumes."""

from nova_container import errors
from nova_container.engine import mounting as mounts
from nova_container.engine.volume import Volume, VolumeInfo
from nova_container.runtime.parts import Parts
from nova_container.runtime.verbs import mounting


def create(parts: Parts, volume: Volume) -> VolumeInfo:
    """See ``VolumeOps.create_volume``."""
    volume = mounts.named(volume)
    with parts.volumes.lock:
        if parts.volumes.ensure(volume):
            parts.events.publish('volume', 'create', volume.name, {'driver': 'local'})
        return inspect(parts, volume.name)


def inspect(parts: Parts, name: str) -> VolumeInfo:
    """See ``VolumeOps.inspect_volume``."""
    record = parts.volumes.get(name)
    return VolumeInfo(spec=record.spec, mountpoint=str(parts.volumes.folder(name)), created_at=record.created_at,
                      used_by=tuple(sorted(mounting.users(parts, name))))


def select(parts: Parts, *, sizes: bool) -> tuple[VolumeInfo, ...]:
    """See ``VolumeOps.list_volumes``."""
    used: dict[str, list[str]] = {}
    for container in parts.register.all():
        for name in mounts.volumes(container.record.mounted):
            used.setdefault(name, []).append(container.id)
    found = []
    for record in parts.volumes.all():
        name = record.spec.name
        try:
            found.append(VolumeInfo(
                spec=record.spec, mountpoint=str(parts.volumes.folder(name)), created_at=record.created_at,
                size_bytes=parts.volumes.size(name) if sizes else None, used_by=tuple(sorted(used.get(name, ())))))
        except errors.VolumeNotFound:  # it went meanwhile
            continue
    return tuple(found)


def remove(parts: Parts, name: str) -> None:
    """See ``VolumeOps.remove_volume``."""
    if not mounting.remove_if_unused(parts, name) and (using := sorted(mounting.users(parts, name))):
        raise errors.WrongState(f'The volume {name} is in use by container {using[0][:12]}: remove that first')


def prune(parts: Parts, *, all_unused: bool) -> tuple[tuple[str, ...], int]:
    """See ``VolumeOps.prune_volumes``."""
    gone, freed = [], 0
    for record in parts.volumes.all():
        name = record.spec.name
        if (all_unused or record.anonymous) and not mounting.users(parts, name):
            size = parts.volumes.size(name) or 0
            if mounting.remove_if_unused(parts, name):
                gone.append(name)
                freed += size
    parts.events.publish('volume', 'prune', '', {'reclaimed': str(freed)})
    return tuple(gone), freed
