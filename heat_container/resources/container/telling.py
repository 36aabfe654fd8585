# SPDX-License-Identifier: Apache-2.0
"""Attributes of a container, from what the engine says of it now."""

import datetime
import itertools
from collections.abc import Callable, Mapping
from typing import Any

from oslo_config import cfg

from heat_container.resources.container import files
from nova_container import errors
from nova_container.engine import ContainerInfo, Engine, LogQuery, ports

_CHANGES = 1000
_FILE_BYTES = 65536
Told = dict[str, Any]

OF_INFO: Mapping[str, Callable[[ContainerInfo], Any]] = {
    'id': lambda info: info.id, 'name': lambda info: info.name, 'status': lambda info: info.status.value,
    'health': lambda info: info.health.status if info.health else 'none',
    'health_log': lambda info: [
        {'exit_code': probe.exit_code, 'output': probe.output, 'start': moment(probe.started_at),
         'end': moment(probe.ended_at)} for probe in (info.health.probes if info.health else ())],
    'exit_code': lambda info: info.exit.code if info.exit else None,
    'created_at': lambda info: moment(info.created_at), 'started_at': lambda info: moment(info.started_at),
    'finished_at': lambda info: moment(info.exit.finished_at if info.exit else None),
    'restart_count': lambda info: info.restart_count, 'image_id': lambda info: info.image_id,
    'ip_address': lambda info: next((_bare(one.ipv4) for one in info.endpoints if one.ipv4), ''),
    'addresses': lambda info: {one.network: {
        'ip_address': _bare(one.ipv4), 'ipv6_address': _bare(one.ipv6), 'mac_address': one.mac, 'gateway': one.gateway,
        'aliases': list(one.aliases), 'network_id': one.network_id} for one in info.endpoints},
    'ports': lambda info: _ports(info),
    'mounts': lambda info: [
        {'type': mount.kind.value, 'volume': mount.volume.name if mount.volume else '', 'target': mount.target,
         'read_only': mount.read_only} for mount in info.mounts],
    'state': lambda info: {
        'status': info.status.value, 'pid': info.pid, 'restart_count': info.restart_count,
        'exit_code': info.exit.code if info.exit else None, 'oom_killed': bool(info.exit and info.exit.oom_killed),
        'error': info.exit.error if info.exit else '', 'started_at': moment(info.started_at),
        'finished_at': moment(info.exit.finished_at if info.exit else None),
        'health': info.health.status if info.health else 'none'},
}
"""Those that an inspection tells."""


def shown(info: ContainerInfo, host: str) -> Told:
    """The attribute ``show``: all of an inspection that is no secret. Variables may be, so none is here."""
    process = info.spec.process
    return {name: tell(info) for name, tell in OF_INFO.items()} | {
        'host': host, 'labels': dict(info.labels), 'image': info.spec.image, 'hostname': info.spec.hostname,
        'entrypoint': list(process.entrypoint or ()), 'command': list(process.command or ()), 'user': process.user,
        'working_dir': process.cwd, 'restart_policy': info.spec.restart.name}


def logs(engine: Engine, container: str, *, lines: int, head: bool = False) -> str:
    """The beginning or the end of the output; ``[docker] log_max_bytes`` at most."""
    limit = cfg.CONF.docker.log_max_bytes
    chunks = engine.logs(container, LogQuery(tail=None if head else lines))
    output = bytearray()
    for chunk in chunks:
        output += chunk.data
        if head and (len(output) >= limit or output.count(b'\n') >= lines):
            break
        if not head:
            del output[:-limit]
    close = getattr(chunks, 'close', None)
    if close is not None:
        close()
    text = bytes(output[:limit]).decode('utf-8', 'replace')
    return ''.join(text.splitlines(keepends=True)[:lines]) if head else text


def stats(engine: Engine, container: str) -> Told | None:
    """None of one that is not alive."""
    try:
        used = engine.usage(container)
    except errors.WrongState:
        return None
    return {
        'cpu_seconds': used.cpu_total_ns / 1e9, 'throttled_seconds': used.throttled_ns / 1e9,
        'memory_bytes': used.memory_bytes, 'memory_peak_bytes': used.memory_peak_bytes,
        'memory_cache_bytes': used.memory_cache_bytes, 'memory_limit_bytes': used.memory_limit_bytes,
        'pids': used.pids, 'pids_limit': used.pids_limit, 'read_at': moment(used.read_at),
        'received_bytes': sum(one.rx_bytes for one in used.interfaces),
        'sent_bytes': sum(one.tx_bytes for one in used.interfaces),
        'read_bytes': sum(one.read_bytes for one in used.blocks),
        'written_bytes': sum(one.write_bytes for one in used.blocks)}


def processes(engine: Engine, container: str) -> list[Told]:
    """None of one that is not alive."""
    try:
        rows = engine.top(container)
    except errors.WrongState:
        return []
    return [{'pid': row.pid, 'parent_pid': row.parent_pid, 'uid': row.uid, 'cpu_seconds': row.cpu_s,
             'started_at': moment(row.started_at), 'command': row.command} for row in rows]


def changes(engine: Engine, container: str) -> list[Told]:
    return [{'path': one.path, 'kind': one.kind.name.lower()}
            for one in itertools.islice(engine.changes(container), _CHANGES)]


def output_files(engine: Engine, container: str, paths: list[str]) -> dict[str, str | None]:
    found = {path: files.read(engine, container, path, _FILE_BYTES) for path in paths}
    return {path: None if data is None else data.decode('utf-8', 'replace') for path, data in found.items()}


def moment(seconds: float | None) -> str:
    """ISO 8601 in UTC, '' for never."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat() if seconds else ''


def _ports(info: ContainerInfo) -> dict[str, list[Told]]:
    found: dict[str, list[Told]] = {}
    for port in info.ports:
        found.setdefault(ports.key(port), []).append(
            {'host_ip': port.host_ip or '0.0.0.0', 'host_port': port.host_port})
    return found


def _bare(address: str) -> str:
    return address.partition('/')[0]
