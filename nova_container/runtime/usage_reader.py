# SPDX-License-Identifier: Apache-2.0
"""Counters of a control group, of either version, as one value."""

import os
import time
from pathlib import Path

from nova_container.engine.state import BlockUsage, InterfaceUsage, Usage
from nova_container.host.cgroups import Cgroup

_TICK_NS = 10 ** 9 // os.sysconf('SC_CLK_TCK')
_NO_LIMIT = 1 << 60  # version 1 writes no limit as the largest multiple of the page size


def read(cgroup: Cgroup, interfaces: tuple[InterfaceUsage, ...]) -> Usage:
    """What the group uses now."""
    return _read_v2(cgroup, interfaces) if cgroup.version == 2 else _read_v1(cgroup, interfaces)


def _read_v1(cgroup: Cgroup, interfaces: tuple[InterfaceUsage, ...]) -> Usage:
    acct = _pairs(cgroup.read('cpuacct', 'cpuacct.stat'))
    throttled = _pairs(cgroup.read('cpu', 'cpu.stat'))
    return Usage(
        read_at=time.time(), cpu_total_ns=_number(cgroup.read('cpuacct', 'cpuacct.usage')) or 0,
        cpu_user_ns=acct.get('user', 0) * _TICK_NS, cpu_system_ns=acct.get('system', 0) * _TICK_NS,
        host_cpu_ns=_host_cpu_ns(), online_cpus=os.cpu_count() or 1,
        cpu_each_ns=tuple(map(int, cgroup.read('cpuacct', 'cpuacct.usage_percpu').split())),
        cpu_periods=throttled.get('nr_periods', 0),
        throttled_periods=throttled.get('nr_throttled', 0), throttled_ns=throttled.get('throttled_time', 0),
        memory_bytes=_number(cgroup.read('memory', 'memory.usage_in_bytes')) or 0,
        memory_peak_bytes=_number(cgroup.read('memory', 'memory.max_usage_in_bytes')) or 0,
        memory_limit_bytes=_number(cgroup.read('memory', 'memory.limit_in_bytes')),
        memory_details=_pairs(cgroup.read('memory', 'memory.stat')),
        pids=_number(cgroup.read('pids', 'pids.current')) or 0,
        pids_limit=_number(cgroup.read('pids', 'pids.max')), interfaces=interfaces,
        blocks=_blocks_v1(cgroup.read('blkio', 'blkio.throttle.io_service_bytes'),
                          cgroup.read('blkio', 'blkio.throttle.io_serviced')))


def _read_v2(cgroup: Cgroup, interfaces: tuple[InterfaceUsage, ...]) -> Usage:
    cpu = _pairs(cgroup.read('', 'cpu.stat'))
    return Usage(
        read_at=time.time(), cpu_total_ns=cpu.get('usage_usec', 0) * 1000, cpu_user_ns=cpu.get('user_usec', 0) * 1000,
        cpu_system_ns=cpu.get('system_usec', 0) * 1000, host_cpu_ns=_host_cpu_ns(), online_cpus=os.cpu_count() or 1,
        cpu_periods=cpu.get('nr_periods', 0),
        throttled_periods=cpu.get('nr_throttled', 0), throttled_ns=cpu.get('throttled_usec', 0) * 1000,
        memory_bytes=_number(cgroup.read('', 'memory.current')) or 0,
        memory_peak_bytes=_number(cgroup.read('', 'memory.peak')) or 0,
        memory_limit_bytes=_number(cgroup.read('', 'memory.max')),
        memory_details=_pairs(cgroup.read('', 'memory.stat')),
        pids=_number(cgroup.read('', 'pids.current')) or 0, pids_limit=_number(cgroup.read('', 'pids.max')),
        interfaces=interfaces, blocks=_blocks_v2(cgroup.read('', 'io.stat')))


def _pairs(text: str) -> dict[str, int]:
    return {parts[0]: int(parts[1]) for line in text.splitlines() if len(parts := line.split()) == 2}


def _number(text: str) -> int | None:
    """A counter or limit; None if there is none."""
    stripped = text.strip()
    if not stripped.isdigit():
        return None
    return None if int(stripped) > _NO_LIMIT else int(stripped)


def _host_cpu_ns() -> int:
    """CPU time of the whole host since boot: user, nice, system, idle, iowait, irq, softirq, steal (proc(5))."""
    fields = Path('/proc/stat').read_text('ascii').split('\n', 1)[0].split()
    return sum(map(int, fields[1:9])) * _TICK_NS


def _blocks_v1(sizes: str, counts: str) -> tuple[BlockUsage, ...]:
    found: dict[str, dict[str, int]] = {}
    for text, unit in ((sizes, 'bytes'), (counts, 'ops')):
        for line in text.splitlines():
            parts = line.split()
            if len(parts) == 3 and parts[1] in ('Read', 'Write'):
                found.setdefault(parts[0], {})[f'{parts[1].lower()}_{unit}'] = int(parts[2])
    return tuple(BlockUsage(device=device, **counted) for device, counted in sorted(found.items()))


def _blocks_v2(text: str) -> tuple[BlockUsage, ...]:
    names = {'rbytes': 'read_bytes', 'wbytes': 'write_bytes', 'rios': 'read_ops', 'wios': 'write_ops'}
    found = []
    for line in text.splitlines():
        device, *pairs = line.split()
        counted = {names[key]: int(value) for key, _, value in (pair.partition('=') for pair in pairs) if key in names}
        found.append(BlockUsage(device=device, **counted))
    return tuple(found)
