# SPDX-License-Identifier: Apache-2.0
"""Starts of OCI runtimes: a bounded number at a time, results and failures handed through, mounts as they need."""

import os
import subprocess
import threading

import pytest

from nova_container.host import launch, mounts
from nova_container.host.launch import Launcher


@pytest.fixture(params=[False, True], ids=['as it is', 'in a namespace'])
def launcher(request, monkeypatch):
    if request.param and os.geteuid():
        pytest.skip('namespaces need root')
    monkeypatch.setattr(mounts, 'is_mount', lambda path: request.param)
    return Launcher(2)


def test_results_and_arguments_pass_through(launcher):
    assert launcher.call(lambda *given, **named: (given, named), 1, two=2) == ((1,), {'two': 2})


def test_failures_pass_through_and_free_the_slot(launcher):
    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            launcher.call(lambda: 1 // 0)
    assert launcher.call(lambda: 'free') == 'free'


def test_no_more_run_at_a_time_than_allowed(launcher):
    inside, most, lock, meet = [], [], threading.Lock(), threading.Barrier(2)

    def work():
        with lock:
            inside.append(1)
            most.append(len(inside))
        meet.wait(10)
        with lock:
            inside.pop()

    threads = [threading.Thread(target=launcher.call, args=(work,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (len(most), max(most)) == (6, 2)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason='namespaces need root')
def test_the_mount_that_is_hidden_from_runtimes_stays_for_others(tmp_path, monkeypatch):
    lower, upper, work, hidden = (tmp_path / name for name in ('lower', 'upper', 'work', 'hidden'))
    for folder in (lower, upper, work, hidden):
        folder.mkdir()
    mounts.mount_overlay(hidden, lower=[lower], upper=upper, work=work)
    try:
        monkeypatch.setattr(launch, '_UNIFIED', hidden)
        launcher, seen_here = Launcher(1), os.readlink('/proc/self/ns/mnt')
        assert launcher.call(said, 'readlink', '/proc/self/ns/mnt').strip() != seen_here
        assert mounts.is_mount(hidden)
        assert os.readlink('/proc/thread-self/ns/mnt') == seen_here
        inside = launcher.call(said, 'cat', '/proc/self/mountinfo').splitlines()
        assert not any(str(hidden) in line and 'overlay' in line for line in inside)
    finally:
        mounts.unmount(hidden)


def said(*argv):
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout
