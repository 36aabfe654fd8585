# SPDX-License-Identifier: Apache-2.0
"""What a container uses <-> the body of GET /containers/{id}/stats.

Docker writes the host's memory as the limit of a container without one; ``unlimited`` beside it is ours.
"""

from nova_container.docker.wire import units
from nova_container.docker.wire.document import Document, Json
from nova_container.engine import state

_NETWORK = ('rx_bytes', 'rx_packets', 'rx_errors', 'rx_dropped', 'tx_bytes', 'tx_packets', 'tx_errors', 'tx_dropped')
_BLOCK_OTHERS = tuple(f'io_{name}_recursive' for name in ('queue', 'service_time', 'wait_time', 'merged', 'time'))
_BLOCK = {'io_service_bytes_recursive': {'read': 'read_bytes', 'write': 'write_bytes'},
          'io_serviced_recursive': {'read': 'read_ops', 'write': 'write_ops'}}


def stats_body(container_id: str, name: str, usage: state.Usage, before: state.Usage | None,
               host_memory_bytes: int) -> Json:
    """One sample; ``before`` is the one that clients compute a rate from."""
    return {
        'read': units.timestamp_of(usage.read_at), 'preread': units.timestamp_of(before.read_at if before else None),
        'id': container_id, 'name': f'/{name}', 'num_procs': 0, 'storage_stats': {},
        'pids_stats': {'current': usage.pids} | ({} if usage.pids_limit is None else {'limit': usage.pids_limit}),
        'blkio_stats': _block_body(usage.blocks), 'cpu_stats': _cpu_body(usage),
        'precpu_stats': _cpu_body(before or state.Usage(read_at=0.0)),
        'memory_stats': _memory_body(usage, host_memory_bytes),
        'networks': {interface.name: {name: getattr(interface, name) for name in _NETWORK}
                     for interface in usage.interfaces},
    }


def idle_body(container_id: str, name: str) -> Json:
    """What Docker answers for a container that is not alive."""
    return {'read': units.ZERO_TIME, 'preread': units.ZERO_TIME, 'id': container_id, 'name': f'/{name}',
            'pids_stats': {}, 'blkio_stats': _block_body(()), 'num_procs': 0, 'storage_stats': {},
            'cpu_stats': _cpu_body(state.Usage(read_at=0.0)), 'precpu_stats': _cpu_body(state.Usage(read_at=0.0)),
            'memory_stats': {}}


def usage_of(fields: object) -> state.Usage | None:
    """A sample; None if the container is not alive."""
    body = Document(fields)
    read_at = units.seconds_of(body.text('read'))
    if read_at is None:
        return None
    cpu, memory, pids = body.document('cpu_stats'), body.document('memory_stats'), body.document('pids_stats')
    details = memory.document('stats')
    times, throttled = cpu.document('cpu_usage'), cpu.document('throttling_data')
    return state.Usage(
        read_at=read_at, cpu_total_ns=times.integer('total_usage') or 0,
        cpu_user_ns=times.integer('usage_in_usermode') or 0, cpu_system_ns=times.integer('usage_in_kernelmode') or 0,
        host_cpu_ns=cpu.integer('system_cpu_usage') or 0, online_cpus=cpu.integer('online_cpus') or 1,
        cpu_each_ns=tuple(_counters(times.fields.get('percpu_usage'))), cpu_periods=throttled.integer('periods') or 0,
        throttled_periods=throttled.integer('throttled_periods') or 0,
        throttled_ns=throttled.integer('throttled_time') or 0, memory_bytes=memory.integer('usage') or 0,
        memory_peak_bytes=memory.integer('max_usage') or 0,
        memory_limit_bytes=None if memory.flag('unlimited') else memory.positive('limit'),
        memory_details={name: details.integer(name) or 0 for name in details.fields},
        pids=pids.integer('current') or 0, pids_limit=pids.positive('limit'),
        blocks=_blocks_of(body.document('blkio_stats')), interfaces=_interfaces_of(body.document('networks')))


def _counters(found: object) -> list[int]:
    return [int(count) for count in found] if isinstance(found, list) else []


def _cpu_body(usage: state.Usage) -> Json:
    return {
        'cpu_usage': {'total_usage': usage.cpu_total_ns, 'usage_in_kernelmode': usage.cpu_system_ns,
                      'usage_in_usermode': usage.cpu_user_ns,
                      **({'percpu_usage': list(usage.cpu_each_ns)} if usage.cpu_each_ns else {})},
        'system_cpu_usage': usage.host_cpu_ns, 'online_cpus': usage.online_cpus,
        'throttling_data': {'periods': usage.cpu_periods, 'throttled_periods': usage.throttled_periods,
                            'throttled_time': usage.throttled_ns},
    }


def _memory_body(usage: state.Usage, host_memory_bytes: int) -> Json:
    unlimited = usage.memory_limit_bytes is None
    return {'usage': usage.memory_bytes, 'max_usage': usage.memory_peak_bytes,
            'stats': dict(usage.memory_details),
            'limit': host_memory_bytes if unlimited else usage.memory_limit_bytes, 'unlimited': unlimited}


def _block_body(blocks: tuple[state.BlockUsage, ...]) -> Json:
    def rows(operations: dict[str, str]) -> list[Json]:
        return [{'major': int(block.device.partition(':')[0]), 'minor': int(block.device.partition(':')[2]),
                 'op': operation, 'value': getattr(block, name)}
                for block in blocks for operation, name in operations.items()]

    return {**{field: rows(operations) for field, operations in _BLOCK.items()},
            **{field: [] for field in (*_BLOCK_OTHERS, 'sectors_recursive')}}


def _blocks_of(body: Document) -> tuple[state.BlockUsage, ...]:
    devices: dict[str, dict[str, int]] = {}
    for field, operations in _BLOCK.items():
        for row in body.documents(field):
            name = operations.get(row.text('op').lower())
            device = f'{row.integer("major") or 0}:{row.integer("minor") or 0}'
            if name:
                devices.setdefault(device, {})[name] = row.integer('value') or 0
    return tuple(state.BlockUsage(device=device, **counts) for device, counts in devices.items())


def _interfaces_of(body: Document) -> tuple[state.InterfaceUsage, ...]:
    return tuple(state.InterfaceUsage(name=name, **{field: body.document(name).integer(field) or 0
                                                    for field in _NETWORK})
                 for name in body.fields)
