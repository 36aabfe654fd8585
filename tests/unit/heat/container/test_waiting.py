# SPDX-License-Identifier: Apache-2.0
"""When a container is where its stack waits for it."""

import pytest
from heat.common import exception

from heat_container.resources.container import waiting
from nova_container.engine import ContainerInfo, ContainerSpec, ExitInfo, Health, Probe, RestartPolicy, Status


def info(status: Status, *, code: int | None = None, health: Health | None = None, restart: str = 'no', tries: int = 0,
         restarts: int = 0, oom: bool = False) -> ContainerInfo:
    spec = ContainerSpec(name='c', image='i', restart=RestartPolicy(name=restart, maximum_retries=tries))
    return ContainerInfo(id='c', spec=spec, status=status, image_id='i', health=health, restart_count=restarts,
                         exit=None if code is None else ExitInfo(code=code, oom_killed=oom))


RUNS, ENDED = Status.RUNNING, Status.STOPPED


@pytest.mark.parametrize(('now', 'wanted', 'reached'), [
    (info(Status.CREATED), 'none', True), (info(RUNS), 'running', True), (info(RUNS), 'exited', False),
    (info(ENDED, code=0), 'exited', True), (info(ENDED, code=0), 'running', True),
    (info(RUNS, health=Health(status='starting')), 'healthy', False),
    (info(RUNS, health=Health(status='healthy')), 'healthy', True),
    (info(RUNS, health=Health(status='unhealthy')), 'healthy', False),  # dockerd, after a pause
    (info(ENDED, code=1, restart='always'), 'running', False),
    (info(ENDED, code=1, restart='on-failure', tries=3, restarts=2), 'exited', False)])
def test_it_is_there_or_not_yet(now, wanted, reached):
    assert waiting.reached(now, wanted, [0]) is reached


@pytest.mark.parametrize(('now', 'wanted', 'said'), [
    (info(ENDED, code=1), 'running', 'ended with 1; expected is 0'),
    (info(ENDED, code=137, oom=True), 'exited', 'used up its memory'),
    (info(ENDED, code=1, restart='on-failure', tries=3, restarts=3), 'exited', 'ended with 1'),
    (info(ENDED, code=0), 'healthy', 'before it was healthy'), (info(RUNS), 'healthy', 'no health check'),
    (info(RUNS, health=Health(status='unhealthy', failing_streak=3, probes=(
        Probe(started_at=0, ended_at=1, exit_code=1, output='sick\n'),))), 'healthy', 'unhealthy: sick')])
def test_what_can_never_be_is_said(now, wanted, said):
    with pytest.raises(exception.Error, match=said):
        waiting.reached(now, wanted, [0])


@pytest.mark.parametrize(('now', 'started', 'said'), [
    (info(RUNS), True, ''), (info(RUNS), False, 'is not to'), (info(Status.CREATED), False, ''),
    (info(Status.CREATED), True, 'not started'), (info(Status.PAUSED), True, 'paused'), (info(ENDED, code=0), True, ''),
    (info(ENDED, code=2), True, 'ended with 2'), (info(ENDED, code=0, restart='always'), True, 'does not run'),
    (info(RUNS, health=Health(status='unhealthy', failing_streak=1)), True, 'unhealthy')])
def test_a_check_says_what_is_wrong(now, started, said):
    found = waiting.as_it_should_be(now, started=started, job=True, expected=[0])
    assert said in found if said else found == ''


def test_a_service_that_ended_well_is_no_service():
    assert waiting.as_it_should_be(info(ENDED, code=0), started=True, job=False, expected=[0])
