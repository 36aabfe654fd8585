# SPDX-License-Identifier: Apache-2.0
"""What this host has to give: for Placement, for the scheduler, and for ``openstack hypervisor show``."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

import os_resource_classes
from nova.objects import fields, numa
from oslo_serialization import jsonutils

from nova_container.engine import state
from nova_container.virt import hostinfo

TRAIT, _RUNTIME_TRAIT = 'CUSTOM_CONTAINER', 'CUSTOM_RUNTIME_'
_MIB, _GIB = hostinfo.MIB, hostinfo.GIB


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """What the operator keeps back, and the CPUs that are set apart."""

    cpus: int = 0
    memory_mb: int = 0
    disk_gb: int = 0
    dedicated_cpus: frozenset[int] = frozenset()
    shared_cpus: frozenset[int] | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The host and its engine as they are now."""

    engine: state.EngineInfo
    disk: hostinfo.Disk
    online_cpus: frozenset[int]
    reserved: Reserved

    @property
    def dedicated(self) -> frozenset[int]:
        return self.reserved.dedicated_cpus & self.online_cpus

    @property
    def shared(self) -> frozenset[int]:
        if self.reserved.shared_cpus is not None:
            return self.reserved.shared_cpus & self.online_cpus
        return frozenset() if self.reserved.dedicated_cpus else self.online_cpus


def look(engine: state.EngineInfo, reserved: Reserved) -> Host:
    """Read what is not the engine's to know."""
    return Host(engine=engine, disk=hostinfo.disk(engine.state_dir), online_cpus=hostinfo.online_cpus(),
                reserved=reserved)


def resources(host: Host, nodename: str) -> dict[str, Any]:
    """What ``get_available_resource`` returns."""
    engine, disk = host.engine, host.disk
    free_gb = disk.free_bytes // _GIB
    return {
        'vcpus': len(host.shared) + len(host.dedicated), 'vcpus_used': 0,
        'memory_mb': engine.memory_bytes // _MIB, 'memory_mb_used': hostinfo.memory_used_mb(),
        'local_gb': disk.total_bytes // _GIB, 'local_gb_used': disk.total_bytes // _GIB - free_gb,
        'disk_available_least': free_gb,
        'hypervisor_type': fields.HVType.DOCKER, 'hypervisor_version': version_number(engine.version),
        'hypervisor_hostname': nodename, 'cpu_info': jsonutils.dumps({'arch': architecture(engine.architecture),
                                                                      **hostinfo.cpu_model()}),
        'supported_instances': [(architecture(engine.architecture), fields.HVType.DOCKER, fields.VMMode.EXE)],
        'numa_topology': topology(host)}


def inventories(host: Host, current: Mapping[str, Any], ratios: Callable[[Mapping[str, Any]], Mapping[str, float]],
                ) -> dict[str, dict[str, Any]]:
    """For Placement. A class of which there is nothing is left out, as Placement refuses a total of 0."""
    names, kept = os_resource_classes, host.reserved
    ratio = ratios(current)
    totals = {names.VCPU: (len(host.shared), kept.cpus), names.PCPU: (len(host.dedicated), 0),
              names.MEMORY_MB: (host.engine.memory_bytes // _MIB, kept.memory_mb),
              names.DISK_GB: (host.disk.total_bytes // _GIB, kept.disk_gb)}
    return {name: {'total': total, 'min_unit': 1, 'max_unit': total, 'step_size': 1,
                   'allocation_ratio': ratio.get(name, 1.0), 'reserved': min(reserved, total)}
            for name, (total, reserved) in totals.items() if total > 0}


def update_provider_tree(tree: Any, nodename: str, host: Host,
                         ratios: Callable[[Mapping[str, Any]], Mapping[str, float]]) -> None:
    """Write inventories and our own traits; what others wrote stays."""
    provider = tree.data(nodename)
    tree.update_inventory(nodename, inventories(host, provider.inventory, ratios))
    ours = {TRAIT, runtime_trait(host.engine.runtime)}
    stale = {trait for trait in provider.traits if trait.startswith(_RUNTIME_TRAIT)} - ours
    if stale:
        tree.remove_traits(nodename, *stale)
    tree.add_traits(nodename, *ours)


def runtime_trait(runtime: str) -> str:
    """``CUSTOM_RUNTIME_CRUN``; of a path, the last part."""
    return _RUNTIME_TRAIT + re.sub(r'[^A-Z0-9]+', '_', runtime.rsplit('/', 1)[-1].upper()).strip('_')


def version_number(version: str) -> int:
    """20.10.24 as 20010024, which Nova compares."""
    parts = [int(part) for part in re.findall(r'\d+', version)[:3]]
    major, minor, patch = (parts + [0, 0, 0])[:3]
    return major * 1_000_000 + min(minor, 999) * 1000 + min(patch, 999)


def architecture(name: str) -> str:
    """Docker's or the kernel's name as Nova's."""
    return fields.Architecture.canonicalize({'arm64': 'aarch64', 'arm': 'armv7'}.get(name, name))


def topology(host: Host) -> str | None:
    """The memory nodes for Nova's claims on dedicated CPUs; None where no CPU is dedicated."""
    nodes = hostinfo.memory_nodes()
    if not host.dedicated or not nodes:
        return None
    cells = []
    for node in nodes:
        cpus = node.cpus & (host.shared | host.dedicated)
        cells.append(numa.NUMACell(
            id=node.id, socket=0, cpuset=set(node.cpus & host.shared), pcpuset=set(node.cpus & host.dedicated),
            memory=node.memory_mb, cpu_usage=0, memory_usage=0, pinned_cpus=set(),
            siblings=[set(one) for one in hostinfo.siblings(cpus)],
            mempages=[numa.NUMAPagesTopology(size_kb=4, total=node.memory_mb * 256, used=0)]))
    return numa.NUMATopology(cells=cells)._to_json()
