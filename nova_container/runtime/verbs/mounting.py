# SPDX-License-Identifier: Apache-2.0
"""The mounts of a container through its life: volumes made and filled at create, mounted while it is alive."""

import contextlib
import dataclasses
import logging
import os
from collections.abc import Iterable

from nova_container import errors
from nova_container.engine import mounting, validate
from nova_container.engine.spec import MountKind
from nova_container.engine.volume import Volume
from nova_container.host import mounts
from nova_container.runtime import shared, sources
from nova_container.runtime.container import Container
from nova_container.runtime.parts import Parts
from nova_container.runtime.records import ContainerRecord

LOG = logging.getLogger(__name__)


def register(parts: Parts, record: ContainerRecord) -> Container:
    """Add the record of a new container with all its mounts, so that from now on its volumes are in use."""
    image_volumes: Iterable[str] = parts.images.config_of(record.image_id).get('Volumes') or ()
    with parts.volumes.lock:
        found = mounting.resolve(record.spec, image_volumes,
                                 lambda name: parts.register.get(name).record.mounted)
        validate.check_mounts(dataclasses.replace(record.spec, mounts=found))
        return parts.register.add(dataclasses.replace(record, mounts=found))


def provide(parts: Parts, container: Container, fresh: list[str]) -> None:
    """Make what is not there: volumes, filled from the image, and folders on the host.

    The names of volumes that it makes go into ``fresh``.

    :raises InvalidSpec: a folder of the host is missing and is not to be made.
    """
    make_sources(container)
    for mount in container.record.mounted:
        if mount.kind is not MountKind.VOLUME:
            continue
        if _ensure(parts, mount.volume or Volume(name=mount.source)):
            fresh.append(mount.source)
        if not (mount.no_copy or mount.subpath):
            parts.volumes.fill(mount.source, parts.folder(container).root, mount.target)
    deactivate(parts, mounting.volumes(container.record.mounted))


def _ensure(parts: Parts, volume: Volume) -> bool:
    """Whether it was made now."""
    made = parts.volumes.ensure(volume, exact=bool(volume.options))
    if made:
        parts.events.publish('volume', 'create', volume.name, {'driver': 'local'})
    return made


def take_back(parts: Parts, fresh: Iterable[str]) -> None:
    """After a create that failed: remove the volumes that were made for it, unless others use them by now."""
    for name in fresh:
        remove_if_unused(parts, name)


def make_sources(container: Container) -> None:
    """Folders of the host that a bind is to make. :raises InvalidSpec: one is missing that is not to be made."""
    for mount in container.record.mounted:
        if mount.kind is MountKind.BIND and not os.path.lexists(mount.source):
            if not mount.make_source:
                raise errors.InvalidSpec(f'mounts: bind source path does not exist: {mount.source[:256]}')
            os.makedirs(mount.source, mode=0o755, exist_ok=True)


def make_ready(parts: Parts, container: Container) -> None:
    """Before a start: mount what options of volumes say, and bind what is inside of volumes."""
    make_sources(container)
    shared.make_ready(parts, container)
    for mount in container.record.mounted:
        if mount.kind is not MountKind.VOLUME:
            continue
        _ensure(parts, mount.volume or Volume(name=mount.source))
        parts.volumes.activate(mount.source)
        if mount.subpath:
            parts.volumes.bind_below(mount.source, mount.subpath, sources.of(parts, container, mount))
        container.volumes_in_use.append(mount.source)
        parts.events.publish('volume', 'mount', mount.source, {
            'driver': 'local', 'container': container.id, 'destination': mount.target,
            'read/write': 'false' if mount.read_only else 'true', 'propagation': ''})


def release(parts: Parts, container: Container) -> None:
    """After the end of a run: unmount what no living container needs. Repeatable; what cannot be now, is later."""
    with contextlib.suppress(errors.HostFailure):
        for mount in parts.folder(container).mounted():
            mounts.unmount(mount, detach=True)
    told, container.volumes_in_use = container.volumes_in_use, []
    for name in told:
        parts.events.publish('volume', 'unmount', name, {'driver': 'local', 'container': container.id})
    if names := mounting.volumes(container.record.mounted):
        deactivate(parts, names)


def take_up(container: Container) -> None:
    """Of one that an earlier engine started: what it uses."""
    container.volumes_in_use = list(mounting.volumes(container.record.mounted))


def deactivate(parts: Parts, names: Iterable[str]) -> None:
    """Unmount what the options of these volumes mounted, but for those that a living container uses."""
    with parts.volumes.lock:
        needed = {name for container in parts.register.all() if container.status.alive
                  for name in mounting.volumes(container.record.mounted)}
        for name in set(names) - needed:
            with contextlib.suppress(errors.VolumeNotFound):
                parts.volumes.deactivate(name)


def deactivate_unused(parts: Parts) -> None:
    """At start-up: unmount what was left by an engine that was cut off."""
    deactivate(parts, [record.spec.name for record in parts.volumes.all()])


def give_back(parts: Parts, container: Container, *, volumes: bool) -> None:
    """Forget the container and, with ``volumes``, remove the anonymous volumes that only it used."""
    with parts.volumes.lock:
        if volumes:
            for name in mounting.volumes(container.record.mounted):
                with contextlib.suppress(errors.VolumeNotFound):
                    if parts.volumes.get(name).anonymous and users(parts, name) <= {container.id}:
                        _remove(parts, name)
        parts.register.forget(container)


def remove_if_unused(parts: Parts, name: str) -> bool:
    """Whether it was removed; False if there is none, or a container uses it."""
    with parts.volumes.lock:
        if users(parts, name) or not parts.volumes.has(name):
            return False
        _remove(parts, name)
        return True


def _remove(parts: Parts, name: str) -> None:
    parts.volumes.remove(name)
    parts.events.publish('volume', 'destroy', name, {'driver': 'local'})


def users(parts: Parts, name: str) -> set[str]:
    """Ids of the containers that use a volume, alive or not."""
    return {container.id for container in parts.register.all()
            if name in mounting.volumes(container.record.mounted)}
