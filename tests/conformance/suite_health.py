# SPDX-License-Identifier: Apache-2.0
"""Health checks: what is run, when, and what its results make of a container."""

import time

import pytest

from nova_container import errors
from nova_container.engine import ExecSpec, HealthCheck
from tests.conformance.deadline import eventually

QUICK = {'interval_s': 0.2, 'timeout_s': 5.0, 'retries': 2}
HAS_FILE = ('cat', '/tmp/well')


class HealthSuite:
    def status(self, engine, container):
        return engine.inspect(container).health.status

    def test_a_container_without_a_check_has_no_health(self, engine, run):
        assert engine.inspect(run('sleep', '600')).health is None

    def test_a_check_that_succeeds_makes_it_healthy(self, engine, run):
        container = run('sleep', '600', health=HealthCheck(test=('echo', 'well'), **QUICK))
        assert self.status(engine, container) == 'starting'
        eventually(lambda: self.status(engine, container) == 'healthy')
        health = engine.inspect(container).health
        assert (health.failing_streak, health.probes[0].exit_code, health.probes[0].output) == (0, 0, 'well\n')
        assert health.probes[0].started_at <= health.probes[0].ended_at <= time.time() + 2

    def test_a_check_that_fails_often_enough_makes_it_unhealthy(self, engine, run):
        container = run('sleep', '600', health=HealthCheck(test=('false',), **QUICK))
        eventually(lambda: self.status(engine, container) == 'unhealthy')
        health = engine.inspect(container).health
        assert health.failing_streak >= 2
        assert health.probes[-1].exit_code == 1

    def test_it_falls_ill_and_recovers(self, engine, run_ready):
        container = run_ready('echo ready; sleep 600', health=HealthCheck(test=HAS_FILE, **QUICK))
        eventually(lambda: self.status(engine, container) == 'unhealthy')
        engine.exec(container, ExecSpec(command=('sh', '-c', 'echo x > /tmp/well')))
        eventually(lambda: self.status(engine, container) == 'healthy')
        engine.exec(container, ExecSpec(command=('rm', '/tmp/well')))
        eventually(lambda: self.status(engine, container) == 'unhealthy')

    def test_failures_while_it_starts_do_not_count(self, engine, run):
        container = run('sleep', '600', health=HealthCheck(test=('false',), start_period_s=600.0, **QUICK))
        eventually(lambda: len(engine.inspect(container).health.probes) >= 2)
        health = engine.inspect(container).health
        assert (health.status, health.failing_streak) == ('starting', 0)

    def test_a_line_for_the_shell_is_given_to_it(self, engine, run):
        container = run('sleep', '600', health=HealthCheck(test=('echo $((1+1)); exit 3',), shell=True, **QUICK))
        eventually(lambda: engine.inspect(container).health.probes)
        assert engine.inspect(container).health.probes[0].exit_code == 3

    def test_a_probe_that_takes_too_long_fails(self, engine, run):
        check = HealthCheck(test=('sleep', '600'), interval_s=0.2, timeout_s=0.3, retries=1)
        container = run('sleep', '600', health=check)
        eventually(lambda: self.status(engine, container) == 'unhealthy')
        assert engine.inspect(container).health.probes[0].exit_code == -1
        assert 'exceeded timeout' in engine.inspect(container).health.probes[0].output

    def test_five_probes_are_kept(self, engine, run):
        container = run('sleep', '600', health=HealthCheck(test=('true',), interval_s=0.05, timeout_s=5.0))
        eventually(lambda: len(engine.inspect(container).health.probes) == 5)
        first = engine.inspect(container).health.probes[0]
        eventually(lambda: engine.inspect(container).health.probes[0] != first)
        assert len(engine.inspect(container).health.probes) == 5

    def test_the_check_of_the_image_is_run(self, engine, image_with, run):
        name = image_with(config={'Healthcheck': {'Test': ['CMD', 'true'], 'Interval': 200_000_000}})
        container = run('sleep', '600', image=name)
        assert engine.inspect(container).spec.health.test == ('true',)
        eventually(lambda: self.status(engine, container) == 'healthy')

    def test_the_check_of_the_image_is_turned_off(self, engine, image_with, run):
        name = image_with(config={'Healthcheck': {'Test': ['CMD', 'true'], 'Interval': 200_000_000}})
        assert engine.inspect(run('sleep', '600', image=name, no_health=True)).health is None

    def test_the_command_of_the_image_is_run_more_often(self, engine, image_with, run):
        name = image_with(config={'Healthcheck': {'Test': ['CMD', 'true'], 'Interval': 600_000_000_000}})
        container = run('sleep', '600', image=name, health=HealthCheck(interval_s=0.2))
        eventually(lambda: self.status(engine, container) == 'healthy')

    def test_nobody_watches_what_has_ended(self, engine, run):
        container = run('sleep', '600', health=HealthCheck(test=('true',), **QUICK))
        eventually(lambda: self.status(engine, container) == 'healthy')
        engine.kill(container)
        engine.wait(container, timeout_s=20)
        assert self.status(engine, container) == 'unhealthy'
        engine.start(container)
        assert self.status(engine, container) == 'starting'

    def test_events_tell_of_a_change(self, engine, run):
        events = engine.events()
        container = run('sleep', '600', health=HealthCheck(test=('true',), **QUICK))
        for event in events:
            if event.actor_id == container and event.action.startswith('health_status'):
                assert event.action == 'health_status: healthy'
                break

    def test_a_wrong_check_is_refused(self, engine, create):
        with pytest.raises(errors.InvalidRequest):
            create('true', health=HealthCheck(test=('true',), interval_s=-1.0))
