# SPDX-License-Identifier: Apache-2.0
"""The compute host as its kernel describes it, read from /proc and /sys."""

import dataclasses
import os
import re
import time
from pathlib import Path

MIB, GIB = 1 << 20, 1 << 30


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MemoryNode:
    """One NUMA node."""

    id: int
    cpus: frozenset[int]
    memory_mb: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A file system."""

    total_bytes: int
    free_bytes: int


def memory_nodes(root: Path = Path('/sys/devices/system/node')) -> tuple[MemoryNode, ...]:
    """All nodes that have CPUs; none if the kernel tells of none."""
    found = []
    for folder in sorted(root.glob('node[0-9]*'), key=lambda path: int(path.name[4:])):
        cpus = numbers((folder / 'cpulist').read_text())
        total = re.search(r'MemTotal:\s+(\d+) kB', (folder / 'meminfo').read_text())
        if cpus:
            found.append(MemoryNode(id=int(folder.name[4:]), cpus=cpus,
                                    memory_mb=int(total[1]) // 1024 if total else 0))
    return tuple(found)


def siblings(cpus: frozenset[int], root: Path = Path('/sys/devices/system/cpu')) -> tuple[frozenset[int], ...]:
    """Which of these CPUs are threads of one core."""
    found = set()
    for cpu in cpus:
        try:
            listed = numbers((root / f'cpu{cpu}' / 'topology' / 'thread_siblings_list').read_text())
        except OSError:
            listed = frozenset({cpu})
        found.add(listed & cpus)
    return tuple(sorted(found, key=min))


def online_cpus(path: Path = Path('/sys/devices/system/cpu/online')) -> frozenset[int]:
    """CPUs that run."""
    try:
        return numbers(path.read_text())
    except OSError:
        return frozenset(range(os.cpu_count() or 1))


def numbers(text: str) -> frozenset[int]:
    """The kernel's list form, ``0-3,8``."""
    found: set[int] = set()
    for part in text.strip().split(','):
        if part:
            first, _, last = part.partition('-')
            found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def memory_used_mb(path: Path = Path('/proc/meminfo')) -> int:
    """What is not available for new processes."""
    found = dict(re.findall(r'^(\w+):\s+(\d+) kB', path.read_text(), re.MULTILINE))
    return (int(found['MemTotal']) - int(found['MemAvailable'])) // 1024


def disk(path: str) -> Disk:
    """The file system of a folder, or of the nearest one above it that exists."""
    folder = Path(path)
    while not folder.exists():
        folder = folder.parent
    found = os.statvfs(folder)
    return Disk(total_bytes=found.f_blocks * found.f_frsize, free_bytes=found.f_bavail * found.f_frsize)


def cpu_model(path: Path = Path('/proc/cpuinfo')) -> dict[str, object]:
    """Vendor, model and features, as far as the kernel names them."""
    found = dict(re.findall(r'^([^\n:]+?)\s*:\s*(.*)$', path.read_text().split('\n\n', 1)[0], re.MULTILINE))
    return {'vendor': found.get('vendor_id', ''), 'model': found.get('model name', ''),
            'features': found.get('flags', found.get('Features', '')).split()}


def uptime(root: Path = Path('/proc')) -> str:
    """As uptime(1) writes it, which Nova's API parses."""
    seconds = int(float((root / 'uptime').read_text().split()[0]))
    load = ', '.join((root / 'loadavg').read_text().split()[:3])
    days, rest = divmod(seconds, 86400)
    hours, minutes = rest // 3600, rest % 3600 // 60
    up = f'{days} day{"s" * (days != 1)}, ' if days else ''
    return f' {time.strftime("%H:%M:%S")} up {up}{hours:2d}:{minutes:02d},  0 users,  load average: {load}'


def cpu_times_ns(path: Path = Path('/proc/stat')) -> dict[str, int]:
    """Time since the boot in the kernel, in programs, idle, and waiting for disks."""
    ticks = [int(one) for one in path.read_text().split('\n', 1)[0].split()[1:9]]
    user, nice, system, idle, iowait, irq, softirq, _ = (one * (10**9 // os.sysconf('SC_CLK_TCK')) for one in ticks)
    return {'kernel': system + irq + softirq, 'user': user + nice, 'idle': idle, 'iowait': iowait}


def frequency_mhz(path: Path = Path('/proc/cpuinfo')) -> int:
    """Of the first CPU now; 0 if it is not told."""
    found = re.search(r'^cpu MHz\s*:\s*([0-9.]+)', path.read_text(), re.MULTILINE)
    return int(float(found[1])) if found else 0
