# SPDX-License-Identifier: Apache-2.0
"""Starting, finding and stopping what belongs to a minicloud."""

import time

import pytest

from tools.minicloud import errors
from tools.minicloud import processes
from tools.minicloud import records


def wait_for(condition):
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def test_members_are_found_though_they_left_their_session(tmp_path):
    processes.start(('sh', '-c', 'setsid sleep 60 & wait'), home=tmp_path,
                    log=tmp_path / 'log')
    wait_for(lambda: len(processes.members(tmp_path)) == 2)
    processes.stop(processes.members(tmp_path), 1)
    assert processes.members(tmp_path) == []


def test_processes_of_another_home_are_not_members(tmp_path):
    pid = processes.start(('sleep', '60'), home=tmp_path,
                          log=tmp_path / 'log')
    try:
        assert processes.members(tmp_path / 'other') == []
    finally:
        processes.stop([pid], 1)


def test_a_session_holds_only_what_stayed_in_it(tmp_path):
    leader = processes.start(('sh', '-c', 'sleep 60 & setsid sleep 60 & wait'),
                             home=tmp_path, log=tmp_path / 'log')
    wait_for(lambda: len(processes.members(tmp_path)) == 3)
    assert len(processes.session_of(tmp_path, leader)) == 2
    processes.stop(processes.members(tmp_path), 1)


def test_what_ignores_sigterm_is_killed(tmp_path):
    pid = processes.start(('sh', '-c', 'trap "" TERM; echo on; sleep 60'),
                          home=tmp_path, log=tmp_path / 'log')
    wait_for(lambda: 'on' in (tmp_path / 'log').read_text())
    processes.stop([pid], 0.2)
    assert records.read_start_ticks(pid) is None
    processes.stop(processes.members(tmp_path), 1)


def test_a_failing_command_says_what_it_said(tmp_path):
    with pytest.raises(errors.MinicloudError, match='no such'):
        processes.run(('sh', '-c', 'echo no such >&2; exit 3'), home=tmp_path)


def test_credentials_of_the_caller_stay_out(tmp_path, monkeypatch):
    monkeypatch.setenv('OS_CLOUD', 'production')
    assert 'OS_CLOUD' not in processes.environment(tmp_path)
