# SPDX-License-Identifier: Apache-2.0
"""Every field of a container create body: honoured, or accepted only with its default.

The fields are those of API 1.24 to 1.51 (moby ``api/swagger.yaml``), and of the ``docker`` SDK 7. What
is neither honoured nor at its default is refused with a sentence, and so is a field nobody knows.
"""

from collections.abc import Mapping

from nova_container import errors
from nova_container.docker.wire.document import Document

_HONOURED = None
_CLIENT_ONLY = 'client'
"""The daemon has no use for it: it tells what the client will do with its own files and terminal."""

CONFIG: Mapping[str, object] = {
    'Hostname': _HONOURED, 'Domainname': _HONOURED, 'User': _HONOURED, 'Tty': _HONOURED, 'OpenStdin': _HONOURED,
    'StdinOnce': _HONOURED, 'Env': _HONOURED, 'Cmd': _HONOURED, 'Entrypoint': _HONOURED, 'Image': _HONOURED,
    'WorkingDir': _HONOURED, 'Labels': _HONOURED, 'StopSignal': _HONOURED, 'StopTimeout': _HONOURED,
    'HostConfig': _HONOURED, 'NetworkingConfig': _HONOURED, 'Healthcheck': _HONOURED,
    'AttachStdin': _CLIENT_ONLY, 'AttachStdout': _CLIENT_ONLY, 'AttachStderr': _CLIENT_ONLY,
    'ExposedPorts': _HONOURED,
    'Volumes': _HONOURED, 'NetworkDisabled': _HONOURED, 'OnBuild': _HONOURED, 'Shell': _HONOURED, 'ArgsEscaped': (),
    'MacAddress': _HONOURED, 'Runtime': (),
}
"""The top level. A tuple holds the values accepted beside the empty ones."""

HOST_CONFIG: Mapping[str, object] = {
    'Memory': _HONOURED, 'MemoryReservation': _HONOURED, 'MemorySwap': _HONOURED, 'MemorySwappiness': _HONOURED,
    'OomKillDisable': _HONOURED, 'OomScoreAdj': _HONOURED, 'CpuShares': _HONOURED, 'CpuPeriod': _HONOURED,
    'CpuQuota': _HONOURED, 'NanoCpus': _HONOURED, 'CpusetCpus': _HONOURED, 'CpusetMems': _HONOURED,
    'PidsLimit': _HONOURED, 'BlkioWeight': _HONOURED, 'BlkioDeviceReadBps': _HONOURED,
    'BlkioDeviceWriteBps': _HONOURED, 'BlkioDeviceReadIOps': _HONOURED, 'BlkioDeviceWriteIOps': _HONOURED,
    'Ulimits': _HONOURED, 'StorageOpt': _HONOURED, 'ShmSize': _HONOURED, 'Binds': _HONOURED, 'Mounts': _HONOURED,
    'Tmpfs': _HONOURED, 'Devices': _HONOURED, 'CapAdd': _HONOURED, 'CapDrop': _HONOURED, 'Privileged': _HONOURED,
    'SecurityOpt': _HONOURED, 'ReadonlyRootfs': _HONOURED, 'MaskedPaths': _HONOURED, 'ReadonlyPaths': _HONOURED,
    'GroupAdd': _HONOURED, 'NetworkMode': _HONOURED, 'Dns': _HONOURED, 'DnsSearch': _HONOURED,
    'DnsOptions': _HONOURED, 'ExtraHosts': _HONOURED, 'RestartPolicy': _HONOURED, 'AutoRemove': _HONOURED,
    'LogConfig': _HONOURED, 'Init': _HONOURED, 'Sysctls': _HONOURED,
    'ConsoleSize': _CLIENT_ONLY, 'ContainerIDFile': _CLIENT_ONLY,
    'Annotations': _HONOURED, 'BlkioWeightDevice': _HONOURED, 'Capabilities': (), 'Cgroup': (),
    'CgroupParent': _HONOURED, 'CgroupnsMode': _HONOURED, 'CpuCount': (), 'CpuPercent': (),
    'CpuRealtimePeriod': _HONOURED, 'CpuRealtimeRuntime': _HONOURED, 'DeviceCgroupRules': _HONOURED,
    'DeviceRequests': (), 'DiskQuota': (),
    'IOMaximumBandwidth': (), 'IOMaximumIOps': (), 'IpcMode': _HONOURED, 'Isolation': ('default',),
    'KernelMemory': (), 'KernelMemoryTCP': (), 'Links': _HONOURED,
    'PidMode': _HONOURED, 'PortBindings': _HONOURED,
    'PublishAllPorts': _HONOURED, 'Runtime': _HONOURED, 'UTSMode': _HONOURED, 'UsernsMode': _HONOURED,
    'VolumeDriver': ('local',), 'VolumesFrom': _HONOURED,
}
"""The same for HostConfig."""

BIND_OPTIONS: Mapping[str, object] = {
    'Propagation': _HONOURED, 'Options': _HONOURED, 'NonRecursive': _HONOURED, 'CreateMountpoint': _HONOURED,
    'ReadOnlyNonRecursive': _HONOURED, 'ReadOnlyForceRecursive': (True,),
}
VOLUME_OPTIONS: Mapping[str, object] = {
    'NoCopy': _HONOURED, 'Labels': _HONOURED, 'DriverConfig': _HONOURED, 'Subpath': _HONOURED,
}
TMPFS_OPTIONS: Mapping[str, object] = {'SizeBytes': _HONOURED, 'Mode': _HONOURED, 'Options': _HONOURED}
MOUNT: Mapping[str, object] = {
    'Target': _HONOURED, 'Source': _HONOURED, 'Type': _HONOURED, 'ReadOnly': _HONOURED, 'BindOptions': _HONOURED,
    'TmpfsOptions': _HONOURED, 'Consistency': _CLIENT_ONLY, 'VolumeOptions': _HONOURED, 'ImageOptions': (),
    'ClusterOptions': (),
}
HEALTH: Mapping[str, object] = {
    'Test': _HONOURED, 'Interval': _HONOURED, 'Timeout': _HONOURED, 'StartPeriod': _HONOURED,
    'StartInterval': _HONOURED, 'Retries': _HONOURED,
}
VOLUME: Mapping[str, object] = {
    'Name': _HONOURED, 'Driver': _HONOURED, 'DriverOpts': _HONOURED, 'Labels': _HONOURED, 'ClusterVolumeSpec': (),
}
"""The fields of a volume create body."""
UPDATE: Mapping[str, object] = {
    name: rule for name, rule in HOST_CONFIG.items()
    if rule != _HONOURED or name in {
        'Memory', 'MemoryReservation', 'MemorySwap', 'MemorySwappiness', 'OomKillDisable', 'CpuShares', 'CpuPeriod',
        'CpuQuota', 'NanoCpus', 'CpusetCpus', 'CpusetMems', 'PidsLimit', 'BlkioWeight', 'BlkioDeviceReadBps',
        'BlkioDeviceWriteBps', 'BlkioDeviceReadIOps', 'BlkioDeviceWriteIOps', 'RestartPolicy',
        'BlkioWeightDevice', 'CpuRealtimePeriod', 'CpuRealtimeRuntime'}
} | dict.fromkeys(('Devices', 'Ulimits', 'Init', 'CgroupParent', 'DeviceCgroupRules'), ())
"""The fields of an update body."""

_WINDOWS = 'it is for Windows only, so leave it out'
_KERNEL_MEMORY = 'Linux has no such limit any more, so use Memory'
_REASONS: Mapping[str, str] = {
    'CpuCount': f'{_WINDOWS}, or use NanoCpus', 'CpuPercent': f'{_WINDOWS}, or use NanoCpus',
    'IOMaximumBandwidth': f'{_WINDOWS}, or use BlkioDeviceReadBps', 'Isolation': _WINDOWS, 'ArgsEscaped': _WINDOWS,
    'IOMaximumIOps': f'{_WINDOWS}, or use BlkioDeviceReadIOps', 'KernelMemory': _KERNEL_MEMORY,
    'KernelMemoryTCP': _KERNEL_MEMORY, 'DeviceRequests': 'it has no device drivers, so name devices in Devices',
    'DiskQuota': 'use StorageOpt', 'Capabilities': 'use CapAdd and CapDrop', 'Cgroup': 'use CgroupParent',
    'VolumeDriver': 'only local is here',
    'ClusterVolumeSpec': 'it is in no cluster', 'ClusterOptions': 'it is in no cluster',
}
"""What to do instead, where there is something."""

EXEC: Mapping[str, object] = {
    'Cmd': _HONOURED, 'Env': _HONOURED, 'WorkingDir': _HONOURED, 'User': _HONOURED, 'Tty': _HONOURED,
    'AttachStdin': _HONOURED, 'AttachStdout': _HONOURED, 'AttachStderr': _HONOURED, 'Privileged': _HONOURED,
    'Detach': _CLIENT_ONLY, 'DetachKeys': _CLIENT_ONLY, 'ConsoleSize': _CLIENT_ONLY, 'Container': _CLIENT_ONLY,
    'ExecIDs': (),
}
"""The fields of an exec create body; the SDK repeats the container's id in it."""


EXEC_START: Mapping[str, object] = {'Detach': _HONOURED, 'Tty': _CLIENT_ONLY, 'ConsoleSize': _HONOURED}
"""The fields of an exec start body; whether there is a terminal, the exec itself knows."""


def check(document: Document, table: Mapping[str, object]) -> None:
    """Refuse what would otherwise be silently ignored, and spell names as the table does.

    Docker finds a field whatever the case of its letters, and libraries make use of that (docker-java: ``NanoCPUs``).

    :raises Unsupported: a field is unknown, or asks for something this engine does not do.
    """
    for name in list(document.fields):
        known = spelled(name, table)
        if known is not None and known != name:
            document.fields.setdefault(known, document.fields.pop(name))
    for name, value in document.fields.items():
        if name not in table:
            raise errors.Unsupported(f'{document.path(name)} is not a field this engine knows')
        accepted = table[name]
        if isinstance(accepted, tuple) and not is_empty(value) and value not in accepted:
            raise errors.Unsupported(f'{document.path(name)} is not supported by this engine: '
                                     f'{_REASONS.get(name, "leave it out")}')


def spelled(name: str, table: Mapping[str, object]) -> str | None:
    """The name as a table has it; None if that has none."""
    if name in table:
        return name
    return next((known for known in table if known.lower() == name.lower()), None)


def is_empty(value: object) -> bool:
    """Whether Go's zero value of a field, or null, was sent."""
    return not value
