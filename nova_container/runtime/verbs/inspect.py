# SPDX-License-Identifier: Apache-2.0
"""What a container is, what it uses, and what runs in it."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path

from nova_container.engine import state
from nova_container.host import links, pids
from nova_container.runtime import sources, usage_reader
from nova_container.runtime.container import Container
from nova_container.runtime.parts import Parts



def info(parts: Parts, container: Container) -> state.ContainerInfo:
    """What the contract tells of a container."""
    record = container.record
    namespace = parts.joined_namespace(container) if record.spec.network.container is None else None
    return state.ContainerInfo(
        id=record.id, spec=record.spec, status=container.status, image_id=record.image_id, pid=record.pid,
        created_at=record.created_at, started_at=record.started_at, exit=record.exit,
        restart_count=record.restart_count, network_namespace=str(namespace) if namespace else None,
        log_path=None if record.spec.log.driver == 'none' else str(parts.folder(container).log),
        etc_dir=str(parts.folder(container).etc),
        exec_ids=tuple(each.id for each in container.executions if not each.is_over),
        endpoints=parts.networks.infos(container), ports=parts.networks.ports(container),
        mounts=sources.shown(parts, container),
        health=container.health)


def select(parts: Parts, labels: Mapping[str, str] | None) -> tuple[state.ContainerInfo, ...]:
    """See ``ContainerOps.list``."""
    wanted = (labels or {}).items()
    return tuple(info(parts, container) for container in parts.register.all()
                 if all(container.record.spec.labels.get(key) == value for key, value in wanted))


def usage(parts: Parts, name: str) -> state.Usage:
    """See ``ContainerOps.usage``."""
    container = parts.register.get(name)
    container.must_be(container.status.alive, 'measure')
    namespace = parts.joined_namespace(container)
    return usage_reader.read(parts.cgroup(container), _interfaces(namespace) if namespace else ())


def _interfaces(namespace: Path) -> tuple[state.InterfaceUsage, ...]:
    with links.Links(namespace) as found:
        return tuple(state.InterfaceUsage(**dataclasses.asdict(counted)) for counted in found.counters())


def top(parts: Parts, name: str) -> tuple[state.ProcessRow, ...]:
    """See ``ContainerOps.top``."""
    container = parts.register.get(name)
    container.must_be(container.status.alive, 'list its processes')
    boot = pids.boot_time_s()
    rows = [_row(pid, boot) for pid in sorted(parts.cgroup(container).pids())]
    return tuple(row for row in rows if row is not None)


def _row(pid: int, boot_s: float) -> state.ProcessRow | None:
    fields = pids.stat_fields(pid)
    if not fields:
        return None
    try:
        command = Path(f'/proc/{pid}/cmdline').read_bytes().replace(b'\0', b' ').decode('utf-8', 'replace').strip()
        uid = os.stat(f'/proc/{pid}').st_uid
    except OSError:
        return None
    return state.ProcessRow(
        pid=pid, parent_pid=int(fields[1]), uid=uid, started_at=boot_s + pids.ticks_to_s(int(fields[19])),
        cpu_s=pids.ticks_to_s(int(fields[11]) + int(fields[12])), tty=_terminal(int(fields[4])), command=command)


def _terminal(number: int) -> str:
    return f'pts/{os.minor(number)}' if number and os.major(number) in range(136, 144) else '?'

