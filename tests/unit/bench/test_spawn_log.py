# SPDX-License-Identifier: Apache-2.0
import re

import pytest

from bench import spawn_log
from nova_container.virt.steps import Steps

_FIRST, _SECOND = '0bd9432e-fdb0-4261-bbd4-84a4f8a5be8d', '79fbd9b8-ade5-4116-bd3a-2f635d5aa4b4'
_LOG = f"""\
2026-11-24 12:26:41.918 14698 INFO nova_container.virt.spawn [None req-607f7f4d bc33 98e9 - - default default] \
[instance: {_FIRST}] Spawned in 3.008 s (image 0.001, network 1.188, create 0.006, plug 0.025, wait 1.750, start 0.037)
2026-11-24 12:26:42.001 14698 INFO nova.compute.manager [None req-607f7f4d] [instance: {_FIRST}] Took 3.00 seconds
2026-11-24 12:26:43.994 14698 INFO nova_container.virt.spawn [None req-8ca320b1 bc33 98e9 - - default default] \
[instance: {_SECOND}] Spawned in 0.123 s (image 0.100, create 0.023)
"""


def test_every_spawn_is_found_by_its_instance():
    found = spawn_log.parse(_LOG)
    assert set(found) == {_FIRST, _SECOND}
    assert found[_FIRST].total_s == 3.008
    assert found[_FIRST].steps_s == {
        'image': 0.001, 'network': 1.188, 'create': 0.006, 'plug': 0.025, 'wait': 1.75, 'start': 0.037}


def test_the_share_of_the_driver_leaves_out_the_waits_for_neutron():
    found = spawn_log.parse(_LOG)
    assert found[_FIRST].driver_s == pytest.approx(0.070)
    assert found[_SECOND].driver_s == 0.123


def test_the_last_spawn_of_an_instance_counts():
    again = _LOG + f'x [instance: {_FIRST}] Spawned in 0.500 s (start 0.400)\n'
    assert spawn_log.parse(again)[_FIRST].total_s == 0.5


def test_what_the_driver_writes_is_understood():
    timer = Steps()
    for name in ('image', 'network', 'create', 'plug', 'wait', 'start'):
        with timer.timed(name):
            pass
    (spawn,) = spawn_log.parse(f'[instance: {_FIRST}] Spawned in {timer}').values()
    assert list(spawn.steps_s) == ['image', 'network', 'create', 'plug', 'wait', 'start']


def test_a_log_without_spawns_has_none():
    assert spawn_log.parse(re.sub('Spawned', 'Booted', _LOG)) == {}
