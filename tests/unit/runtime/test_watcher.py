# SPDX-License-Identifier: Apache-2.0
"""Ends are noticed by the exit file, by the process where that does not come, and again where recording failed."""

import queue
import subprocess
import threading
import time

import pytest

from nova_container import errors
from nova_container.host import files
from nova_container.host.pids import ProcessId
from nova_container.runtime import watcher
from nova_container.runtime.settings import Settings
from nova_container.runtime.watcher import Watcher


@pytest.fixture
def settings(tmp_path):
    made = Settings(state_dir=tmp_path / 'state', run_dir=tmp_path / 'run')
    made.make_folders()
    return made


@pytest.fixture
def told(settings, monkeypatch):
    """A watcher and the queue of the ids it tells."""
    monkeypatch.setattr(watcher, '_GRACE_S', 0.2)
    ends = queue.Queue()
    made = Watcher(settings, ends.put)
    yield made, ends
    made.close()


@pytest.fixture
def sleeper():
    child = subprocess.Popen(['sleep', '600'])
    yield child
    child.kill()
    child.wait()


def leave_exit_file(settings, container_id):
    files.write_atomically(settings.exits / container_id, b'0')


def test_an_exit_file_is_an_end(told, settings):
    leave_exit_file(settings, 'one')
    leave_exit_file(settings, 'two')
    assert {told[1].get(timeout=10), told[1].get(timeout=10)} >= {'one'}


def test_a_process_without_an_exit_file_is_an_end_after_a_grace(told, sleeper):
    told[0].watch('one', ProcessId.of(sleeper.pid))
    began = time.monotonic()
    sleeper.kill()
    assert told[1].get(timeout=10) == 'one'
    assert time.monotonic() - began >= 0.2


def test_a_process_that_is_over_already_is_an_end(told):
    told[0].watch('one', ProcessId(2 ** 22 - 1, 5))
    assert told[1].get(timeout=10) == 'one'


def test_an_end_is_told_once_if_both_come(told, settings, sleeper):
    told[0].watch('one', ProcessId.of(sleeper.pid))
    sleeper.kill()
    leave_exit_file(settings, 'one')
    assert told[1].get(timeout=10) == 'one'
    with pytest.raises(queue.Empty):
        told[1].get(timeout=0.5)


def test_an_end_that_cannot_be_recorded_is_tried_again(settings, monkeypatch):
    monkeypatch.setattr(watcher, '_GRACE_S', 0.05)
    tries, done = [], threading.Event()

    def ended(container_id):
        tries.append(container_id)
        if len(tries) < 3:
            raise errors.Exhausted('the disk is full')
        done.set()

    made = Watcher(settings, ended)
    leave_exit_file(settings, 'one')
    assert done.wait(10)
    made.close()
    assert tries == ['one'] * 3


def test_a_watch_replaces_the_one_before(told, sleeper):
    for _ in range(50):
        told[0].watch('one', ProcessId.of(sleeper.pid))
    assert len(told[0]._pidfds) == 1


def test_a_closed_watcher_holds_nothing_and_tells_nothing(settings, sleeper):
    ends = queue.Queue()
    made = Watcher(settings, ends.put)
    made.watch('one', ProcessId.of(sleeper.pid))
    made.close()
    made.close()
    leave_exit_file(settings, 'one')
    assert (made._pidfds, ends.empty()) == ({}, True)
    assert not any(thread.name == 'watcher' for thread in threading.enumerate())
