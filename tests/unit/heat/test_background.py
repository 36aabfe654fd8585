# SPDX-License-Identifier: Apache-2.0
"""Work beside the threads of heat-engine, and what errors mean to heat."""

import threading

import pytest
from heat.common import exception

from heat_container import background, versions
from heat_container.client_plugin import DockerClientPlugin
from nova_container import errors
from nova_container.engine.fake import FakeEngine


def ended(pool, token):
    """The outcome, once there is one."""
    for _ in range(1000):
        found = pool.outcome(token)
        if found is not None:
            return found
        threading.Event().wait(0.01)
    pytest.fail('the work did not end')
    return None


def test_an_outcome_is_there_once_the_work_has_ended_and_only_once():
    pool, gate = background.Pool(1), threading.Event()
    token = pool.begin(lambda stop: gate.wait(10) and 'done')
    assert pool.outcome(token) is None
    gate.set()
    assert ended(pool, token) == 'done'
    with pytest.raises(KeyError):
        pool.outcome(token)


def test_work_that_returns_nothing_is_told_from_work_that_runs():
    pool = background.Pool(1)
    assert ended(pool, pool.begin(lambda stop: None)) is True


def test_an_error_of_the_work_is_raised():
    def fail(stop):
        raise errors.Denied('no')

    pool = background.Pool(1)
    with pytest.raises(errors.Denied):
        ended(pool, pool.begin(fail))


def test_work_that_is_called_off_is_told_to_stop():
    pool, stopped, began = background.Pool(1), threading.Event(), threading.Event()

    def work(stop):
        began.set()
        if stop.wait(10):
            stopped.set()

    token = pool.begin(work)
    assert began.wait(10)
    pool.cancel(token)
    pool.cancel(token)
    assert stopped.wait(10)


def test_work_that_has_not_begun_never_begins_once_called_off():
    pool, gate, ran = background.Pool(1), threading.Event(), []
    first = pool.begin(lambda stop: gate.wait(10))
    pool.cancel(pool.begin(lambda stop: ran.append(1)))
    gate.set()
    ended(pool, first)
    ended(pool, pool.begin(lambda stop: None))
    assert ran == []


def test_errors_mean_to_heat_what_it_should_do(cloud):
    plugin = cloud.context().clients.client_plugin('docker')
    assert isinstance(plugin, DockerClientPlugin)
    assert plugin.is_not_found(errors.VolumeNotFound('v'))
    assert plugin.is_not_found(exception.EntityNotFound(entity='Server', name='s'))
    assert plugin.is_conflict(errors.WrongState('in use'))
    assert not plugin.is_conflict(errors.AlreadyExists('taken'))  # heat would try it five times
    assert plugin.is_over_limit(errors.Exhausted('full'))
    assert not plugin.is_not_found(errors.Denied('no'))


def test_a_field_that_the_engine_is_too_old_for_is_named():
    info = FakeEngine().info()
    versions.check(info, 'name')
    with pytest.raises(errors.Unsupported, match='annotations needs API 1.43 or later, but fake 1 has 1.41'):
        versions.check(info, 'annotations')
    assert versions.parsed('1.9') < versions.parsed('1.41')


def test_what_an_owner_does_is_called_off_and_its_waiter_hears_of_it():
    pool = background.Pool(2)
    mine, other = (pool.begin(lambda stop: stop.wait(20), owner) for owner in ('me', 'other'))
    with pool.attempt('me') as first, pool.attempt('other') as second:
        pool.call_off('me')
        assert first.is_set() and not second.is_set()
    assert ended(pool, mine) is True
    assert pool.outcome(other) is None
    pool.cancel(other)
