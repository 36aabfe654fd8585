# SPDX-License-Identifier: Apache-2.0
"""Pid records and the processes they name."""

import dataclasses
import os
import signal
import subprocess
import time

import pytest

from tools.minicloud import processes
from tools.minicloud import records


@pytest.fixture
def sleeper(tmp_path):
    pid = processes.start(('sleep', '60'), home=tmp_path,
                          log=tmp_path / 'log')
    yield pid
    processes.stop([pid], 1)


def test_a_running_process_is_alive(sleeper, tmp_path):
    assert records.describe('sleep', sleeper, tmp_path / 'log').is_alive()


def test_a_killed_process_is_dead_even_as_a_zombie(sleeper, tmp_path):
    record = records.describe('sleep', sleeper, tmp_path / 'log')
    os.kill(sleeper, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while record.is_alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not record.is_alive()


def test_a_pid_that_was_reused_is_not_ours_and_not_signalled(sleeper,
                                                             tmp_path):
    record = dataclasses.replace(
        records.describe('sleep', sleeper, tmp_path / 'log'), start_ticks=1)
    assert not record.is_alive()
    record.send(signal.SIGKILL)
    assert records.read_start_ticks(sleeper)


def test_a_record_of_an_earlier_boot_is_dead(sleeper, tmp_path):
    record = dataclasses.replace(
        records.describe('sleep', sleeper, tmp_path / 'log'), boot_id='other')
    assert not record.is_alive()


def test_signalling_a_gone_process_is_silent(tmp_path):
    done = subprocess.Popen(('true',))
    done.wait()
    records.describe('true', done.pid, tmp_path).send(signal.SIGTERM)


def test_records_are_kept_by_name(sleeper, tmp_path):
    record = records.describe('sleep', sleeper, tmp_path / 'log', 19500)
    records.save(tmp_path, record)
    assert records.load(tmp_path, 'sleep') == record
    assert records.load_all(tmp_path) == [record]
    records.remove(tmp_path, 'sleep')
    records.remove(tmp_path, 'sleep')
    assert records.load(tmp_path, 'sleep') is None


def test_a_damaged_record_counts_as_none(tmp_path):
    (tmp_path / 'sleep.pid').write_text('12')
    assert records.load(tmp_path, 'sleep') is None
