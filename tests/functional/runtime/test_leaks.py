# SPDX-License-Identifier: Apache-2.0
"""Containers made and removed by the hundred: everything is as before."""

import concurrent.futures
import functools
import os

import pytest

from tests.conformance.deadline import eventually
from tests.fixtures import leaks
from tests.functional.runtime.conftest import spec_of

pytestmark = pytest.mark.root


def test_200_lives_leave_everything_as_before(engine, settings):
    one_life(engine, 0)
    before = leaks.snapshot(leaks.Engine(settings.state_dir.parent, settings.cgroup_parent, os.getpid()))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(functools.partial(one_life, engine), range(200)))
    assert engine.list() == ()
    leaks.assert_nothing_left(before)


def one_life(engine, number):
    """By turns: ended by itself, stopped, killed, removed while running or before it ran."""
    container = engine.create(spec_of('sh', '-c', 'exit 0' if number % 5 == 0 else 'sleep 600'))
    if number % 5 == 4:
        engine.remove(container)
        return
    engine.start(container)
    if number % 5 == 0:
        assert engine.wait(container, timeout_s=10).code == 0
    elif number % 5 == 1:
        engine.stop(container, grace_s=0)
    elif number % 5 == 2:
        engine.kill(container)
    engine.remove(container, force=True)


def test_200_clients_that_come_and_go_leave_no_descriptor(engine, settings):
    container = engine.create(spec_of('sh', '-c', 'while :; do echo tick; sleep 0.01; done'))
    engine.start(container)
    before = leaks.snapshot(leaks.Engine(settings.state_dir.parent, settings.cgroup_parent, os.getpid()))
    for _ in range(200):
        with engine.attach(container) as session:
            session.read()
    leaks.assert_nothing_left(before)


def test_what_a_snapshot_tells_is_what_is_there(engine, settings):
    """The judge is judged: a running container is seen in every kind."""
    where = leaks.Engine(settings.state_dir.parent, settings.cgroup_parent, os.getpid())
    before = leaks.snapshot(where)
    container = engine.create(spec_of('sleep', '600'))
    engine.start(container)
    kinds = {line.split()[1] for line in leaks.differences(before, leaks.snapshot(where))}
    assert {'mount', 'cgroup', 'process', 'file'} <= kinds
    with pytest.raises(AssertionError, match=r'\+ mount /tmp'):
        leaks.assert_nothing_left(before, within_s=0)
    engine.remove(container, force=True)
    eventually(lambda: leaks.differences(before, leaks.snapshot(where)) == [])
