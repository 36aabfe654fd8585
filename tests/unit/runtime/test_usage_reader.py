# SPDX-License-Identifier: Apache-2.0
"""Counters of control groups of both versions, from fake trees."""

import os

import pytest

from nova_container.engine.state import BlockUsage, InterfaceUsage
from nova_container.host.cgroups import Cgroup
from nova_container.runtime import usage_reader

V2 = {
    'cpu.stat': 'usage_usec 5000000\nuser_usec 3000000\nsystem_usec 2000000\nnr_periods 9\nnr_throttled 4\n'
                'throttled_usec 700\n',
    'memory.current': '1048576\n', 'memory.peak': '2097152\n', 'memory.max': '4194304\n',
    'memory.stat': 'anon 1000\ninactive_file 4096\nfile 8192\n', 'pids.current': '3\n', 'pids.max': '2048\n',
    'io.stat': '8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n259:1 rbytes=1 wbytes=2 rios=3 wios=4\n',
}
V1 = {
    'cpuacct/cpuacct.usage': '5000000000\n', 'cpuacct/cpuacct.usage_percpu': '2000000000 3000000000 \n',
    'cpuacct/cpuacct.stat': 'user 300\nsystem 200\n',
    'cpu/cpu.stat': 'nr_periods 9\nnr_throttled 4\nthrottled_time 700000\n',
    'memory/memory.usage_in_bytes': '1048576\n', 'memory/memory.max_usage_in_bytes': '2097152\n',
    'memory/memory.limit_in_bytes': '4194304\n',
    'memory/memory.stat': 'cache 8192\ninactive_file 1\ntotal_inactive_file 4096\n',
    'pids/pids.current': '3\n', 'pids/pids.max': '2048\n',
    'blkio/blkio.throttle.io_service_bytes': '8:0 Read 4096\n8:0 Write 8192\n8:0 Sync 1\n8:0 Total 12288\n'
                                             '259:1 Read 1\n259:1 Write 2\nTotal 12291\n',
    'blkio/blkio.throttle.io_serviced': '8:0 Read 1\n8:0 Write 2\n259:1 Read 3\n259:1 Write 4\nTotal 10\n',
}


@pytest.fixture(params=[1, 2])
def cgroup(request, tmp_path):
    made = Cgroup('/ours/box', request.param, tmp_path)
    for name, text in (V2 if request.param == 2 else V1).items():
        controller, _, file = name.rpartition('/')
        made.folder(controller).mkdir(parents=True, exist_ok=True)
        (made.folder(controller) / file).write_text(text)
    return made


def test_both_versions_are_told_alike(cgroup):
    interfaces = (InterfaceUsage(name='eth0', rx_bytes=5),)
    usage = usage_reader.read(cgroup, interfaces)
    tick_ns = 10 ** 9 // os.sysconf('SC_CLK_TCK')
    assert usage.cpu_total_ns == 5 * 10 ** 9
    assert (usage.cpu_user_ns, usage.cpu_system_ns) == (
        (3 * 10 ** 9, 2 * 10 ** 9) if cgroup.version == 2 else (300 * tick_ns, 200 * tick_ns))
    assert (usage.cpu_periods, usage.throttled_periods, usage.throttled_ns) == (9, 4, 700_000)
    assert usage.cpu_each_ns == (() if cgroup.version == 2 else (2 * 10 ** 9, 3 * 10 ** 9))
    assert usage.memory_details['cache' if cgroup.version == 1 else 'file'] == 8192
    assert (usage.memory_bytes, usage.memory_peak_bytes, usage.memory_limit_bytes, usage.memory_cache_bytes) == (
        1 << 20, 2 << 20, 4 << 20, 4096)
    assert (usage.pids, usage.pids_limit) == (3, 2048)
    assert set(usage.blocks) == {
        BlockUsage(device='8:0', read_bytes=4096, write_bytes=8192, read_ops=1, write_ops=2),
        BlockUsage(device='259:1', read_bytes=1, write_bytes=2, read_ops=3, write_ops=4)}
    assert usage.interfaces == interfaces
    assert usage.online_cpus == os.cpu_count() and usage.host_cpu_ns > 0


def test_no_limit_is_none(cgroup):
    for controller, name, text in (('', 'memory.max', 'max'), ('', 'pids.max', 'max'), ('pids', 'pids.max', 'max'),
                                   ('memory', 'memory.limit_in_bytes', '9223372036854771712')):
        if cgroup.folder(controller).is_dir():
            (cgroup.folder(controller) / name).write_text(f'{text}\n')
    usage = usage_reader.read(cgroup, ())
    assert (usage.memory_limit_bytes, usage.pids_limit) == (None, None)


@pytest.mark.parametrize('version', [1, 2])
def test_a_group_that_is_gone_uses_nothing(tmp_path, version):
    usage = usage_reader.read(Cgroup('/none', version, tmp_path), ())
    assert (usage.cpu_total_ns, usage.memory_bytes, usage.memory_limit_bytes, usage.pids, usage.blocks) == (
        0, 0, None, 0, ())
