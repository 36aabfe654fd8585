# SPDX-License-Identifier: Apache-2.0
"""Each step of each verb fails once: a verb that failed leaves nothing, or what can be removed to nothing."""

import contextlib
import io
import os
import resource

import pytest

from nova_container import errors
from nova_container.engine import Status
from nova_container.engine import spec as specs
from tests.conformance.deadline import eventually
from tests.fixtures import busybox_image, leaks
from tests.fixtures.faults import Steps, each
from tests.functional.runtime.conftest import IMAGE, spec_of

pytestmark = pytest.mark.root


@pytest.fixture
def other_image(tmp_path):
    """An archive whose upper layer the engine does not hold."""
    busybox_image.build(tmp_path / 'other.tar', 'other:1', files={'/other': 'other\n'})
    return (tmp_path / 'other.tar').read_bytes()


def created(engine):
    return engine.create(spec_of('sleep', '600', name='victim'))


def started(engine):
    container = created(engine)
    engine.start(container)
    return container


def stopped(engine):
    container = started(engine)
    engine.stop(container, grace_s=0)
    return container


VERBS = {
    'create': (lambda engine: None, lambda engine, _: created(engine)),
    'start': (created, lambda engine, container: engine.start(container)),
    'start_again': (stopped, lambda engine, container: engine.start(container)),
    'pause': (started, lambda engine, container: engine.pause(container)),
    'stop': (started, lambda engine, container: engine.stop(container, grace_s=0)),
    'remove': (stopped, lambda engine, container: engine.remove(container)),
    'remove_running': (started, lambda engine, container: engine.remove(container, force=True)),
    'commit': (started, lambda engine, container: engine.commit(container, specs.CommitSpec(reference='made:1'))),
}


def clear(engine):
    """All that a client knows to do after a failure."""
    engine.remove('victim', force=True)
    for image in engine.list_images():
        if IMAGE not in image.references:
            engine.remove_image(image.id)
    engine.prune_images()


@pytest.mark.parametrize('verb', VERBS)
def test_every_step_of_a_verb_may_fail(engine, settings, verb):
    prepare, act = VERBS[verb]
    before = leaks.snapshot(leaks.Engine(settings.state_dir.parent, settings.cgroup_parent, os.getpid()))
    with Steps() as steps:
        container = prepare(engine)
        first = len(steps.names)
        act(engine, container)
        names = steps.names[first:]
    clear(engine)
    assert len(names) >= 2
    for index, when in each(len(names)):
        container = prepare(engine)
        with Steps(index, when) as steps, contextlib.suppress(errors.ContainerError):
            act(engine, container)
        assert steps.failed, f'{verb}: step {index} of {names} was not reached'
        left = [info.status for info in engine.list()]
        assert len(left) <= 1
        clear(engine)
        with pytest.raises(errors.NotFound):
            engine.inspect('victim')
        try:
            leaks.assert_nothing_left(before)
        except AssertionError as error:
            raise AssertionError(f'{verb}: {steps.names[index]} failed {when} it was done') from error


def test_a_create_that_fails_leaves_nothing_to_remove(engine, settings):
    before = leaks.snapshot(leaks.Engine(settings.state_dir.parent, settings.cgroup_parent, os.getpid()))
    with Steps() as steps:
        created(engine)
    clear(engine)
    for index, when in each(len(steps.names)):
        with Steps(index, when), pytest.raises(errors.HostFailure, match='a fault for a test'):
            created(engine)
        assert engine.list() == ()
        leaks.assert_nothing_left(before)


def test_a_start_that_fails_can_be_tried_again(engine):
    container = created(engine)
    with Steps() as steps:
        engine.start(container)
    engine.stop(container, grace_s=0)
    with Steps() as steps:
        engine.start(container)
    for index in range(len(steps.names)):
        engine.stop(container, grace_s=0)
        with Steps(index), contextlib.suppress(errors.ContainerError):
            engine.start(container)
        engine.start(container)
        assert engine.inspect(container).status is Status.RUNNING


def test_an_end_that_cannot_be_recorded_is_recorded_later(engine):
    """The exit code is kept until then."""
    container = engine.create(spec_of('sh', '-c', 'while [ ! -e /go ]; do usleep 10000; done; exit 9'))
    engine.start(container)
    with Steps(0) as steps:
        engine_root = f'/proc/{engine.inspect(container).pid}/root/go'
        open(engine_root, 'w').close()
        eventually(lambda: steps.failed)
    assert engine.wait(container, timeout_s=20).code == 9


def test_every_step_of_load_may_fail(engine, settings, other_image):
    before = leaks.snapshot(leaks.Engine(settings.state_dir.parent, settings.cgroup_parent, os.getpid()))
    with Steps() as steps:
        engine.load(io.BytesIO(other_image))
    clear(engine)
    leaks.assert_nothing_left(before)
    for index, when in each(len(steps.names)):
        with Steps(index, when), pytest.raises(errors.HostFailure, match='a fault for a test'):
            engine.load(io.BytesIO(other_image))
        assert [image.references for image in engine.list_images()] == [(IMAGE,)]
        leaks.assert_nothing_left(before)
        engine.load(io.BytesIO(other_image))
        clear(engine)
    leaks.assert_nothing_left(before)


@pytest.mark.parametrize('room', range(1, 9))
def test_too_few_descriptors_fail_a_verb_and_no_more(engine, settings, room):
    before = leaks.snapshot(leaks.Engine(settings.state_dir.parent, settings.cgroup_parent, os.getpid()))
    started(engine)
    engine.remove('victim', force=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(map(int, os.listdir('/proc/self/fd')))
    fillers = fill_gaps(highest)  # so that the room is what it says
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1 + room, hard))
    try:
        with contextlib.suppress(errors.ContainerError):  # and no OSError
            started(engine)
        with contextlib.suppress(errors.ContainerError):
            engine.load(io.BytesIO(b'no archive'))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for filler in fillers:
            os.close(filler)
    clear(engine)
    started(engine)
    assert engine.inspect('victim').status is Status.RUNNING
    clear(engine)
    leaks.assert_nothing_left(before)


def fill_gaps(highest):
    found = []
    while not found or found[-1] < highest:
        found.append(os.open('/dev/null', os.O_RDONLY | os.O_CLOEXEC))
    os.close(found.pop())
    return found
