# SPDX-License-Identifier: Apache-2.0
"""The contract between callers of containers and the engines that run them. No I/O, stdlib only."""

from nova_container.engine.base import ContainerOps, Engine, ImageOps, Session, SystemOps
from nova_container.engine.registry import BuildSpec, Credentials, Found, Progress, RegistryOps, RemoteImage
from nova_container.engine.spec import (
    CommitSpec, ContainerSpec, Device, ExecSpec, HealthCheck, LogLimits, LogQuery, Mount, MountKind, NetworkMode,
    NetworkSpec, ProcessSpec, Resources, RestartPolicy, Security, Sharing, Throttle, Ulimit)
from nova_container.engine.state import (
    BlockUsage, Change, ChangeKind, ContainerInfo, EngineInfo, Event, ExecInfo, ExecResult, ExitInfo, Feature,
    FileStat, Health, ImageInfo, InterfaceUsage, LogChunk, Probe, ProcessRow, Status, StreamName, Usage)

__all__ = [
    'BlockUsage', 'BuildSpec', 'Change', 'ChangeKind', 'CommitSpec', 'ContainerInfo', 'ContainerOps',
    'ContainerSpec', 'Credentials', 'Device', 'Engine', 'EngineInfo', 'Event', 'ExecInfo', 'ExecResult', 'ExecSpec',
    'ExitInfo', 'Feature', 'FileStat', 'Found', 'Health', 'HealthCheck', 'ImageInfo', 'ImageOps', 'InterfaceUsage',
    'LogChunk', 'LogLimits', 'LogQuery', 'Mount', 'MountKind', 'NetworkMode', 'NetworkSpec', 'Probe', 'ProcessRow',
    'ProcessSpec', 'Progress', 'RegistryOps', 'RemoteImage', 'Resources', 'RestartPolicy', 'Security', 'Session',
    'Sharing', 'Status', 'StreamName', 'SystemOps', 'Throttle', 'Ulimit', 'Usage',
]
