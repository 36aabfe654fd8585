# SPDX-License-Identifier: Apache-2.0
import os
from pathlib import Path

from bench import memory

_ROLLUP = """\
55d0c8a6c000-7ffd1c5f4000 ---p 00000000 00:00 0                          [rollup]
Rss:                1724 kB
Pss:                 344 kB
Pss_Dirty:           140 kB
"""


def test_a_field_is_found_by_its_whole_name():
    assert memory.field_of(_ROLLUP, 'Pss:') == 344


def test_a_field_that_is_not_there_is_nothing():
    assert memory.field_of(_ROLLUP, 'Swap:') == 0


def test_a_live_process_has_memory():
    assert 0 < memory.pss_kib([os.getpid()]) <= memory.rss_kib([os.getpid()])


def test_a_process_that_is_gone_has_none():
    assert memory.pss_kib([2 ** 22 + 1]) == 0


def test_a_process_that_is_no_monitor_is_not_taken_for_one():
    assert os.getpid() not in memory.monitors('')
    assert os.getpid() in memory.having(Path('/proc/self/cmdline').read_text().partition('\0')[0])
