# SPDX-License-Identifier: Apache-2.0
"""Bytes to and from the first process: logs, attach, terminals; and what it uses."""

import threading
import time

import pytest

from nova_container import errors
from nova_container.engine import spec as specs
from nova_container.engine.state import StreamName
from tests.conformance.deadline import eventually

MIB = 1 << 20
BOTH = 'echo one; echo two >&2; echo three; echo four >&2'


class StreamsSuite:
    def test_logs_hold_both_streams(self, engine, run):
        container = run('sh', '-c', BOTH)
        engine.wait(container, timeout_s=20)
        assert text(engine, container, stderr=False) == b'one\nthree\n'
        assert text(engine, container, stdout=False) == b'two\nfour\n'
        streams = {chunk.stream for chunk in engine.logs(container, specs.LogQuery())}
        assert streams == {StreamName.STDOUT, StreamName.STDERR}

    def test_logs_are_ordered_in_time(self, engine, run):
        before = time.time()
        container = run('sh', '-c', 'echo one; sleep 0.2; echo two; sleep 0.2; echo three')
        engine.wait(container, timeout_s=20)
        chunks = list(engine.logs(container, specs.LogQuery()))
        assert b''.join(chunk.data for chunk in chunks) == b'one\ntwo\nthree\n'
        times = [chunk.time for chunk in chunks]
        assert times == sorted(times)
        assert before - 1 <= times[0]
        assert 0.3 <= times[-1] - times[0] < 10

    @pytest.mark.parametrize(('tail', 'expected'), [
        (0, b''), (1, b'three\n'), (2, b'two\nthree\n'), (9, b'one\ntwo\nthree\n'), (None, b'one\ntwo\nthree\n')])
    def test_logs_may_begin_with_the_last_lines(self, engine, run, tail, expected):
        container = run('sh', '-c', 'echo one; echo two; echo three')
        engine.wait(container, timeout_s=20)
        assert text(engine, container, tail=tail) == expected

    def test_logs_may_begin_and_end_at_a_time(self, engine, run):
        container = run('sh', '-c', 'echo one; sleep 0.4; echo two; sleep 0.4; echo three')
        engine.wait(container, timeout_s=20)
        times = [chunk.time for chunk in engine.logs(container, specs.LogQuery())]
        assert text(engine, container, since=times[1] - 0.1) == b'two\nthree\n'
        assert text(engine, container, until=times[1] + 0.1) == b'one\ntwo\n'
        assert text(engine, container, since=times[1] - 0.1, until=times[1] + 0.1) == b'two\n'

    def test_a_last_line_without_an_end_is_kept(self, engine, run):
        container = run('sh', '-c', 'echo one; echo -n rest')
        engine.wait(container, timeout_s=20)
        assert text(engine, container) == b'one\nrest'

    def test_a_created_container_has_no_logs(self, engine, create):
        assert text(engine, create('echo', 'x')) == b''

    def test_logs_outlive_a_restart(self, engine, run):
        container = run('echo', 'again')
        engine.wait(container, timeout_s=20)
        engine.start(container)
        engine.wait(container, timeout_s=20)
        assert text(engine, container) == b'again\nagain\n'

    def test_followed_logs_come_as_they_are_written_and_end_with_the_process(self, engine, run):
        container = run('sh', '-c', 'echo one; sleep 1; echo two')
        arrived = []
        for chunk in engine.logs(container, specs.LogQuery(follow=True)):
            arrived.append((chunk.data, time.monotonic()))
        assert [data for data, _ in arrived] == [b'one\n', b'two\n']
        assert arrived[1][1] - arrived[0][1] > 0.5

    def test_followed_logs_of_what_is_over_end_at_once(self, engine, run):
        container = run('echo', 'done')
        engine.wait(container, timeout_s=20)
        assert text(engine, container, follow=True) == b'done\n'

    def test_a_long_line_comes_whole(self, engine, run, image_with):
        line = b'x' * 100_000 + b'\n'
        container = run('cat', '/long', image=image_with(files={'/long': line}))
        engine.wait(container, timeout_s=20)
        assert text(engine, container) == line

    def test_an_attached_session_carries_input_and_output(self, engine, run):
        container = run('cat', open_stdin=True, stdin_once=True)
        with engine.attach(container) as session:
            session.write(b'ping\n')
            assert session.read() == (StreamName.STDOUT, b'ping\n')
            session.close_stdin()
            session.close_stdin()
            assert session.read() is None
        assert engine.wait(container, timeout_s=20).code == 0

    def test_a_session_attached_before_start_misses_nothing(self, engine, create):
        container = create('sh', '-c', BOTH)
        with engine.attach(container) as session:
            engine.start(container)
            pieces = drained(session)
        assert b''.join(data for stream, data in pieces if stream is StreamName.STDOUT) == b'one\nthree\n'
        assert b''.join(data for stream, data in pieces if stream is StreamName.STDERR) == b'two\nfour\n'

    def test_the_process_outlives_its_session(self, engine, run):
        container = run('cat', open_stdin=True)
        engine.attach(container).close()
        with engine.attach(container) as session:
            session.write(b'still here\n')
            assert session.read() == (StreamName.STDOUT, b'still here\n')
        assert engine.inspect(container).status.alive

    def test_close_wakes_a_blocked_read(self, engine, run):
        session = engine.attach(run('sleep', '600'))
        seen = []
        reader = threading.Thread(target=lambda: seen.append(session.read()), daemon=True)
        reader.start()
        time.sleep(0.2)
        session.close()
        session.close()
        reader.join(10)
        assert seen == [None]

    def test_two_sessions_see_the_same(self, engine, run):
        container = run('cat', open_stdin=True)
        with engine.attach(container) as first, engine.attach(container) as second:
            first.write(b'shared\n')
            assert first.read() == second.read() == (StreamName.STDOUT, b'shared\n')

    def test_without_open_stdin_the_process_reads_its_end(self, engine, run):
        assert engine.wait(run('cat'), timeout_s=20).code == 0

    def test_a_terminal_joins_the_streams(self, engine, run):
        container = run('sh', '-c', '[ -t 1 ] && echo terminal; echo error >&2', tty=True)
        engine.wait(container, timeout_s=20)
        chunks = list(engine.logs(container, specs.LogQuery()))
        assert b''.join(chunk.data for chunk in chunks) == b'terminal\r\nerror\r\n'
        assert {chunk.stream for chunk in chunks} == {StreamName.STDOUT}

    def test_a_terminal_has_the_size_it_was_given(self, engine, run):
        container = run('sh', '-c', 'read line; stty size', tty=True, open_stdin=True)
        engine.resize(container, rows=33, columns=111)
        with engine.attach(container) as session:
            session.write(b'go\n')
            assert b'33 111' in b''.join(data for _, data in drained(session))

    def test_resize_needs_a_process_with_a_terminal(self, engine, create, run):
        for container in (create('true', tty=True), run('sleep', '600')):
            with pytest.raises(errors.WrongState):
                engine.resize(container, rows=10, columns=10)

    def test_usage_is_plausible(self, engine, run):
        container = run('sleep', '600', resources=specs.Resources(memory_bytes=64 * MIB, pids_limit=77))
        before = time.time()
        usage = engine.usage(container)
        assert before - 2 <= usage.read_at <= time.time() + 2
        assert 0 < usage.memory_bytes < 64 * MIB
        assert (usage.memory_limit_bytes, usage.pids_limit) == (64 * MIB, 77)
        assert 1 <= usage.pids <= 5
        assert 0 < usage.cpu_total_ns < 60e9
        assert usage.online_cpus >= 1

    def test_the_number_of_processes_is_limited_by_default(self, engine, run):
        assert engine.usage(run('sleep', '600')).pids_limit == 2048

    def test_top_shows_the_processes(self, engine, run):
        container = run('sleep', '600')
        eventually(lambda: 'sleep 600' in [row.command for row in engine.top(container)])
        row = next(row for row in engine.top(container) if row.command == 'sleep 600')
        assert row.pid == engine.inspect(container).pid
        assert row.uid == 0
        assert abs(row.started_at - time.time()) < 60
        assert 0 <= row.cpu_s < 10

    def test_what_is_not_alive_uses_nothing(self, engine, create, run):
        ended = run('true')
        engine.wait(ended, timeout_s=20)
        for container in (ended, create('true')):
            for verb in (engine.usage, engine.top):
                with pytest.raises(errors.WrongState):
                    verb(container)


def text(engine, container, **query):
    return b''.join(chunk.data for chunk in engine.logs(container, specs.LogQuery(**query)))


def drained(session):
    pieces = []
    while (piece := session.read()) is not None:
        pieces.append(piece)
    return pieces
