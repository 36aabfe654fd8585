# SPDX-License-Identifier: Apache-2.0
"""What the fake offers to tests beyond the contract."""

import io
import time

import pytest

from nova_container import errors
from nova_container.engine import spec as specs
from nova_container.engine.fake import FakeEngine
from nova_container.engine.state import Status


@pytest.fixture
def engine():
    return FakeEngine()


def run(engine, image='nginx', **fields):
    container = engine.create(specs.ContainerSpec(name='c1', image=image, **fields))
    engine.start(container)
    return container


def test_an_added_image_runs_whatever_its_configuration_names(engine):
    image_id = engine.add_image('nginx', config={'Cmd': ['nginx', '-g', 'daemon off;'], 'Labels': {'a': 'b'}})
    container = run(engine)
    assert engine.inspect(container).image_id == image_id
    assert engine.inspect(container).status is Status.RUNNING
    started = time.monotonic()
    engine.stop(container)
    assert engine.inspect(container).exit.code == 0
    assert time.monotonic() - started < 1


def test_an_added_image_needs_no_configuration(engine):
    engine.add_image('nginx', files={'/etc/site/page': 'hello'})
    container = run(engine)
    assert engine.exec(container, specs.ExecSpec(command=('cat', '/etc/site/page'))).stdout == b'hello'


def test_two_added_images_differ(engine):
    first = engine.add_image('a', files={'/x': '1'})
    second = engine.add_image('b', files={'/x': '2'})
    assert first != second
    assert engine.inspect_image('a').references == ('a:latest',)


def test_a_planned_failure_comes_once_and_does_nothing_else(engine):
    engine.add_image('nginx')
    engine.fail('start', errors.Exhausted('no memory'))
    container = engine.create(specs.ContainerSpec(name='c1', image='nginx'))
    with pytest.raises(errors.Exhausted):
        engine.start(container)
    assert engine.inspect(container).status is Status.CREATED
    engine.start(container)
    assert engine.inspect(container).status is Status.RUNNING


def test_a_failure_may_come_several_times(engine):
    engine.fail('info', errors.Unavailable('away'), times=2)
    for _ in range(2):
        with pytest.raises(errors.Unavailable):
            engine.info()
    assert engine.info().name == 'fake'


@pytest.mark.parametrize('verb', ['exec', 'create_exec', 'start_exec', 'inspect_exec'])
def test_every_step_of_an_exec_may_fail(engine, verb):
    engine.add_image('nginx')
    container = run(engine)
    engine.fail(verb, errors.Unavailable('away'))
    with pytest.raises(errors.Unavailable):
        engine.exec(container, specs.ExecSpec(command=('true',)))


def test_calls_are_kept_in_order_with_what_they_were_about(engine):
    engine.add_image('nginx')
    run(engine)
    engine.stop('c1', grace_s=0)
    engine.remove(container='c1')
    names = [verb for verb, _ in engine.calls]
    assert names == ['create', 'start', 'stop', 'remove']
    assert engine.calls[0] == ('create', 'c1')
    assert engine.calls[-1] == ('remove', 'c1')


def test_a_container_may_be_made_to_end(engine):
    engine.add_image('nginx')
    container = run(engine)
    engine.exit('c1', 3)
    assert engine.wait(container).code == 3
    with pytest.raises(errors.WrongState):
        engine.exit('c1', 3)


def test_a_container_may_be_made_to_run_out_of_memory(engine):
    engine.add_image('nginx')
    container = run(engine)
    engine.exit('c1', 137, oom_killed=True)
    ended = engine.inspect(container).exit
    assert (ended.code, ended.oom_killed) == (137, True)
    actions = [event.action for event in engine.events(since=0, until=time.time())]
    assert actions[-2:] == ['oom', 'die']
    engine.start(container)
    engine.exit('c1', 0)
    assert engine.inspect(container).exit.oom_killed is False


def test_a_made_end_is_answered_by_the_restart_policy(engine):
    engine.add_image('nginx')
    container = run(engine, restart=specs.RestartPolicy(name='always'))
    engine.exit('c1', 1)
    deadline = time.monotonic() + 5
    while engine.inspect(container).restart_count == 0:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert engine.inspect(container).status is Status.RUNNING


def test_events_are_subscribed_to_from_the_call_on(engine):
    engine.add_image('nginx')
    engine.create(specs.ContainerSpec(name='before', image='nginx'))
    events = engine.events(until=time.time() + 0.2)
    engine.create(specs.ContainerSpec(name='after', image='nginx'))
    assert [event.attributes['name'] for event in events] == ['after']


def test_close_ends_the_streams_and_leaves_the_containers(engine):
    engine.add_image('nginx')
    container = run(engine)
    events = engine.events()
    engine.close()
    engine.close()
    assert list(events) == []
    assert engine.inspect(container).status is Status.RUNNING


def test_an_image_moves_from_one_engine_to_another(engine):
    image_id = engine.add_image('nginx', files={'/x': 'y'})
    other = FakeEngine()
    [image] = other.load(io.BytesIO(b''.join(engine.save(('nginx',)))), reference='glance/6a3f')
    assert (image.id, image.references) == (image_id, ('glance/6a3f:latest',))
    container = run(other, 'glance/6a3f')
    assert other.exec(container, specs.ExecSpec(command=('cat', '/x'))).stdout == b'y'
