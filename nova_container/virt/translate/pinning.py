# SPDX-License-Identifier: Apache-2.0
"""CPUs and memory nodes that Nova's resource claim gave a server with a NUMA topology. Pure."""

from collections.abc import Iterable
from typing import Any


def cpus(instance: Any) -> str | None:
    """The host CPUs pinned to the server, as ``0-3,8``; None under a shared policy."""
    topology = instance.numa_topology
    if topology is None:
        return None
    pinned = {cpu for cell in topology.cells for cpu in (cell.cpu_pinning or {}).values()}
    return as_list(pinned) or None


def memory_nodes(instance: Any) -> str | None:
    """The host's memory nodes of the server, as ``0,1``; None if it has no topology."""
    topology = instance.numa_topology
    if topology is None:
        return None
    return as_list(cell.id for cell in topology.cells if cell.id >= 0) or None


def as_list(numbers: Iterable[int]) -> str:
    """The kernel's list form."""
    parts: list[list[int]] = []
    for number in sorted(set(numbers)):
        if parts and number == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], number]
        else:
            parts.append([number])
    return ','.join('-'.join(str(end) for end in part) for part in parts)
