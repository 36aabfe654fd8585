# SPDX-License-Identifier: Apache-2.0
"""Output: kept within limits, followed across rotations, and never a reason for a container to wait."""

import threading
import time

import pytest

from nova_container.engine import Status, StreamName
from nova_container.engine import spec as specs
from nova_container.runtime import attachment
from tests.conformance.deadline import eventually
from tests.functional.runtime.conftest import spec_of

pytestmark = pytest.mark.root

SMALL = specs.LogLimits(file_bytes=64 << 10, files=3)
COUNT = 'i=0; while [ $i -lt {} ]; do echo line $i; i=$((i+1)); {}done'


def run(engine, script, **fields):
    container = engine.create(spec_of('sh', '-c', script, **fields))
    engine.start(container)
    return container


def lines(engine, container, **query):
    text = b''.join(chunk.data for chunk in engine.logs(container, specs.LogQuery(**query)))
    return text.decode().splitlines()


def log_files(settings, container):
    return sorted((settings.containers / container[:16] / 'log').iterdir())


def test_a_flood_of_output_takes_three_files_of_bounded_size(engine, settings):
    container = run(engine, 'timeout 1 yes 0123456789; echo; echo the end; sleep 600', log=SMALL)
    eventually(lambda: lines(engine, container, tail=1, stderr=False) == ['the end'])  # the shell tells of the signal
    files = log_files(settings, container)
    assert 1 < len(files) <= 3
    sizes = [path.stat().st_size for path in files]
    print(f'sizes after a second of yes: {[size >> 10 for size in sizes]} KiB')
    assert max(sizes) < 256 << 20
    flood = lines(engine, container, tail=1000, stderr=False)
    assert set(flood[:-3]) == {'0123456789'}


def test_the_tail_of_a_flood_is_as_long_as_was_asked_and_ends(engine):
    container = run(engine, 'exec yes 0123456789', log=specs.LogLimits(file_bytes=1 << 20, files=3))
    eventually(lambda: len(lines(engine, container, tail=100)) == 100)
    assert [len(lines(engine, container, tail=100)) for _ in range(20)] == [100] * 20
    engine.kill(container)


def test_every_line_is_followed_in_order_across_rotations(engine, settings):
    container = run(engine, COUNT.format(20000, '[ $((i % 200)) -ne 0 ] || usleep 20000; '), log=SMALL)
    followed = lines(engine, container, follow=True)
    assert 1 < len(log_files(settings, container)) <= 3  # two, if it ended while one was moved
    assert followed == [f'line {number}' for number in range(20000)]


def test_the_last_lines_come_from_older_files_too(engine, settings):
    container = run(engine, COUNT.format(3000, '') + '; sleep 3; echo line 3000; sleep 600', log=SMALL)
    eventually(lambda: lines(engine, container, tail=1) == ['line 3000'])
    assert len(log_files(settings, container)) > 1
    assert lines(engine, container, tail=2000) == [f'line {number}' for number in range(1001, 3001)]
    assert lines(engine, container) == [f'line {number}' for number in range(3001)]


def test_a_single_file_is_emptied_when_it_is_full(engine, settings):
    container = run(engine, COUNT.format(6000, '[ $((i % 100)) -ne 0 ] || usleep 50000; ') + '; echo the end',
                    log=specs.LogLimits(file_bytes=16 << 10, files=1))
    followed = lines(engine, container, follow=True)
    assert len(log_files(settings, container)) == 1
    assert followed[-1] == 'the end'
    assert len(lines(engine, container)) < 6000


def test_a_log_survives_the_end_of_its_monitor_and_a_rotation_after_it(engine, settings):
    container = run(engine, COUNT.format(3000, '') + '; sleep 600', log=SMALL)
    newest = settings.containers / container[:16] / 'log' / 'log'
    eventually(lambda: lines(engine, container, tail=1) == ['line 2999']
               and newest.exists() and newest.stat().st_size < SMALL.file_bytes)  # it is moved no more
    newest.unlink()
    assert lines(engine, container)[:10] == [f'line {number}' for number in range(10)]


def test_output_that_nobody_reads_holds_up_no_container(engine, monkeypatch):
    """Two clients attach and never read; the container writes far more than any buffer."""
    monkeypatch.setattr(attachment, '_STALL_S', 0.5)
    script = 'read go; dd if=/dev/zero bs=1M count=16 2>/dev/null | tr "\\0" x; echo; echo done >&2; exec sleep 600'
    container = run(engine, script, open_stdin=True, log=specs.LogLimits(file_bytes=1 << 20, files=2))
    with engine.attach(container) as silent, engine.attach(container) as other:
        other.write(b'go\n')
        eventually(lambda: lines(engine, container, stdout=False) == ['done'], timeout_s=30)
        silent.close()
    assert engine.inspect(container).status is Status.RUNNING


def test_a_client_that_was_there_before_the_start_sees_all(engine):
    container = engine.create(spec_of('sh', '-c', 'echo first; echo error >&2; read line; echo got $line',
                                      open_stdin=True, stdin_once=True))
    session, seen = engine.attach(container), {StreamName.STDOUT: b'', StreamName.STDERR: b''}

    def read():
        while piece := session.read():
            seen[piece[0]] += piece[1]

    reader = threading.Thread(target=read)
    reader.start()
    engine.start(container)
    session.write(b'input\n')
    session.close_stdin()
    reader.join(20)
    assert not reader.is_alive()
    assert seen == {StreamName.STDOUT: b'first\ngot input\n', StreamName.STDERR: b'error\n'}


def test_a_client_that_waits_for_a_start_is_let_go_by_a_removal(engine):
    container = engine.create(spec_of('true'))
    session, ended = engine.attach(container), threading.Event()
    threading.Thread(target=lambda: (session.read(), ended.set())).start()
    engine.remove(container)
    assert ended.wait(10)


def test_a_terminal_is_sized_while_it_runs(engine):
    container = engine.create(spec_of('sh', '-c', 'trap "stty size" WINCH; echo ready; while :; do sleep 0.05; done',
                                      tty=True))
    with engine.attach(container) as session:
        engine.start(container)
        read_until(session, b'ready')
        engine.resize(container, rows=33, columns=99)
        read_until(session, b'33 99')


def read_until(session, wanted):
    text, deadline = b'', time.monotonic() + 20
    while wanted not in text:
        assert time.monotonic() < deadline
        text += session.read()[1]
