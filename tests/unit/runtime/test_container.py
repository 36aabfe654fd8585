# SPDX-License-Identifier: Apache-2.0
"""A container in memory: found by name, id or prefix; waited for; gone means gone."""

import threading
import time

import pytest

from nova_container import errors
from nova_container.engine.spec import ContainerSpec
from nova_container.engine.state import ExitInfo, Status
from nova_container.runtime.container import Register
from nova_container.runtime.database import Database
from nova_container.runtime.records import ContainerRecord, ContainerRecords, Phase


@pytest.fixture
def register(tmp_path):
    database = Database(tmp_path / 'records.db')
    yield Register(ContainerRecords(database))
    database.close()


def add(register, container_id='ab' * 32, name='box', **fields):
    return register.add(ContainerRecord(id=container_id, spec=ContainerSpec(name=name, image='i'), image_id='i',
                                        diff_ids=(), **fields))


def test_a_container_is_found_by_id_name_and_prefix(register):
    box = add(register)
    assert {register.get(key) for key in ('ab' * 32, 'box', 'ab', 'a')} == {box}


@pytest.mark.parametrize('key', ['', 'xyz', 'ba', '../..', 'ab' * 33])
def test_what_is_not_there_is_not_found(register, key):
    add(register)
    with pytest.raises(errors.ContainerNotFound):
        register.get(key)


def test_a_prefix_of_several_is_refused(register):
    add(register, 'abcd' * 16, 'one')
    add(register, 'abce' * 16, 'two')
    with pytest.raises(errors.InvalidRequest, match='2 container ids'):
        register.get('abc')


def test_a_name_goes_before_a_prefix(register):
    add(register, 'ab' * 32, 'one')
    named = add(register, 'cd' * 32, 'ab')
    assert register.get('ab') is named


def test_a_new_name_finds_it_and_the_old_one_does_not(register):
    box, other = add(register), add(register, 'cd' * 32, 'other')
    register.rename(box, 'new')
    assert register.get('new') is box
    with pytest.raises(errors.ContainerNotFound):
        register.get('box')
    with pytest.raises(errors.AlreadyExists):
        register.rename(other, 'new')
    assert register.get('other') is other


def test_the_newest_comes_first(register):
    add(register, 'a' * 64, 'old', created_at=1.0)
    add(register, 'b' * 64, 'new', created_at=2.0)
    assert [each.record.spec.name for each in register.all()] == ['new', 'old']


def test_who_waited_for_a_lock_learns_that_the_container_is_gone(register):
    box, raised = add(register), []

    def want():
        with pytest.raises(errors.ContainerNotFound) as caught, register.locked('box'):
            raise AssertionError('it is gone')
        raised.append(caught.value)

    with box.lock:
        thread = threading.Thread(target=want)
        thread.start()
        register.forget(box)
    thread.join(10)
    assert len(raised) == 1


@pytest.mark.parametrize('phase, started_at, status', [
    (Phase.CREATING, None, Status.CREATED), (Phase.IDLE, None, Status.CREATED), (Phase.IDLE, 1.0, Status.STOPPED),
    (Phase.STARTING, None, Status.CREATED), (Phase.RUNNING, 1.0, Status.RUNNING),
    (Phase.REMOVING, 1.0, Status.STOPPED)])
def test_the_status_follows_from_the_record(register, phase, started_at, status):
    assert add(register, phase=phase, started_at=started_at).status is status


def test_a_wait_ends_with_the_run_even_if_the_next_has_begun(register):
    box = add(register, phase=Phase.RUNNING, pid=1, started_at=1.0)
    box.paused = True
    waited = []
    thread = threading.Thread(target=lambda: waited.append(box.wait_until_not_alive(20)))
    thread.start()
    with box.changed:  # both before the other thread can look
        box.record_end(ExitInfo(code=0))
        box.save(phase=Phase.RUNNING, pid=2)
    thread.join(20)
    assert waited == [True]
    assert box.status is Status.RUNNING


def test_a_wait_has_a_deadline(register):
    box, began = add(register, phase=Phase.RUNNING), time.monotonic()
    assert not box.wait_until_not_alive(0.05)
    assert 0.05 <= time.monotonic() - began < 5


def refuse(*_, **__):
    raise errors.Exhausted('full')


def test_a_change_that_cannot_be_written_is_none(register, monkeypatch):
    box = add(register, phase=Phase.RUNNING, pid=1)
    monkeypatch.setattr(ContainerRecords, 'save', refuse)
    with pytest.raises(errors.Exhausted):
        box.record_end(ExitInfo(code=0))
    assert (box.status, box.process.pid) == (Status.RUNNING, 1)
