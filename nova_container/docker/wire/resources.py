# SPDX-License-Identifier: Apache-2.0
"""Limits, restart policies and log bounds <-> the fields of HostConfig and of an update body."""

from nova_container import errors
from nova_container.docker.wire import units
from nova_container.docker.wire.document import Document, Json, without_none
from nova_container.engine import spec as specs

CPU_PERIOD_US = 100_000
_THROTTLES = {'BlkioDeviceReadBps': 'read_bps', 'BlkioDeviceWriteBps': 'write_bps',
              'BlkioDeviceReadIOps': 'read_iops', 'BlkioDeviceWriteIOps': 'write_iops'}


def resources_body(resources: specs.Resources) -> Json:
    """The fields that are set; ``root_size_bytes`` as the StorageOpt it is at create."""
    body = without_none({
        'Memory': resources.memory_bytes, 'MemoryReservation': resources.memory_reservation_bytes,
        'MemorySwap': resources.memory_swap_bytes, 'MemorySwappiness': resources.memory_swappiness,
        'OomKillDisable': resources.oom_kill_disable or None,
        'CpuShares': resources.cpu_shares, 'CpuQuota': resources.cpu_quota_us, 'CpuPeriod': resources.cpu_period_us,
        'CpusetCpus': resources.cpuset_cpus, 'CpusetMems': resources.cpuset_mems,
        'PidsLimit': resources.pids_limit, 'BlkioWeight': resources.blkio_weight,
        'CpuRealtimePeriod': resources.realtime_period_us, 'CpuRealtimeRuntime': resources.realtime_runtime_us,
    })
    if resources.weight_devices:
        body['BlkioWeightDevice'] = [{'Path': each.device, 'Weight': each.rate} for each in resources.weight_devices]
    for field, name in _THROTTLES.items():
        if throttles := getattr(resources, name):
            body[field] = [{'Path': throttle.device, 'Rate': throttle.rate} for throttle in throttles]
    if resources.root_size_bytes is not None:
        body['StorageOpt'] = {'size': str(resources.root_size_bytes)}
    return body


def resources_of(host: Document) -> specs.Resources:
    """:raises InvalidSpec: a value is wrong, or NanoCpus and CpuQuota contradict each other."""
    quota_us, period_us = _cpu_time(host)
    swappiness = host.integer('MemorySwappiness')
    return specs.Resources(
        memory_bytes=host.positive('Memory'), memory_reservation_bytes=host.positive('MemoryReservation'),
        memory_swap_bytes=host.positive('MemorySwap'),
        memory_swappiness=None if swappiness == -1 else swappiness,
        oom_kill_disable=bool(host.flag('OomKillDisable')),
        cpu_shares=host.positive('CpuShares'), cpu_quota_us=quota_us, cpu_period_us=period_us,
        cpuset_cpus=host.text('CpusetCpus') or None, cpuset_mems=host.text('CpusetMems') or None,
        pids_limit=host.positive('PidsLimit'), blkio_weight=host.positive('BlkioWeight'),
        realtime_period_us=host.positive('CpuRealtimePeriod'),
        realtime_runtime_us=host.positive('CpuRealtimeRuntime'),
        weight_devices=tuple(specs.Throttle(device=item.text('Path'), rate=item.integer('Weight') or 0)
                             for item in host.documents('BlkioWeightDevice')),
        root_size_bytes=_root_size(host), **{name: _throttles(host, field) for field, name in _THROTTLES.items()})


def _cpu_time(host: Document) -> tuple[int | None, int | None]:
    """CPU time by quota and period; NanoCpus is another way to say it."""
    quota_us, period_us = host.positive('CpuQuota'), host.positive('CpuPeriod')
    nano_cpus = host.positive('NanoCpus')
    if nano_cpus is None:
        return quota_us, period_us
    if quota_us or period_us:
        raise errors.InvalidSpec(f'{host.path("NanoCpus")} and CpuQuota or CpuPeriod exclude each other')
    if nano_cpus < 0:
        raise errors.InvalidSpec(f'{host.path("NanoCpus")} must not be negative')
    return max(nano_cpus * CPU_PERIOD_US // 1_000_000_000, 1), CPU_PERIOD_US


def _throttles(host: Document, field: str) -> tuple[specs.Throttle, ...]:
    return tuple(specs.Throttle(device=item.text('Path'), rate=item.integer('Rate') or 0)
                 for item in host.documents(field))


def _root_size(host: Document) -> int | None:
    options = host.mapping('StorageOpt')
    for name in options.keys() - {'size'}:
        raise errors.Unsupported(f'{host.path("StorageOpt")}.{name} is not supported: only size is')
    return units.bytes_of(options['size'], host.path('StorageOpt.size')) if 'size' in options else None


def restart_body(restart: specs.RestartPolicy) -> Json:
    return {'Name': restart.name, 'MaximumRetryCount': restart.maximum_retries}


def restart_of(host: Document) -> specs.RestartPolicy | None:
    """None if nothing is said."""
    policy = host.document('RestartPolicy')
    if not policy.text('Name'):
        return None
    return specs.RestartPolicy(name=policy.text('Name'), maximum_retries=policy.integer('MaximumRetryCount') or 0)


def ulimits_body(ulimits: tuple[specs.Ulimit, ...]) -> list[Json]:
    return [{'Name': ulimit.name, 'Soft': ulimit.soft, 'Hard': ulimit.hard} for ulimit in ulimits]


def ulimits_of(host: Document) -> tuple[specs.Ulimit, ...]:
    return tuple(specs.Ulimit(name=item.text('Name'), soft=item.integer('Soft') or 0, hard=item.integer('Hard') or 0)
                 for item in host.documents('Ulimits'))
