# SPDX-License-Identifier: Apache-2.0
"""Memory of processes, found by a part of their command line, from /proc."""

from collections.abc import Iterable
from pathlib import Path

MONITORS = ('conmon', 'containerd-shim')


def monitors(mark: str) -> list[int]:
    """Processes of conmon or containerd-shim whose command line holds ``mark``."""
    return [pid for pid, argv in _command_lines()
            if mark in argv and Path(argv.split('\0')[0]).name.startswith(MONITORS)]


def having(mark: str) -> list[int]:
    """Every process whose command line holds ``mark``."""
    return [pid for pid, argv in _command_lines() if mark in argv]


def children(parent: int) -> list[int]:
    """Processes that one started and that have not gone to another parent."""
    return [pid for pid, _ in _command_lines() if _field(pid, 'status', 'PPid:') == parent]


def pss_kib(pids: Iterable[int]) -> int:
    """Proportional set sizes, summed: pages shared by n processes count as one nth (proc(5), smaps_rollup)."""
    return sum(_field(pid, 'smaps_rollup', 'Pss:') for pid in pids)


def rss_kib(pids: Iterable[int]) -> int:
    """Resident set sizes, summed."""
    return sum(_field(pid, 'status', 'VmRSS:') for pid in pids)


def field_of(text: str, name: str) -> int:
    """The number of a line ``Name:   123 kB``; 0 if there is none."""
    for line in text.splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0


def _field(pid: int, file: str, name: str) -> int:
    try:
        return field_of(Path('/proc', str(pid), file).read_text(), name)
    except OSError:
        return 0


def _command_lines() -> list[tuple[int, str]]:
    found = []
    for entry in Path('/proc').iterdir():
        if entry.name.isdigit():
            try:
                found.append((int(entry.name), (entry / 'cmdline').read_text(errors='replace')))
            except OSError:
                continue
    return found
