# SPDX-License-Identifier: Apache-2.0
"""Further processes in a running container."""

import concurrent.futures
import time

import pytest

from nova_container import errors
from nova_container.engine import spec as specs
from nova_container.engine.state import StreamName
from tests.conformance.deadline import eventually


class ExecSuite:
    @pytest.fixture
    def container(self, run):
        return run('sleep', '600')

    def test_a_command_returns_its_code_and_both_streams(self, engine, container):
        result = say(engine, container, 'sh', '-c', 'echo out; echo err >&2; exit 3')
        assert (result.exit_code, result.stdout, result.stderr, result.truncated) == (3, b'out\n', b'err\n', False)

    def test_a_command_reads_what_it_is_given(self, engine, container):
        blob = bytes(range(256)) * 1000
        assert engine.exec(container, specs.ExecSpec(command=('cat',)), stdin=blob).stdout == blob

    def test_without_input_a_command_reads_its_end(self, engine, container):
        assert say(engine, container, 'cat').exit_code == 0

    def test_a_killed_command_ends_with_128_and_the_signal(self, engine, container):
        assert say(engine, container, 'sh', '-c', 'kill -9 $$').exit_code == 137

    def test_a_command_sees_the_environment_of_the_container(self, engine, run):
        container = run('sleep', '600', env=('A=1', 'B=1'), hostname='box')
        said = say(engine, container, 'env', env=('B=2', 'C=3')).stdout.decode().splitlines()
        assert {'A=1', 'B=2', 'C=3', 'HOSTNAME=box'} <= set(said)

    def test_a_command_runs_where_and_as_whom_the_container_does(self, engine, run):
        container = run('sleep', '600', cwd='/tmp', user='tenant')
        assert say(engine, container, 'sh', '-c', 'pwd; id -u').stdout == b'/tmp\n1000\n'
        assert say(engine, container, 'sh', '-c', 'pwd; id -u', cwd='/etc', user='0').stdout == b'/etc\n0\n'

    def test_a_command_on_a_terminal_joins_its_streams(self, engine, container):
        result = say(engine, container, 'sh', '-c', '[ -t 1 ] && echo terminal; echo error >&2', tty=True)
        assert (result.stdout, result.stderr) == (b'terminal\r\nerror\r\n', b'')

    def test_a_terminal_of_a_command_is_resized(self, engine, container):
        script = 'echo ready; read line; sleep 0.2; stty size'
        exec_id = engine.create_exec(
            container, specs.ExecSpec(command=('sh', '-c', script), tty=True, attach_stdin=True))
        with engine.start_exec(exec_id) as session:
            assert session.read() == (StreamName.STDOUT, b'ready\r\n')
            engine.resize_exec(exec_id, rows=20, columns=90)
            session.write(b'go\n')
            said = b''
            while (piece := session.read()) is not None:
                said += piece[1]
        assert b'20 90' in said

    def test_a_container_tells_which_commands_have_not_ended(self, engine, container):
        assert engine.inspect(container).exec_ids == ()
        waiting = specs.ExecSpec(command=('sh', '-c', 'echo ready; read line'), attach_stdin=True)
        first, second = (engine.create_exec(container, waiting) for _ in range(2))
        with engine.start_exec(first) as session:
            session.read()
            assert set(engine.inspect(container).exec_ids) == {first, second}
            session.write(b'go\n')
        eventually(lambda: engine.inspect(container).exec_ids == (second,))

    @pytest.mark.parametrize(('program', 'code'), [('no-such-program', 127), ('/etc/greeting', 126)])
    def test_a_program_that_cannot_run_ends_as_in_a_shell(self, engine, container, program, code):
        assert say(engine, container, program).exit_code == code

    def test_only_the_streams_asked_for_come(self, engine, container):
        spec = specs.ExecSpec(command=('sh', '-c', 'echo out; echo err >&2'), attach_stderr=False)
        result = engine.exec(container, spec)
        assert (result.stdout, result.stderr) == (b'out\n', b'')

    def test_output_over_the_limit_is_dropped_and_told(self, engine, run, image_with):
        container = run('sleep', '600', image=image_with(files={'/big': b'x' * 300_000}))
        result = engine.exec(container, specs.ExecSpec(command=('cat', '/big')), limit_bytes=1000)
        assert (result.exit_code, result.stdout, result.truncated) == (0, b'x' * 1000, True)

    def test_a_command_that_takes_too_long_is_unavailable(self, engine, container):
        started = time.monotonic()
        with pytest.raises(errors.Unavailable):
            engine.exec(container, specs.ExecSpec(command=('sleep', '5')), timeout_s=0.5)
        assert time.monotonic() - started < 4

    def test_an_exec_is_shown_before_while_and_after_it_runs(self, engine, container):
        spec = specs.ExecSpec(command=('cat',), attach_stdin=True)
        exec_id = engine.create_exec(container, spec)
        prepared = engine.inspect_exec(exec_id)
        assert (prepared.container_id, prepared.running, prepared.exit_code) == (container, False, None)
        assert prepared.spec.command == ('cat',)
        with engine.start_exec(exec_id) as session:
            session.write(b'x\n')
            assert session.read() == (StreamName.STDOUT, b'x\n')
            running = engine.inspect_exec(exec_id)
            assert (running.running, running.exit_code) == (True, None)
            eventually(lambda: (engine.inspect_exec(exec_id).pid or 0) > 0)  # Docker tells it a moment later
            session.close_stdin()
            assert session.read() is None
        eventually(lambda: engine.inspect_exec(exec_id).exit_code == 0)
        assert engine.inspect_exec(exec_id).running is False

    def test_the_exit_code_is_known_when_the_output_ends(self, engine, container):
        for _ in range(10):
            exec_id = engine.create_exec(container, specs.ExecSpec(command=('sh', '-c', 'echo x; exit 3')))
            with engine.start_exec(exec_id) as session:
                while session.read() is not None:
                    pass
                assert engine.inspect_exec(exec_id).exit_code == 3

    def test_an_exec_runs_once(self, engine, container):
        exec_id = engine.create_exec(container, specs.ExecSpec(command=('true',)))
        with engine.start_exec(exec_id) as session:
            while session.read() is not None:
                pass
        eventually(lambda: engine.inspect_exec(exec_id).exit_code == 0)
        with pytest.raises(errors.WrongState):
            engine.start_exec(exec_id)

    def test_a_command_needs_a_running_container(self, engine, create, run):
        ended, paused = run('true'), run('sleep', '600')
        engine.wait(ended, timeout_s=20)
        engine.pause(paused)
        for other in (create('true'), ended, paused):
            with pytest.raises(errors.WrongState):
                engine.create_exec(other, specs.ExecSpec(command=('true',)))

    def test_a_prepared_command_needs_a_container_that_still_runs(self, engine, container):
        exec_id = engine.create_exec(container, specs.ExecSpec(command=('true',)))
        engine.kill(container)
        engine.wait(container, timeout_s=20)
        with pytest.raises((errors.WrongState, errors.ExecNotFound)):
            engine.start_exec(exec_id)

    def test_an_exec_without_a_command_is_refused(self, engine, container):
        with pytest.raises(errors.InvalidRequest):
            engine.create_exec(container, specs.ExecSpec(command=()))

    def test_an_unknown_exec_is_not_found(self, engine):
        for verb in (engine.inspect_exec, engine.start_exec):
            with pytest.raises(errors.ExecNotFound):
                verb('0' * 64)

    def test_a_command_ends_with_its_container(self, engine, container):
        exec_id = engine.create_exec(container, specs.ExecSpec(command=('sh', '-c', 'echo ready; sleep 600')))
        with engine.start_exec(exec_id) as session:
            assert session.read() == (StreamName.STDOUT, b'ready\n')
            engine.kill(container)
            assert session.read() is None

    def test_many_commands_run_at_once(self, engine, container):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            results = list(pool.map(lambda number: say(engine, container, 'echo', str(number)), range(16)))
        assert [result.stdout for result in results] == [f'{number}\n'.encode() for number in range(16)]


def say(engine, container, *command, **fields):
    return engine.exec(container, specs.ExecSpec(command=command, **fields), timeout_s=30)
