# SPDX-License-Identifier: Apache-2.0
import re

from bench import server, start
from bench.rounds import Many, Samples
from bench.spawn_log import Spawn

_STEPS = {'image': 0.001, 'network': 0.5, 'create': 0.02, 'plug': 0.03, 'wait': 0.6, 'start': 0.049}


def _start_report(capsys, *, ours_ms: float = 40.0) -> list[str]:
    start.report(
        {'ours': Samples([ours_ms], [ours_ms], [10.0]), 'dockerd': Samples([220.0], [221.0], [100.0]),
         'podman': Samples([140.0], [141.0], [200.0])},
        {('ours', 1): Many(100, 1, 4.0, 1.0, 344.0, 50 * 1024), ('ours', 4): Many(100, 4, 2.0, 0.7, 344.0, 51 * 1024),
         ('dockerd', 4): Many(100, 4, 12.0, 7.0, 2500.0, 140 * 1024)})
    return capsys.readouterr().out.splitlines()


def test_the_bench_of_starting_ends_with_its_pairs(capsys):
    assert _start_report(capsys)[-1] == (
        'create_ms_ours=40 create_ms_dockerd=220 create_ms_podman=140 create_ratio_dockerd=5.50 '
        'create_ratio_podman=3.50 remove_ratio_dockerd=10 rate_100x4_per_s=50 monitor_pss_kib=344 daemon_rss_mib=51')


def test_met_targets_are_told_apart_from_missed_ones(capsys):
    assert not [line for line in _start_report(capsys) if 'MISSED' in line]
    missed = [line for line in _start_report(capsys, ours_ms=60.0) if 'MISSED' in line]
    assert [re.match(r'\| (.*?) +\|', line)[1] for line in missed] == [
        'create to running, dockerd over ours', 'create to running, podman over ours']


def test_every_contender_has_a_column_and_every_crowd_a_row(capsys):
    text = '\n'.join(_start_report(capsys))
    assert re.search(r'ms, median / p90 +\| +ours \| +dockerd \| +podman', text)
    assert re.search(r'ours, 100 containers, 4 at a time +\| +2\.0 \| +50\.0 \| +0\.7 \| +344 \| +51 \|', text)


def test_the_bench_of_servers_ends_with_its_pairs(capsys):
    server.report(server.Results(wanted=2, boots=[1.5, 1.7], spawns=[Spawn(1.2, _STEPS)] * 2, reboots=[0.6],
                                 snapshots=[0.8], deletes=[0.9, 1.1]))
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == ('active=2 boot_s_median=1.60 driver_ms_median=100.0 reboot_s_median=0.600 '
                         'delete_s_median=1 snapshot_s_median=0.800')
    assert any('on another machine' in line for line in lines)


def test_a_server_that_failed_misses_the_target(capsys):
    server.report(server.Results(wanted=2, boots=[1.5], spawns=[Spawn(1.2, _STEPS)], reboots=[0.6], snapshots=[0.8],
                                 deletes=[0.9]))
    assert 'MISSED' in next(line for line in capsys.readouterr().out.splitlines() if 'became ACTIVE' in line)
