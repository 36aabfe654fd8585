# SPDX-License-Identifier: Apache-2.0
"""What a container uses, in the two forms that Nova's API has."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from nova.compute import power_state
from nova.objects import diagnostics as objects
from nova.objects import fields

from nova_container import errors
from nova_container.engine import state
from nova_container.virt import power

_DRIVER = fields.HypervisorDriver.LIBVIRT       # the field knows no container driver; nova's fake one says so too


def legacy(engine: Any, instance: Any) -> dict[str, Any]:
    """Flat numbers, for API versions up to 2.47. Empty but for the memory if it does not run."""
    usage = _usage(engine, instance)
    found: dict[str, Any] = {'memory': instance.flavor.memory_mb * 1024}
    if usage is None:
        return found
    found |= {'cpu0_time': usage.cpu_total_ns, 'memory-actual': usage.memory_bytes // 1024,
              'memory-rss': (usage.memory_bytes - usage.memory_cache_bytes) // 1024, 'pids': usage.pids,
              'cpu_throttled_time': usage.throttled_ns}
    for interface in usage.interfaces:
        for direction in ('rx', 'tx'):
            found |= {f'{interface.name}_{direction}': getattr(interface, f'{direction}_bytes'),
                      f'{interface.name}_{direction}_packets': getattr(interface, f'{direction}_packets'),
                      f'{interface.name}_{direction}_errors': getattr(interface, f'{direction}_errors'),
                      f'{interface.name}_{direction}_drop': getattr(interface, f'{direction}_dropped')}
    for block in usage.blocks:
        found |= {f'{block.device}_read_req': block.read_ops, f'{block.device}_read': block.read_bytes,
                  f'{block.device}_write_req': block.write_ops, f'{block.device}_write': block.write_bytes,
                  f'{block.device}_errors': -1}
    return found


def standard(engine: Any, instance: Any, interfaces: Sequence[Mapping[str, Any]]) -> objects.Diagnostics:
    """The object of API version 2.48 on.

    :param interfaces: MAC address and counters of each, as ``Vifs.counters`` has them.
    """
    container, info, usage = engine.inspect(instance.uuid), engine.info(), _usage(engine, instance)
    found = objects.Diagnostics(
        state=power_state.STATE_MAP[power.info(container).state], driver=_DRIVER, hypervisor='docker',
        hypervisor_os=info.operating_system, uptime=_uptime_s(container), config_drive=False,
        cpu_details=[], nic_details=[], disk_details=[],
        memory_details=objects.MemoryDiagnostics(
            maximum=instance.flavor.memory_mb, used=usage.memory_bytes >> 20 if usage else 0))
    if usage is not None:
        found.add_cpu(id=0, time=usage.cpu_total_ns)
        _add_details(found, usage, interfaces)
    return found


def _add_details(found: objects.Diagnostics, usage: state.Usage, interfaces: Sequence[Mapping[str, Any]]) -> None:
    for one in interfaces:
        found.add_nic(mac_address=one['mac'],
                      rx_octets=one['rx_bytes'], rx_packets=one['rx_packets'], rx_errors=one['rx_errors'],
                      rx_drop=one['rx_dropped'], tx_octets=one['tx_bytes'], tx_packets=one['tx_packets'],
                      tx_errors=one['tx_errors'], tx_drop=one['tx_dropped'])
    for block in usage.blocks:
        found.add_disk(read_bytes=block.read_bytes, read_requests=block.read_ops,
                       write_bytes=block.write_bytes, write_requests=block.write_ops)


def _usage(engine: Any, instance: Any) -> state.Usage | None:
    try:
        return engine.usage(instance.uuid)
    except errors.WrongState:
        return None


def _uptime_s(container: state.ContainerInfo) -> int:
    if not container.status.alive or container.started_at is None:
        return 0
    return max(0, int(time.time() - container.started_at))
