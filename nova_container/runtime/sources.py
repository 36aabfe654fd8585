# SPDX-License-Identifier: Apache-2.0
"""Where on the host the mounts of a container come from."""

import dataclasses
import os
from pathlib import Path

from nova_container import errors
from nova_container.engine.spec import Mount, MountKind
from nova_container.runtime.container import Container
from nova_container.runtime.parts import Parts


def as_binds(parts: Parts, container: Container) -> tuple[Mount, ...]:
    """Its mounts as the OCI runtime takes them: binds and tmpfs."""
    binds = (Mount(kind=MountKind.BIND, source=str(of(parts, container, mount)), target=mount.target,
                   read_only=mount.read_only) if mount.kind is MountKind.VOLUME else mount
             for mount in container.record.mounted)
    return tuple(map(_flat, binds))


def _flat(bind: Mount) -> Mount:
    """Without what is said of mounts below, if the source has room for none: crun 1.8 fails on a file then."""
    if bind.kind is MountKind.BIND and not os.path.isdir(bind.source):
        return dataclasses.replace(bind, read_only_below=False)
    return bind


def of(parts: Parts, container: Container, mount: Mount) -> Path:
    """The folder of a volume, or of a part of it while the container is alive.

    :raises VolumeNotFound: it is gone.
    """
    if mount.subpath:
        return parts.folder(container).volumes / str(container.record.mounted.index(mount))
    return parts.volumes.folder(mount.source)


def shown(parts: Parts, container: Container) -> tuple[Mount, ...]:
    """Its mounts as they are told: ``source`` of a volume is its folder, '' if that is gone."""
    return tuple(_told(parts, mount) if mount.kind is MountKind.VOLUME else mount
                 for mount in container.record.mounted)


def _told(parts: Parts, mount: Mount) -> Mount:
    try:
        source = str(parts.volumes.folder(mount.source) / mount.subpath)
    except errors.VolumeNotFound:
        source = ''
    return dataclasses.replace(mount, source=source)
