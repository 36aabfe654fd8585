# SPDX-License-Identifier: Apache-2.0
"""Volumes <-> the bodies of /volumes, and mounts of them <-> one of HostConfig.Mounts."""

from nova_container import errors
from nova_container.docker.wire import fields, units
from nova_container.docker.wire.document import Document, Json, without_none
from nova_container.engine.spec import Mount, MountKind
from nova_container.engine.volume import Volume, VolumeInfo

_LOCAL = 'local'


def create_body(volume: Volume) -> Json:
    """The body of POST /volumes/create."""
    return {'Name': volume.name, 'Driver': volume.driver, 'DriverOpts': dict(volume.options),
            'Labels': dict(volume.labels)}


def requested_volume(fields_of_body: object) -> Volume:
    """The volume that a request asks for. :raises InvalidSpec: :raises Unsupported: a field that is not honoured."""
    body = Document(fields_of_body)
    fields.check(body, fields.VOLUME)
    return Volume(name=body.text('Name'), driver=body.text('Driver') or _LOCAL, options=body.mapping('DriverOpts'),
                  labels=body.mapping('Labels'))


def volume_body(info: VolumeInfo, *, counted: bool = False) -> Json:
    """A volume as it is, with its use if that was ``counted``. ``UsedBy`` is ours."""
    usage = {'Size': -1 if info.size_bytes is None else info.size_bytes, 'RefCount': len(info.used_by)}
    body = {'Name': info.spec.name, 'Driver': info.spec.driver, 'Mountpoint': info.mountpoint, 'Scope': 'local',
            'CreatedAt': units.timestamp_of(info.created_at), 'Labels': dict(info.spec.labels) or None,
            'Options': dict(info.spec.options) or None, 'UsedBy': list(info.used_by)}
    return body | {'UsageData': usage} if counted else body


def volume_of(fields_of_body: object, used_by: tuple[str, ...] = ()) -> VolumeInfo:
    """The volume that a body describes; ``used_by`` if the engine does not tell it."""
    body = Document(fields_of_body)
    size = body.document('UsageData').integer('Size')
    return VolumeInfo(
        spec=Volume(name=body.text('Name'), driver=body.text('Driver'), options=body.mapping('Options'),
                    labels=body.mapping('Labels')),
        mountpoint=body.text('Mountpoint'), created_at=units.seconds_of(body.text('CreatedAt')) or 0.0,
        size_bytes=None if size is None or size < 0 else size, used_by=body.texts('UsedBy') or used_by)


def mount_body(mount: Mount) -> Json:
    """One of ``Mounts``, of type volume."""
    volume = mount.volume or Volume()
    driver = {'Name': volume.driver, 'Options': dict(volume.options)} if (
        volume.options or volume.driver != _LOCAL) else None
    return {'Type': MountKind.VOLUME.value, 'Source': mount.source, 'Target': mount.target,
            'ReadOnly': mount.read_only, 'VolumeOptions': without_none({
                'NoCopy': mount.no_copy, 'Labels': dict(volume.labels) or None, 'DriverConfig': driver,
                'Subpath': mount.subpath or None})}


def mount_of(item: Document, *, strict: bool) -> Mount:
    """The mount that one of ``Mounts`` asks for.

    :raises Unsupported: options of another kind of mount.
    """
    options = item.document('VolumeOptions')
    driver = options.document('DriverConfig')
    if strict:
        fields.check(options, fields.VOLUME_OPTIONS)
        for other in ('BindOptions', 'TmpfsOptions'):
            if item.document(other).fields:
                raise errors.InvalidSpec(f'{item.path(other)} does not go with Type volume')
    made = Volume(driver=driver.text('Name') or _LOCAL, options=driver.mapping('Options'),
                  labels=options.mapping('Labels'))
    return Mount(
        kind=MountKind.VOLUME, source=item.text('Source'), target=item.text('Target'),
        read_only=bool(item.flag('ReadOnly')), no_copy=bool(options.flag('NoCopy')),
        subpath=options.text('Subpath'), volume=None if made == Volume() else made)
