# SPDX-License-Identifier: Apache-2.0
"""Memory, processes and CPU time end where the spec says."""

import pytest

from nova_container import errors
from nova_container.engine import Status
from nova_container.engine import spec as specs
from tests.conformance.deadline import eventually
from tests.functional.runtime.conftest import spec_of

pytestmark = pytest.mark.root

MIB = 1 << 20


def run(engine, script, **fields):
    container = engine.create(spec_of('sh', '-c', script, **fields))
    engine.start(container)
    return container


def text_of(engine, container):
    return b''.join(chunk.data for chunk in engine.logs(container, specs.LogQuery())).decode()


def test_a_memory_hog_is_killed_and_says_why(engine):
    events = engine.events(since=0)
    container = run(engine, 'exec tail /dev/zero', resources=specs.Resources(
        memory_bytes=16 * MIB, memory_swap_bytes=16 * MIB))
    ended = engine.wait(container, timeout_s=30)
    assert (ended.code, ended.oom_killed) == (137, True)
    for event in events:
        if (event.actor_id, event.action) == (container, 'oom'):
            break
    engine.update(container, specs.Resources(memory_bytes=64 * MIB, memory_swap_bytes=64 * MIB))
    engine.start(container)
    assert engine.usage(container).memory_limit_bytes == 64 * MIB


def test_the_next_run_is_not_blamed_for_the_memory_of_the_last(engine):
    container = run(engine, 'if [ -e /once ]; then exit 3; fi; touch /once; exec tail /dev/zero',
                    resources=specs.Resources(memory_bytes=16 * MIB, memory_swap_bytes=16 * MIB))
    assert engine.wait(container, timeout_s=30).oom_killed
    engine.start(container)
    ended = engine.wait(container, timeout_s=10)
    assert (ended.code, ended.oom_killed) == (3, False)


def test_a_fork_bomb_is_held_at_its_limit(engine):
    container = run(engine, 'bomb() { bomb | bomb & }; bomb; sleep 600', resources=specs.Resources(pids_limit=20))
    eventually(lambda: 'fork' in text_of(engine, container) or engine.inspect(container).status is not Status.RUNNING)
    if engine.inspect(container).status is Status.RUNNING:
        usage = engine.usage(container)
        assert usage.pids <= usage.pids_limit == 20
    assert "can't fork" in text_of(engine, container)
    engine.remove(container, force=True)


def test_cpu_time_follows_the_quota(engine):
    quota = specs.Resources(cpu_quota_us=20_000, cpu_period_us=100_000)
    container = run(engine, 'while :; do :; done', resources=quota)
    eventually(lambda: engine.usage(container).throttled_periods >= 2)
    first = engine.usage(container)
    eventually(lambda: engine.usage(container).read_at - first.read_at > 1.5)
    second = engine.usage(container)
    share = (second.cpu_total_ns - first.cpu_total_ns) / 1e9 / (second.read_at - first.read_at)
    assert 0 < share < 0.35
    assert second.throttled_periods > first.throttled_periods


def test_limits_that_are_lowered_hold_at_once(engine):
    container = run(engine, 'sleep 600')
    engine.update(container, specs.Resources(pids_limit=7, memory_bytes=32 * MIB, memory_swap_bytes=32 * MIB))
    usage = engine.usage(container)
    assert (usage.pids_limit, usage.memory_limit_bytes) == (7, 32 * MIB)


def test_processors_that_are_not_there_are_refused_at_create_and_at_update(engine):
    beyond = specs.Resources(cpuset_cpus='4000')
    with pytest.raises(errors.InvalidSpec, match='CpusetCpus: 4000 asks for 4000, and this host has'):
        engine.create(spec_of('true', resources=beyond))
    container = engine.create(spec_of('sleep', '600', resources=specs.Resources(cpuset_cpus='0')))
    for _ in range(2):
        with pytest.raises(errors.InvalidSpec):
            engine.update(container, beyond)
        assert engine.inspect(container).spec.resources.cpuset_cpus == '0'
        engine.start(container)
