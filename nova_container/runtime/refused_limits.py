# SPDX-License-Identifier: Apache-2.0
"""Limits that this host cannot keep, refused rather than ignored."""

from nova_container import errors
from nova_container.engine import grammar
from nova_container.engine.spec import Resources
from nova_container.host import cgroups
from nova_container.runtime.disk_limits import DiskLimits


def check(limits: Resources, cgroup_version: int, disk_limits: DiskLimits) -> None:
    """:raises Unsupported: the text names the field, and says why."""
    if limits.root_size_bytes is not None:
        disk_limits.check('StorageOpt.size (root_size_bytes)')
    if cgroup_version == 2 and limits.memory_swappiness not in (None, -1):
        raise errors.Unsupported('MemorySwappiness needs cgroup v1, and this host has v2: leave it out')
    if cgroup_version == 2 and limits.oom_kill_disable:
        raise errors.Unsupported('OomKillDisable needs cgroup v1, and this host has v2: leave it out')
    if (limits.realtime_period_us or limits.realtime_runtime_us) and not cgroups.has_realtime():
        raise errors.Unsupported('CpuRealtimePeriod and CpuRealtimeRuntime need cgroup v1 and a kernel with real-time '
                                 'group scheduling: leave them out')
    if (limits.blkio_weight or limits.weight_devices) and cgroups.lacks_weights():
        raise errors.Unsupported('BlkioWeight and BlkioWeightDevice need a kernel with blkio.weight, and this host has '
                                 'none: leave them out')
    for field, wanted, what in (('CpusetCpus', limits.cpuset_cpus, 'cpus'), ('CpusetMems', limits.cpuset_mems, 'mems')):
        if wanted:
            _check_cpuset(field, wanted, cgroups.usable(what))


def _check_cpuset(field: str, wanted: str, usable: str) -> None:
    if usable and (missing := grammar.cpuset(wanted) - grammar.cpuset(usable)):
        numbers = ', '.join(map(str, sorted(missing)))
        raise errors.InvalidSpec(f'{field}: {wanted} asks for {numbers}, and this host has {usable}: choose among them')
