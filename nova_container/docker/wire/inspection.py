# SPDX-License-Identifier: Apache-2.0
"""Containers as they are <-> the body of GET /containers/{id}/json."""

import posixpath

from nova_container.docker.wire import container, health, network, networks, ports, units
from nova_container.docker.wire import resources as limits
from nova_container.docker.wire.document import Document, Json
from nova_container.engine import spec as specs
from nova_container.engine import state
from nova_container.engine.volume import Volume

_OTHER_WORDS = {'dead': state.Status.STOPPED, 'removing': state.Status.STOPPED}
"""Docker's further words."""
_ETC = {'ResolvConfPath': 'resolv.conf', 'HostnamePath': 'hostname', 'HostsPath': 'hosts'}


def inspect_body(info: state.ContainerInfo, argv: tuple[str, ...] = (), driver: str = '') -> Json:
    """The whole body. ``argv`` is the command as resolved with the image's, for ``Path`` and ``Args``."""
    entrypoint = info.spec.process.entrypoint
    return {
        'Id': info.id, 'Created': units.timestamp_of(info.created_at), 'Path': argv[0] if argv else '',
        'Args': list(argv[1:]), 'State': state_body(info), 'Image': info.image_id,
        **{key: f'{info.etc_dir}/{name}' if info.etc_dir else '' for key, name in _ETC.items()},
        'LogPath': info.log_path or '', 'Name': f'/{info.name}',
        'RestartCount': info.restart_count, 'Driver': driver, 'Platform': 'linux', 'MountLabel': '',
        'ProcessLabel': '', 'AppArmorProfile': '', 'ExecIDs': list(info.exec_ids) or None,
        'HostConfig': _host_config(info.spec), 'GraphDriver': {'Name': driver, 'Data': None},
        'Mounts': mount_points(info.mounts),
        'Config': {'Env': [], 'Cmd': None, 'Entrypoint': None, 'User': '', 'WorkingDir': '', 'Volumes': None,
                   'OnBuild': None} | container.config_body(info.spec) | {
                       'Entrypoint': list(entrypoint or ()) or None},
        'NetworkSettings': {'SandboxID': '', 'SandboxKey': info.network_namespace or '', 'Bridge': '',
                            'Ports': ports.published_body(info.spec.exposed_ports if info.status.alive else (),
                                                          info.ports),
                            'Networks': networks.settings_body(info), **networks.legacy_body(info)},
        'NovaContainer': {'EndpointsConfig': network.endpoints_body(info.spec.network),
                          'Entrypoint': None if entrypoint is None else list(entrypoint)},
    }


def state_body(info: state.ContainerInfo) -> Json:
    ended = info.exit
    return ({} if info.health is None else {'Health': health.health_body(info.health)}) | {
        'Status': info.status.value, 'Running': info.status.active,
        'Paused': info.status is state.Status.PAUSED, 'Restarting': info.status is state.Status.RESTARTING,
        'OOMKilled': bool(ended and ended.oom_killed), 'Dead': False, 'Pid': info.pid or 0,
        'ExitCode': ended.code if ended else 0, 'Error': ended.error if ended else '',
        'StartedAt': units.timestamp_of(info.started_at),
        'FinishedAt': units.timestamp_of(ended.finished_at if ended else None),
    }


def info_of(fields: object) -> state.ContainerInfo:
    """The container an inspect body describes."""
    body = Document(fields)
    config, host = _config(body), body.document('HostConfig')
    now = body.document('State')
    return state.ContainerInfo(
        id=body.text('Id'), spec=container.spec_of(body.text('Name').removeprefix('/'), config, host, _wanted(body)),
        status=_status_of(now.text('Status')), image_id=body.text('Image'), pid=now.positive('Pid'),
        created_at=units.seconds_of(body.text('Created')) or 0.0,
        started_at=units.seconds_of(now.text('StartedAt')), exit=_exit_of(now),
        restart_count=body.integer('RestartCount') or 0,
        network_namespace=body.document('NetworkSettings').text('SandboxKey') or None,
        log_path=body.text('LogPath') or None, etc_dir=posixpath.dirname(body.text('HostsPath')) or None,
        exec_ids=body.texts('ExecIDs'),
        endpoints=networks.endpoints_of(body),
        ports=ports.published_of(body.document('NetworkSettings').document('Ports')),
        mounts=_mounts_of(body), health=health.health_of(now))


def _config(body: Document) -> Document:
    """``Config`` with the entry point as it was asked for: Docker shows no difference between none and an empty one."""
    fields = body.document('Config').fields
    if body.has('NovaContainer'):
        asked = body.document('NovaContainer').texts_or_none('Entrypoint')
        fields = fields | {'Entrypoint': [''] if asked == () else asked if asked is None else list(asked)}
    return Document(fields, 'Config')


def _status_of(text: str) -> state.Status:
    return _OTHER_WORDS.get(text) or state.Status(text)


def _exit_of(now: Document) -> state.ExitInfo | None:
    finished_at = units.seconds_of(now.text('FinishedAt'))
    if finished_at is None:
        return None
    return state.ExitInfo(code=now.integer('ExitCode') or 0, oom_killed=bool(now.flag('OOMKilled')),
                          finished_at=finished_at, error=now.text('Error'))


def _wanted(body: Document) -> Document:
    """What the container asked of networks, which our own server tells; of another Docker, what it has."""
    if body.has('NovaContainer'):
        return body.document('NovaContainer').document('EndpointsConfig')
    mode = body.document('HostConfig').text('NetworkMode')
    wanted = network.endpoints_body(specs.NetworkSpec(endpoints=tuple(
        each.wanted for each in networks.endpoints_of(body) if each.wanted is not None)))
    return Document({} if mode in ('none', 'host') else wanted)


def mount_points(mounts: tuple[specs.Mount, ...]) -> list[Json]:
    """What is mounted, as ``Mounts`` of an answer tell it."""
    return [_mount_point(mount) for mount in mounts]


def _mount_point(mount: specs.Mount) -> Json:
    body: Json = {'Type': mount.kind.value, 'Source': mount.source, 'Destination': mount.target, 'Mode': '',
                  'RW': not mount.read_only,
                  'Propagation': mount.propagation if mount.kind is specs.MountKind.BIND else ''}
    if mount.kind is specs.MountKind.VOLUME and mount.volume is not None:
        body |= {'Name': mount.volume.name, 'Driver': mount.volume.driver}
    return body


def _mounts_of(body: Document) -> tuple[specs.Mount, ...]:
    known = {kind.value: kind for kind in specs.MountKind}
    return tuple(specs.Mount(
        kind=known[item.text('Type')], source=item.text('Source'), target=item.text('Destination'),
        read_only=not item.flag('RW'), propagation=item.text('Propagation') or 'rprivate',
        volume=Volume(name=item.text('Name'), driver=item.text('Driver')) if item.text('Type') == 'volume' else None)
        for item in body.documents('Mounts') if item.text('Type') in known)


def _host_config(spec: specs.ContainerSpec) -> Json:
    host = container.host_config_body(spec)
    options = [option for option in host['SecurityOpt'] if option != 'no-new-privileges:false'] or None
    return {**_UNSET, **host, **_cpu_time(spec.resources), 'SecurityOpt': options}


def _cpu_time(resources: specs.Resources) -> Json:
    """Quota of Docker's own period is what a client gets that asked for a number of CPUs."""
    quota_us, period_us = resources.cpu_quota_us, resources.cpu_period_us
    if quota_us is None or period_us != limits.CPU_PERIOD_US:
        return {}
    return {'NanoCpus': quota_us * 1_000_000_000 // period_us, 'CpuQuota': 0, 'CpuPeriod': 0}


_UNSET: Json = {
    **dict.fromkeys(('ContainerIDFile', 'VolumeDriver', 'Cgroup', 'PidMode', 'UTSMode', 'UsernsMode', 'CgroupnsMode',
                     'CgroupParent', 'Runtime', 'Isolation', 'CpusetCpus', 'CpusetMems'), ''),
    **dict.fromkeys(('OomScoreAdj', 'CpuShares', 'Memory', 'NanoCpus', 'BlkioWeight', 'CpuPeriod', 'CpuQuota',
                     'CpuRealtimePeriod', 'CpuRealtimeRuntime', 'MemoryReservation', 'MemorySwap', 'CpuCount',
                     'CpuPercent', 'IOMaximumIOps', 'IOMaximumBandwidth'), 0),
    **dict.fromkeys(('AutoRemove', 'Privileged', 'PublishAllPorts', 'ReadonlyRootfs', 'OomKillDisable'), False),
    **dict.fromkeys(('Binds', 'VolumesFrom', 'CapAdd', 'CapDrop', 'ExtraHosts', 'GroupAdd', 'Links', 'SecurityOpt',
                     'BlkioDeviceReadBps', 'BlkioDeviceWriteBps', 'BlkioDeviceReadIOps', 'BlkioDeviceWriteIOps',
                     'DeviceCgroupRules', 'DeviceRequests', 'MemorySwappiness', 'PidsLimit', 'Ulimits', 'MaskedPaths',
                     'ReadonlyPaths')),
    'PortBindings': {}, 'IpcMode': 'private', 'Dns': [], 'DnsOptions': [], 'DnsSearch': [], 'Devices': [],
    'BlkioWeightDevice': [], 'ConsoleSize': [0, 0],
}
"""HostConfig of one that asked for nothing: templates of scripts fail where a field is not there."""
