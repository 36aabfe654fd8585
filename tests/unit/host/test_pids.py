# SPDX-License-Identifier: Apache-2.0
"""Processes known by pid and start time: another with the same pid is left alone."""

import dataclasses
import os
import signal
import subprocess
import sys
import time

import pytest

from nova_container.host import pids
from nova_container.host.pids import ProcessId


@pytest.fixture
def child():
    made = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)', '--one', 'two words', '--three'])
    yield made
    made.kill()
    made.wait()


def test_a_process_is_known_until_it_ends(child):
    known = ProcessId.of(child.pid)
    assert known.alive()
    assert known.send(signal.SIGTERM)
    assert known.wait_end(10)
    assert not known.alive()
    child.wait()
    assert (known.alive(), known.send(9), known.open(), known.wait_end(10), ProcessId.of(child.pid)) == (
        False, False, None, True, None)


def test_a_zombie_is_not_alive(child):
    known = ProcessId.of(child.pid)
    child.kill()
    assert known.wait_end(10)
    assert pids.stat_fields(child.pid)[0] == 'Z'
    assert not known.alive()


def test_another_process_of_that_pid_gets_no_signal(child):
    other = dataclasses.replace(ProcessId.of(child.pid), started_ticks=1)
    assert (other.alive(), other.open(), other.send(signal.SIGKILL), other.wait_end(0)) == (False, None, False, True)
    assert child.poll() is None


def test_a_wait_has_a_deadline(child):
    began = time.monotonic()
    assert not ProcessId.of(child.pid).wait_end(0.05)
    assert time.monotonic() - began < 5


def test_no_descriptor_is_left(child):
    known, before = ProcessId.of(child.pid), len(os.listdir('/proc/self/fd'))
    for _ in range(20):
        known.send(0)
        known.wait_end(0)
        dataclasses.replace(known, started_ticks=1).send(0)
    assert len(os.listdir('/proc/self/fd')) == before


def test_a_name_with_brackets_does_not_confuse(child, tmp_path):
    program = tmp_path / 'a) R 1 (b'
    program.symlink_to('/bin/sleep')
    odd = subprocess.Popen([program, '600'])
    try:
        assert pids.stat_fields(odd.pid)[1] == str(os.getpid())
    finally:
        odd.kill()
        odd.wait()


@pytest.mark.parametrize('arguments, found', [
    (['--one', 'two words'], True), (['two words', '--three'], True), (['--three'], True), (['two words'], True),
    (['--one', 'two'], False), (['words', '--three'], False), (['--three', '--one'], False),
    (['--one', '--three'], False)])
def test_processes_are_found_by_arguments_one_after_the_other(child, arguments, found):
    deadline = time.monotonic() + 10
    while not pids.having(['--one', 'two words', '--three']) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (ProcessId.of(child.pid) in pids.having(arguments)) is found


def test_times_are_plausible():
    assert 0 < pids.boot_time_s() < time.time()
    started = pids.boot_time_s() + pids.ticks_to_s(ProcessId.of(os.getpid()).started_ticks)
    assert abs(time.time() - started) < 24 * 3600
