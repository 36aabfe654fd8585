# SPDX-License-Identifier: Apache-2.0
"""Health checks and restarts over the life of the daemon, and what they cost."""

import io
import os
import signal
import threading
import time

import pytest

from nova_container.engine import HealthCheck, Resources, RestartPolicy
from tests.conformance.deadline import eventually
from tests.functional.runtime.conftest import opened, spec_of

pytestmark = pytest.mark.root

QUICK = HealthCheck(test=('true',), interval_s=0.2, timeout_s=5.0)


def run(engine, *command, **fields):
    container = engine.create(spec_of(*command, **fields))
    engine.start(container)
    return container


def test_no_thread_for_each_container(settings, image_bytes):
    with opened(settings) as engine:
        engine.load(io.BytesIO(image_bytes))
        assert [thread.name for thread in threading.enumerate() if thread.name.startswith('health')] == []
        containers = [run(engine, 'sleep', '600', health=QUICK) for _ in range(12)]
        eventually(lambda: all(engine.inspect(container).health.status == 'healthy' for container in containers), 60)
        assert len([thread for thread in threading.enumerate() if thread.name.startswith('health')]) <= 9


def test_a_probe_that_takes_too_long_is_killed(engine):
    container = run(engine, 'sleep', '600', health=HealthCheck(
        test=('sleep', '12345'), interval_s=0.2, timeout_s=0.3, retries=1))
    eventually(lambda: engine.inspect(container).health.status == 'unhealthy')
    eventually(lambda: sum('sleep 12345' in row.command for row in engine.top(container)) <= 1)


def test_a_frozen_container_is_not_probed(engine):
    container = run(engine, 'sleep', '600', health=QUICK)
    eventually(lambda: engine.inspect(container).health.status == 'healthy')
    engine.pause(container)
    time.sleep(0.5)
    before = engine.inspect(container).health.probes
    time.sleep(1.0)
    assert engine.inspect(container).health.probes == before
    engine.unpause(container)
    eventually(lambda: engine.inspect(container).health.probes != before)


def test_checks_go_on_after_the_daemon_was_killed(daemon):
    container = run(daemon.client(), 'sleep', '600', health=QUICK)
    eventually(lambda: daemon.client().inspect(container).health.status == 'healthy')
    daemon.kill()
    daemon.start()
    assert daemon.client().inspect(container).health.status == 'healthy'
    eventually(lambda: len(daemon.client().inspect(container).health.probes) == 5)
    daemon.client().remove(container, force=True)


@pytest.mark.parametrize(('policy', 'command', 'stopped', 'again'), [
    ('always', ('sleep', '600'), False, True), ('unless-stopped', ('sleep', '600'), False, True),
    ('unless-stopped', ('sleep', '600'), True, False), ('always', ('sleep', '600'), True, True),
    ('no', ('sleep', '600'), False, False), ('on-failure', ('sleep', '600'), True, False)])
def test_restarts_after_the_daemon_and_the_container_went_down(daemon, policy, command, stopped, again):
    client = daemon.client()
    container = run(client, *command, restart=RestartPolicy(name=policy))
    if stopped:
        client.stop(container, grace_s=0)
    pid = client.inspect(container).pid
    daemon.kill()
    if pid:
        os.kill(pid, signal.SIGKILL)
    daemon.start()
    client = daemon.client()
    if again:
        eventually(lambda: client.inspect(container).status.alive)
    else:
        time.sleep(1.0)
        assert not client.inspect(container).status.alive
    client.remove(container, force=True)


def test_a_policy_given_later_acts_at_the_next_end(engine):
    container = run(engine, 'sh', '-c', 'sleep 1; exit 1')
    engine.update(container, Resources(), RestartPolicy(name='on-failure', maximum_retries=2))
    eventually(lambda: engine.inspect(container).restart_count == 2, 30)
    engine.wait(container, timeout_s=20)
    time.sleep(1.0)
    assert not engine.inspect(container).status.alive
