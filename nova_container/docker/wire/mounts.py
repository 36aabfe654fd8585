# SPDX-License-Identifier: Apache-2.0
"""Mounts and devices <-> Binds, Mounts, Tmpfs and Devices of HostConfig."""

import re

from nova_container import errors
from nova_container.docker.wire import fields, units, volumes
from nova_container.docker.wire.document import Document, Json, without_none
from nova_container.engine import spec as specs

PROPAGATIONS = ('private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave')
_OCTAL = re.compile(r'[0-7]{1,5}')


def mount_body(mount: specs.Mount) -> Json:
    """One of ``Mounts``. ``BindOptions.Options`` is ours: Docker has no place for the options of a bind."""
    if mount.kind is specs.MountKind.VOLUME:
        return volumes.mount_body(mount)
    body: Json = {'Type': mount.kind.value, 'Target': mount.target, 'ReadOnly': mount.read_only}
    options = [option.split('=', 1) for option in mount.options] or None
    if mount.kind is specs.MountKind.BIND:
        return body | {'Source': mount.source,
                       'BindOptions': without_none({
                           'Propagation': mount.propagation, 'Options': options,
                           'CreateMountpoint': mount.make_source or None, 'NonRecursive': not mount.recursive or None,
                           'ReadOnlyNonRecursive': not mount.read_only_below or None})}
    return body | {'TmpfsOptions': without_none({'SizeBytes': mount.size_bytes, 'Mode': mount.mode,
                                                 'Options': options})}


def mounts_of(host: Document, *, strict: bool) -> tuple[specs.Mount, ...]:
    """All mounts of a HostConfig, in the order Mounts, Binds, Tmpfs.

    :param strict: refuse what is not supported (of a request); else leave it out (of an answer).
    :raises Unsupported: an option that has no meaning here.
    """
    found: list[specs.Mount] = []
    for item in host.documents('Mounts'):
        if strict:
            fields.check(item, fields.MOUNT)
        if item.text('Type') in ('bind', 'tmpfs'):
            found.append(_mount_of(item, strict=strict))
        elif item.text('Type') == 'volume':
            found.append(volumes.mount_of(item, strict=strict))
        elif strict:
            raise errors.Unsupported(f'{item.path("Type")} {item.text("Type")!r} is not supported: '
                                     'use bind, volume or tmpfs')
    found += [_bind_of(bind, host.path('Binds'), strict=strict) for bind in host.texts('Binds')]
    found += [_tmpfs_of(target, options, host.path(f'Tmpfs.{target}'))
              for target, options in host.mapping('Tmpfs').items()]
    return tuple(found)


def _mount_of(item: Document, *, strict: bool) -> specs.Mount:
    bind, tmpfs = item.document('BindOptions'), item.document('TmpfsOptions')
    if strict:
        fields.check(bind, fields.BIND_OPTIONS)
        fields.check(tmpfs, fields.TMPFS_OPTIONS)
    kind = specs.MountKind(item.text('Type'))
    return specs.Mount(
        kind=kind, target=item.text('Target'), source=item.text('Source'), read_only=bool(item.flag('ReadOnly')),
        propagation=bind.text('Propagation') or 'rprivate', size_bytes=tmpfs.positive('SizeBytes'),
        make_source=bool(bind.flag('CreateMountpoint')), recursive=not bind.flag('NonRecursive'),
        read_only_below=not bind.flag('ReadOnlyNonRecursive'),
        mode=tmpfs.positive('Mode'), options=_options_of(bind if kind is specs.MountKind.BIND else tmpfs))


def _options_of(item: Document) -> tuple[str, ...]:
    """Options are lists of one word or two (API 1.46)."""
    pairs = item.fields.get('Options') or []
    if not (isinstance(pairs, list)
            and all(isinstance(pair, list) and all(isinstance(word, str) for word in pair) for pair in pairs)):
        raise errors.InvalidSpec(f'{item.path("Options")} must be a list of lists of strings')
    return tuple('='.join(pair) for pair in pairs)


_NO_MATTER = ('consistent', 'cached', 'delegated', 'z', 'Z')
"""The first are of Docker Desktop; the others give files to containers by SELinux's labels, and ours have none."""


def _bind_of(bind: str, where: str, *, strict: bool) -> specs.Mount:
    """``/source:/target[:options]``; instead of the source a volume's name, or nothing, which is a new volume.

    A missing folder of the host is made.
    """
    source, _, rest = bind.partition(':')
    target, _, options = rest.partition(':')
    if source.startswith('/') and not target.startswith('/') and not options:
        source, target, options = '', source, target
    elif not source or not target.startswith('/'):
        raise errors.InvalidSpec(f'{where} {bind[:256]!r} must be /source:/target[:options]')
    read_only, propagation, no_copy = False, 'rprivate', False
    for option in filter(None, options.split(',')):
        if not source.startswith('/') and option in ('nocopy', 'copy'):
            no_copy = option == 'nocopy'
        elif option in PROPAGATIONS:
            propagation = option
        elif option in ('ro', 'rw'):
            read_only = option == 'ro'
        elif option not in _NO_MATTER and strict:
            raise errors.Unsupported(f'{where}: the option {option[:64]!r} of {bind[:256]!r} is not supported')
    if not source.startswith('/'):
        return specs.Mount(kind=specs.MountKind.VOLUME, source=source, target=target, read_only=read_only,
                           no_copy=no_copy)
    return specs.Mount(kind=specs.MountKind.BIND, source=source, target=target, read_only=read_only,
                       propagation=propagation, make_source=True)


def bind_body(mount: specs.Mount) -> str | None:
    """The entry of ``Binds`` that says all of a mount; None if none does."""
    if mount.kind is specs.MountKind.VOLUME:
        return _volume_bind(mount)
    is_whole = mount.make_source and mount.recursive and mount.read_only_below
    plain = is_whole and not mount.options and ':' not in f'{mount.source}{mount.target}'
    if mount.kind is not specs.MountKind.BIND or not plain:
        return None
    options = (*(['ro'] if mount.read_only else []), *([mount.propagation] if mount.propagation != 'rprivate' else []))
    return ':'.join((mount.source, mount.target, *([','.join(options)] if options else [])))


def _volume_bind(mount: specs.Mount) -> str | None:
    plain = specs.Mount(kind=mount.kind, source=mount.source, target=mount.target, read_only=mount.read_only,
                        no_copy=mount.no_copy)
    if not mount.source or mount != plain:
        return None
    options = ','.join(name for name, is_set in (('ro', mount.read_only), ('nocopy', mount.no_copy)) if is_set)
    return ':'.join(filter(None, (mount.source, mount.target, options)))


def tmpfs_options(mount: specs.Mount) -> str:
    """The mount(8) options of a tmpfs, as ``HostConfig.Tmpfs`` holds them."""
    size = () if mount.size_bytes is None else (f'size={mount.size_bytes}',)
    mode = () if mount.mode is None else (f'mode={mount.mode:o}',)
    return ','.join(('ro' if mount.read_only else 'rw', *size, *mode, *mount.options))


def _tmpfs_of(target: str, options: str, where: str) -> specs.Mount:
    read_only, size_bytes, mode, others = False, None, None, []
    for option in filter(None, options.split(',')):
        name, _, value = option.partition('=')
        if option in ('ro', 'rw'):
            read_only = option == 'ro'
        elif name == 'size':
            size_bytes = units.bytes_of(value, f'{where} size')
        elif name == 'mode' and _OCTAL.fullmatch(value):
            mode = int(value, 8)
        else:
            others.append(option)
    return specs.Mount(kind=specs.MountKind.TMPFS, target=target, read_only=read_only, size_bytes=size_bytes,
                       mode=mode, options=tuple(others))


def device_body(device: specs.Device) -> Json:
    return {'PathOnHost': device.path_on_host, 'PathInContainer': device.path_in_container,
            'CgroupPermissions': device.permissions}


def devices_of(host: Document) -> tuple[specs.Device, ...]:
    return tuple(specs.Device(path_on_host=item.text('PathOnHost'),
                              path_in_container=item.text('PathInContainer') or item.text('PathOnHost'),
                              permissions=item.text('CgroupPermissions') or 'rwm')
                 for item in host.documents('Devices'))
