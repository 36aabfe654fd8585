# SPDX-License-Identifier: Apache-2.0
"""How a container lives: create, start, stop, kill, restart, pause, remove, wait."""

import threading
import time

import pytest

from nova_container import errors
from nova_container.engine import spec as specs
from nova_container.engine.state import Status
from tests.conformance.deadline import eventually

IGNORES_TERM = ('sleep', '600')  # the first process of a namespace gets only signals it handles
ENDS_WITH_7 = 'trap "exit 7" TERM; echo ready; sleep 600 & wait'


class LifecycleSuite:
    def test_a_created_container_waits_to_be_started(self, engine, create):
        container = create('sleep', '600')
        info = engine.inspect(container)
        assert (info.id, info.status, info.pid, info.started_at, info.exit) == (
            container, Status.CREATED, None, None, None)

    def test_a_started_container_runs(self, engine, create):
        container = create('sleep', '600')
        before = time.time()
        engine.start(container)
        info = engine.inspect(container)
        assert info.status is Status.RUNNING
        assert info.pid > 0
        assert before - 2 <= info.started_at <= time.time() + 2

    def test_one_that_goes_when_it_ends_goes_if_it_cannot_be_started(self, engine, create):
        container = create('no-such-program', auto_remove=True)
        with pytest.raises(errors.ContainerError):
            engine.start(container)
        eventually(lambda: container not in [info.id for info in engine.list()])

    def test_start_is_silent_if_it_runs(self, engine, run):
        container = run('sleep', '600')
        pid = engine.inspect(container).pid
        engine.start(container)
        assert engine.inspect(container).pid == pid

    def test_a_stopped_container_starts_again(self, engine, run):
        container = run('sh', '-c', 'exit 3')
        engine.wait(container, timeout_s=20)
        engine.start(container)
        assert engine.wait(container, timeout_s=20).code == 3

    @pytest.mark.parametrize(('command', 'code'), [
        (('true',), 0), (('false',), 1), (('sh', '-c', 'exit 42'), 42)])
    def test_the_exit_code_is_that_of_the_first_process(self, engine, run, command, code):
        container = run(*command)
        assert engine.wait(container, timeout_s=20).code == code
        info = engine.inspect(container)
        assert (info.status, info.exit.code, info.pid) == (Status.STOPPED, code, None)
        assert info.exit.oom_killed is False
        assert info.started_at <= info.exit.finished_at <= time.time() + 2

    def test_a_killed_process_ends_with_128_and_the_signal(self, engine, run):
        container = run('sleep', '600')
        engine.kill(container)
        assert engine.wait(container, timeout_s=20).code == 137

    @pytest.mark.parametrize('signal', ['SIGUSR1', 'USR1', '10'])
    def test_kill_sends_a_signal_by_name_or_number(self, engine, run_ready, signal):
        container = run_ready('trap "exit 5" USR1; echo ready; sleep 600 & wait')
        engine.kill(container, signal)
        assert engine.wait(container, timeout_s=20).code == 5

    def test_kill_of_what_is_not_alive_is_a_wrong_state(self, engine, create, run):
        stopped = run('true')
        engine.wait(stopped, timeout_s=20)
        for container in (stopped, create('true')):
            with pytest.raises(errors.WrongState):
                engine.kill(container)

    def test_kill_with_an_unknown_signal_is_invalid_and_harmless(self, engine, run):
        container = run('sleep', '600')
        with pytest.raises(errors.InvalidRequest):
            engine.kill(container, 'SIGNONSENSE')
        assert engine.inspect(container).status is Status.RUNNING

    def test_stop_lets_the_process_end_by_itself(self, engine, run_ready):
        container = run_ready(ENDS_WITH_7)
        engine.stop(container)
        assert engine.inspect(container).exit.code == 7

    def test_stop_kills_what_ignores_it_after_the_grace(self, engine, run):
        container = run(*IGNORES_TERM)
        started = time.monotonic()
        engine.stop(container, grace_s=1)
        took_s = time.monotonic() - started
        assert 0.9 <= took_s < 6
        assert engine.inspect(container).exit.code == 137

    def test_stop_without_grace_kills_at_once(self, engine, run):
        container = run(*IGNORES_TERM)
        started = time.monotonic()
        engine.stop(container, grace_s=0)
        assert time.monotonic() - started < 3
        assert engine.inspect(container).status is Status.STOPPED

    def test_stop_takes_the_grace_of_the_container(self, engine, run):
        container = run(*IGNORES_TERM, stop_timeout_s=1)
        started = time.monotonic()
        engine.stop(container)
        assert 0.9 <= time.monotonic() - started < 6

    def test_stop_sends_the_signal_of_the_container(self, engine, run_ready):
        container = run_ready('trap "exit 9" USR2; echo ready; sleep 600 & wait', stop_signal='SIGUSR2')
        engine.stop(container)
        assert engine.inspect(container).exit.code == 9

    def test_stop_is_silent_if_it_is_not_alive(self, engine, create, run):
        ended = run('true')
        engine.wait(ended, timeout_s=20)
        engine.stop(ended)
        engine.stop(create('true'))
        assert engine.inspect(ended).exit.code == 0

    def test_under_a_reaper_a_signal_has_its_default_effect(self, engine, run):
        container = run('sleep', '600', init=True)
        # Its own line has the reaper run, too, which at first has no handler: a signal then is lost on process 1.
        eventually(lambda: any(row.command.startswith('sleep') for row in engine.top(container)))
        engine.stop(container, grace_s=10)
        assert engine.inspect(container).exit.code == 143

    def test_restart_keeps_the_files(self, engine, run_ready):
        container = run_ready('echo again >> /count; echo ready; sleep 600')
        first = engine.inspect(container)
        engine.restart(container, grace_s=0)
        second = engine.inspect(container)
        assert second.status is Status.RUNNING
        assert second.pid != first.pid
        eventually(lambda: engine.stat_path(container, '/count').size_bytes == 12)

    def test_restart_starts_what_is_not_alive(self, engine, create):
        container = create('sleep', '600')
        engine.restart(container, grace_s=0)
        assert engine.inspect(container).status is Status.RUNNING

    def test_restart_wakes_what_is_paused(self, engine, run):
        container = run('sleep', '600')
        engine.pause(container)
        engine.restart(container, grace_s=0)
        assert engine.inspect(container).status is Status.RUNNING

    def test_pause_and_unpause_are_silent_if_already_there(self, engine, run):
        container = run('sleep', '600')
        engine.unpause(container)
        engine.pause(container)
        engine.pause(container)
        assert engine.inspect(container).status is Status.PAUSED
        engine.unpause(container)
        engine.unpause(container)
        assert engine.inspect(container).status is Status.RUNNING

    def test_a_paused_process_does_nothing(self, engine, run_ready):
        container = run_ready('echo ready; sleep 1; echo more > /more')
        engine.pause(container)
        time.sleep(1.5)
        with pytest.raises(errors.NotFound):
            engine.stat_path(container, '/more')
        engine.unpause(container)
        assert engine.wait(container, timeout_s=20).code == 0

    def test_a_paused_container_does_not_start(self, engine, run):
        container = run('sleep', '600')
        engine.pause(container)
        with pytest.raises(errors.WrongState):
            engine.start(container)

    def test_what_is_not_alive_cannot_be_paused_or_unpaused(self, engine, create, run):
        ended = run('true')
        engine.wait(ended, timeout_s=20)
        for container in (ended, create('true')):
            for verb in (engine.pause, engine.unpause):
                with pytest.raises(errors.WrongState):
                    verb(container)

    def test_stop_ends_what_is_paused(self, engine, run):
        container = run('sleep', '600')
        engine.pause(container)
        engine.stop(container, grace_s=0)
        assert engine.inspect(container).status is Status.STOPPED

    def test_kill_ends_what_is_paused(self, engine, run):
        container = run('sleep', '600')
        engine.pause(container)
        engine.kill(container)
        assert engine.wait(container, timeout_s=20).code == 137

    def test_remove_of_what_is_alive_needs_force(self, engine, run):
        container = run('sleep', '600')
        with pytest.raises(errors.WrongState):
            engine.remove(container)
        assert engine.inspect(container).status is Status.RUNNING
        engine.remove(container, force=True)
        with pytest.raises(errors.ContainerNotFound):
            engine.inspect(container)

    def test_force_removes_what_is_paused(self, engine, run):
        container = run('sleep', '600')
        engine.pause(container)
        engine.remove(container, force=True)
        assert container not in {info.id for info in engine.list()}

    def test_remove_is_silent_if_there_is_none(self, engine, create):
        engine.remove('no-such-container')
        container = create('true')
        engine.remove(container)
        engine.remove(container)

    def test_wait_ends_when_the_time_is_over(self, engine, run):
        container = run('sleep', '600')
        started = time.monotonic()
        assert engine.wait(container, timeout_s=0.5) is None
        assert 0.4 <= time.monotonic() - started < 5

    def test_wait_counts_a_created_container_as_ended(self, engine, create):
        assert engine.wait(create('sleep', '600'), timeout_s=5) is not None

    def test_wait_sees_an_end_that_comes_later(self, engine, run):
        container = run('sleep', '600')
        seen = []
        waiter = threading.Thread(target=lambda: seen.append(engine.wait(container, timeout_s=30)))
        waiter.start()
        time.sleep(0.2)
        engine.kill(container)
        waiter.join(20)
        assert [ended.code for ended in seen] == [137]

    def test_a_failing_process_is_restarted_as_often_as_its_policy_says(self, engine, run):
        policy = specs.RestartPolicy(name='on-failure', maximum_retries=2)
        container = run('sh', '-c', 'echo x >> /runs; exit 3', restart=policy)
        eventually(lambda: engine.inspect(container).restart_count == 2
                   and engine.inspect(container).status is Status.STOPPED)
        assert engine.inspect(container).exit.code == 3
        assert engine.stat_path(container, '/runs').size_bytes == 6

    def test_a_process_that_ends_well_is_restarted_only_by_always(self, engine, run):
        on_failure = run('sh', '-c', 'echo x >> /runs', restart=specs.RestartPolicy(name='on-failure'))
        always = run('sh', '-c', 'echo x >> /runs', restart=specs.RestartPolicy(name='always'))
        eventually(lambda: engine.inspect(always).restart_count >= 1)
        assert engine.inspect(on_failure).restart_count == 0

    def test_one_that_waits_for_its_restart_says_so_and_can_be_stopped(self, engine, run):
        container = run('sh', '-c', 'exit 3', restart=specs.RestartPolicy(name='always'))
        eventually(lambda: engine.inspect(container).restart_count > 1
                   and engine.inspect(container).status is Status.RESTARTING)
        assert engine.inspect(container).exit.code == 3
        assert engine.inspect(container).pid is None
        engine.stop(container)
        count = engine.inspect(container).restart_count
        assert engine.inspect(container).status is Status.STOPPED
        time.sleep(1)
        assert (engine.inspect(container).status, engine.inspect(container).restart_count) == (Status.STOPPED, count)

    def test_one_that_waits_for_its_restart_is_removed_by_force_only(self, engine, run):
        container = run('sh', '-c', 'exit 3', restart=specs.RestartPolicy(name='always'))
        eventually(lambda: engine.inspect(container).restart_count > 2
                   and engine.inspect(container).status is Status.RESTARTING)
        with pytest.raises(errors.WrongState):
            engine.remove(container)
        engine.remove(container, force=True)
        assert container not in {info.id for info in engine.list()}

    def test_stop_sends_another_signal_if_asked(self, engine, run_ready):
        container = run_ready('trap "exit 9" USR1; echo ready; sleep 600 & wait')
        engine.stop(container, grace_s=20, signal='SIGUSR1')
        assert engine.inspect(container).exit.code == 9

    def test_what_was_stopped_is_not_restarted(self, engine, run):
        container = run('sleep', '600', restart=specs.RestartPolicy(name='always'))
        engine.stop(container, grace_s=0)
        time.sleep(0.5)
        assert engine.inspect(container).status is Status.STOPPED

    def test_what_was_killed_is_not_restarted(self, engine, run):
        container = run('sleep', '600', restart=specs.RestartPolicy(name='always'))
        engine.kill(container)
        engine.wait(container, timeout_s=20)
        time.sleep(0.5)
        assert engine.inspect(container).status is Status.STOPPED

    def test_an_auto_removed_container_is_gone_after_its_end(self, engine, run):
        container = run('sleep', '600', auto_remove=True)
        engine.kill(container)
        eventually(lambda: container not in {info.id for info in engine.list()})
