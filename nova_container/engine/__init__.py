# SPDX-License-Identifier: Apache-2.0
"""The contract between callers of containers and the engines that run them. No I/O, stdlib only."""

from nova_container.engine.base import ContainerOps, Engine, ImageOps, Session, SystemOps
from nova_container.engine.spec import (
    CommitSpec, ContainerSpec, Device, ExecSpec, LogLimits, LogQuery, Mount, MountKind, NetworkMode, NetworkSpec,
    ProcessSpec, Resources, RestartPolicy, Security, Throttle, Ulimit)
from nova_container.engine.state import (
    BlockUsage, Change, ChangeKind, ContainerInfo, EngineInfo, Event, ExecInfo, ExecResult, ExitInfo, Feature,
    FileStat, ImageInfo, InterfaceUsage, LogChunk, ProcessRow, Status, StreamName, Usage)

__all__ = [
    'BlockUsage', 'Change', 'ChangeKind', 'CommitSpec', 'ContainerInfo', 'ContainerOps', 'ContainerSpec', 'Device',
    'Engine', 'EngineInfo', 'Event', 'ExecInfo', 'ExecResult', 'ExecSpec', 'ExitInfo', 'Feature', 'FileStat',
    'ImageInfo', 'ImageOps', 'InterfaceUsage', 'LogChunk', 'LogLimits', 'LogQuery', 'Mount', 'MountKind',
    'NetworkMode', 'NetworkSpec', 'ProcessRow', 'ProcessSpec', 'Resources', 'RestartPolicy', 'Security', 'Session',
    'Status', 'StreamName', 'SystemOps', 'Throttle', 'Ulimit', 'Usage',
]
