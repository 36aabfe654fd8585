# SPDX-License-Identifier: Apache-2.0
"""Properties about what a container may use -> ``Resources`` and ``RestartPolicy``, and back. Pure."""

from collections.abc import Mapping
from typing import Any

from nova_container import errors
from nova_container.engine import Resources, RestartPolicy, Throttle, Ulimit

PERIOD_US = 100_000
FIELDS: Mapping[str, str] = {
    'cpu_shares': 'cpu_shares', 'cpu_period': 'cpu_period_us', 'cpu_quota': 'cpu_quota_us',
    'cpu_rt_period': 'realtime_period_us', 'cpu_rt_runtime': 'realtime_runtime_us', 'cpuset_cpus': 'cpuset_cpus',
    'cpuset_mems': 'cpuset_mems', 'memory': 'memory_bytes', 'memory_reservation': 'memory_reservation_bytes',
    'memory_swap': 'memory_swap_bytes', 'memory_swappiness': 'memory_swappiness', 'pids_limit': 'pids_limit',
    'blkio_weight': 'blkio_weight', 'root_size': 'root_size_bytes',
}
"""Properties whose value is that of a field."""
DEVICES: Mapping[str, tuple[str, str]] = {
    'blkio_weight_device': ('weight_devices', 'weight'), 'device_read_bps': ('read_bps', 'rate'),
    'device_write_bps': ('write_bps', 'rate'), 'device_read_iops': ('read_iops', 'rate'),
    'device_write_iops': ('write_iops', 'rate'),
}
"""Properties that are a list of devices: the field, and what a number in it is called."""


def resources_of(props: Mapping[str, Any]) -> Resources:
    """:raises InvalidSpec: cpus and cpu_quota contradict each other."""
    found: dict[str, Any] = {field: props[name] for name, field in FIELDS.items()}
    if props['cpus'] is not None:
        if found['cpu_quota_us'] is not None or found['cpu_period_us'] is not None:
            raise errors.InvalidSpec('cpus, and cpu_quota with cpu_period, say the same: give one of them')
        found['cpu_quota_us'], found['cpu_period_us'] = max(round(props['cpus'] * PERIOD_US), 1000), PERIOD_US
    for name, (field, unit) in DEVICES.items():
        found[field] = tuple(Throttle(device=one['path'], rate=one[unit]) for one in props[name] or ())
    return Resources(oom_kill_disable=bool(props['oom_kill_disable']), **found)


def properties_of(found: Resources) -> dict[str, Any]:
    """What properties would say of limits that are there; both words for CPU time."""
    told: dict[str, Any] = {name: getattr(found, field) for name, field in FIELDS.items()}
    quota = found.cpu_quota_us
    told['cpus'] = None if quota is None or quota <= 0 else quota / (found.cpu_period_us or PERIOD_US)
    for name, (field, unit) in DEVICES.items():
        told[name] = [{'path': one.device, unit: one.rate} for one in getattr(found, field)]
    return told


def restart_of(props: Mapping[str, Any]) -> RestartPolicy:
    wanted = props['restart_policy'] or {'name': 'no', 'maximum_retry_count': None}
    return RestartPolicy(name=wanted['name'] or 'no', maximum_retries=wanted['maximum_retry_count'] or 0)


def ulimits_of(wanted: Any) -> tuple[Ulimit, ...]:
    return tuple(Ulimit(name=one['name'], soft=one['soft'], hard=one['soft'] if one['hard'] is None else one['hard'])
                 for one in wanted or ())
