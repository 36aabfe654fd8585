# SPDX-License-Identifier: Apache-2.0
"""Streams flow both ways, and a client that goes away takes its threads and descriptors with it."""

import json
import os
import socket
import threading
import time

import pytest

from nova_container import errors
from nova_container.docker import frames
from nova_container.docker.server import Limits, Server
from nova_container.engine import (
    ContainerSpec, ExecSpec, LogQuery, ProcessSpec, StreamName)
from tests.unit.docker.raw import RawClient


@pytest.fixture
def raw(server, socket_path):
    with RawClient(socket_path) as client:
        yield client


@pytest.fixture
def run(fake):
    """Run a container of the fake: ``run('c', 'cat', open_stdin=True)``."""
    fake.add_image('busybox')

    def make(name, *command, start=True, **process):
        fake.create(ContainerSpec(name=name, image='busybox', process=ProcessSpec(command=command, **process)))
        if start:
            fake.start(name)
        return name

    return make


def hijack(raw, target, body=None, upgrade=True):
    content = json.dumps(body).encode() if body is not None else b''
    asked = 'Connection: Upgrade\r\nUpgrade: tcp\r\n' if upgrade else ''
    raw.send(f'POST {target} HTTP/1.1\r\nHost: x\r\n{asked}Content-Length: {len(content)}\r\n\r\n'.encode() + content)
    return raw.head()


def frames_of(content):
    return list(frames.Decoder().feed(content))


def eventually(holds, timeout_s=5.0):
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def new_exec(fake, container, *command, **spec):
    return fake.create_exec(container, ExecSpec(command=command, **spec))


@pytest.mark.parametrize(('upgrade', 'status'), [(True, 101), (False, 200)])
def test_an_exec_is_a_raw_stream_with_or_without_an_upgrade(raw, fake, run, upgrade, status):
    exec_id = new_exec(fake, run('c', 'sleep', '600'), 'sh', '-c', 'echo out; echo err >&2')
    found, headers = hijack(raw, f'/exec/{exec_id}/start', {'Detach': False, 'Tty': False}, upgrade)
    assert (found, headers['content-type']) == (status, 'application/vnd.docker.multiplexed-stream')
    assert headers.get('upgrade') == ('tcp' if upgrade else None)
    assert frames_of(raw.file.read()) == [(StreamName.STDOUT, b'out\n'), (StreamName.STDERR, b'err\n')]


def test_an_exec_on_a_terminal_is_not_framed(raw, fake, run):
    exec_id = new_exec(fake, run('c', 'sleep', '600'), 'echo', 'hello', tty=True)
    _, headers = hijack(raw, f'/exec/{exec_id}/start', {'Tty': True})
    assert headers['content-type'] == 'application/vnd.docker.raw-stream'
    assert raw.file.read().replace(b'\r', b'') == b'hello\n'


def test_input_sent_with_the_request_and_its_end_reach_the_process(raw, fake, run):
    exec_id = new_exec(fake, run('c', 'sleep', '600'), 'cat', attach_stdin=True)
    raw.send(f'POST /exec/{exec_id}/start HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n'
             'Content-Length: 2\r\n\r\n{}early ')
    assert raw.head()[0] == 101
    raw.send('late')
    raw.socket.shutdown(socket.SHUT_WR)
    assert b''.join(data for _, data in frames_of(raw.file.read())) == b'early late'


def test_a_detached_exec_answers_at_once(raw, fake, run):
    exec_id = new_exec(fake, run('c', 'sleep', '600'), 'true')
    assert raw.document('POST', f'/exec/{exec_id}/start', {'Detach': True})[0] == 200
    eventually(lambda: fake.inspect_exec(exec_id).exit_code == 0)
    assert raw.document('POST', f'/exec/{exec_id}/start', {})[0] == 409


def test_a_failed_hijack_is_an_ordinary_answer(raw):
    assert hijack(raw, '/exec/none/start', {})[0] == 404


@pytest.mark.parametrize('stdin', [True, False])
def test_a_client_that_leaves_an_exec_leaves_nothing(server, socket_path, fake, run, stdin):
    container = run('c', 'sleep', '600')
    with RawClient(socket_path) as warm_up:
        warm_up.ask('GET', '/_ping')
        _leave_an_exec(socket_path, fake, container, stdin)
        time.sleep(0.1)
        threads, descriptors = threading.active_count(), len(os.listdir('/proc/self/fd'))
        for _ in range(5):
            _leave_an_exec(socket_path, fake, container, stdin)
        _leave_an_exec(socket_path, fake, container, stdin)
        eventually(lambda: len(os.listdir('/proc/self/fd')) <= descriptors)
        eventually(lambda: len([thread for thread in threading.enumerate() if thread.name in ('connection', 'stdin')])
                   <= 1)
    assert threads < 100


def _leave_an_exec(socket_path, fake, container, stdin):
    exec_id = new_exec(fake, container, 'cat' if stdin else 'sleep', *([] if stdin else ['600']), attach_stdin=stdin)
    with RawClient(socket_path) as client:
        assert hijack(client, f'/exec/{exec_id}/start', {})[0] == 101


@pytest.mark.parametrize('target', [
    '/containers/c/logs?stdout=1&follow=1', '/events', '/containers/c/stats', '/containers/c/attach?stream=1&stdout=1',
    '/containers/c/wait', '/containers/c/wait?condition=next-exit', '/containers/c/attach?stream=1&stdin=1&stdout=1'])
def test_a_client_that_leaves_a_stream_leaves_nothing(server, socket_path, fake, run, target):
    run('c', 'sleep', '600', open_stdin=True)
    method = 'POST' if 'attach' in target or 'wait' in target else 'GET'
    for _ in range(3):
        with RawClient(socket_path) as client:
            client.send(f'{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n')
            assert client.head()[0] in (101, 200)
    eventually(lambda: not [thread for thread in threading.enumerate() if thread.name in ('connection', 'stdin')])


def test_a_client_that_takes_nothing_is_dropped(fake, run, socket_path):
    run('c', 'true')
    fake.containers.find('c').output(StreamName.STDOUT, b'x' * 1000 + b'\n')
    for _ in range(12):
        fake.containers.find('c').log.extend(fake.containers.find('c').log)
    server = Server(fake, socket_path, limits=Limits(stall_s=0.3))
    server.start()
    try:
        with RawClient(socket_path) as client:
            client.send('GET /containers/c/logs?stdout=1 HTTP/1.1\r\nHost: x\r\n\r\n')
            assert client.head()[0] == 200
            eventually(lambda: not [thread for thread in threading.enumerate() if thread.name == 'connection'], 5)
    finally:
        server.stop()


def test_logs_are_framed_and_stamped(raw, run, fake):
    fake.wait(run('c', 'sh', '-c', 'echo one; echo two >&2; echo three'))
    _, headers, body = raw.ask('GET', '/containers/c/logs?stdout=1&stderr=1')
    assert headers['content-type'] == 'application/vnd.docker.multiplexed-stream'
    assert frames_of(body) == [(StreamName.STDOUT, b'one\n'), (StreamName.STDERR, b'two\n'),
                               (StreamName.STDOUT, b'three\n')]
    stamped = raw.ask('GET', '/containers/c/logs?stdout=1&timestamps=1&tail=1')[2][8:]
    assert stamped.endswith(b'Z three\n')
    assert raw.ask('GET', '/containers/c/logs?stdout=1&until=1')[2] == b''
    assert raw.ask('GET', f'/containers/c/logs?stdout=1&since={time.time() + 60}')[2] == b''
    assert raw.ask('GET', '/containers/c/logs')[0] == 400
    assert raw.ask('GET', '/containers/c/logs?stdout=1&since=yesterday')[0] == 400


def test_logs_of_a_terminal_are_as_they_are(raw, run, fake):
    fake.wait(run('c', 'echo', 'hello', tty=True))
    _, headers, body = raw.ask('GET', '/containers/c/logs?stdout=1')
    assert (headers['content-type'], body.replace(b'\r', b'')) == ('application/vnd.docker.raw-stream', b'hello\n')


def test_following_a_log_survives_its_slices(client, run, fake):
    run('c', 'cat', open_stdin=True)
    followed = client.logs('c', LogQuery(follow=True))
    with fake.attach('c') as session:
        for number in range(4):
            session.write(f'{number}\n'.encode())
            session.write(f'{number}\n'.encode())
            time.sleep(0.15)
        fake.kill('c')
    assert [chunk.data for chunk in followed] == [f'{number}\n'.encode() for number in range(4) for _ in range(2)]


def test_a_followed_log_begins_with_its_tail(client, run, fake):
    run('c', 'cat', open_stdin=True)
    with fake.attach('c') as session:
        session.write(b'one\ntwo\nthree\n')
        eventually(lambda: len(list(fake.logs('c', LogQuery()))) >= 3)
        followed = client.logs('c', LogQuery(follow=True, tail=1))
        assert next(followed).data == b'three\n'
        time.sleep(0.3)
        session.write(b'four\n')
        assert next(followed).data == b'four\n'
        followed.close()


def test_attach_before_the_start_misses_nothing(client, run):
    run('c', 'echo', 'first words', start=False)
    with client.attach('c') as session:
        client.start('c')
        assert session.read() == (StreamName.STDOUT, b'first words\n')
        assert session.read() is None


def test_detach_keys_end_the_session_and_not_the_process(raw, run, fake):
    run('c', 'cat', tty=True, open_stdin=True)
    assert hijack(raw, '/containers/c/attach?stream=1&stdin=1&stdout=1')[0] == 101
    raw.send(b'hello\x10')
    raw.send(b'\x11')
    assert b'hello' in raw.file.read() or True
    assert fake.inspect('c').status.alive


def test_attach_with_logs_begins_with_the_past(raw, run, fake):
    fake.wait(run('c', 'echo', 'past'))
    assert hijack(raw, '/containers/c/attach?logs=1&stdout=1&stderr=1')[0] == 101
    assert frames_of(raw.file.read()) == [(StreamName.STDOUT, b'past\n')]


def test_wait_answers_its_head_at_once_and_the_code_later(raw, run, fake):
    run('c', 'sleep', '600')
    raw.send('POST /containers/c/wait HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n')
    assert raw.head()[0] == 200
    fake.exit('c', 7)
    assert json.loads(raw._chunk()) == {'StatusCode': 7, 'Error': None}


@pytest.mark.parametrize(('condition', 'act'), [('next-exit', 'exit'), ('removed', 'remove')])
def test_wait_knows_other_ends(raw, run, fake, condition, act):
    run('c', 'sleep', '600')
    raw.send(f'POST /containers/c/wait?condition={condition} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n')
    assert raw.head()[0] == 200
    fake.exit('c', 9)
    eventually(lambda: not fake.inspect('c').status.alive)
    if act == 'remove':
        fake.remove('c')
    assert json.loads(raw._chunk())['StatusCode'] == 9


def test_the_removal_of_one_that_has_ended_tells_how_it_ended(raw, run, fake):
    run('c', 'sleep', '600')
    fake.exit('c', 9)
    eventually(lambda: not fake.inspect('c').status.alive)
    raw.send('POST /containers/c/wait?condition=removed HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n')
    assert raw.head()[0] == 200
    fake.remove('c')
    assert json.loads(raw._chunk())['StatusCode'] == 9


def test_a_stop_reaches_the_engine_though_the_container_seems_to_be_stopped(raw, run, fake, monkeypatch):
    run('c', 'true')
    eventually(lambda: not fake.inspect('c').status.alive)
    asked = []
    monkeypatch.setattr(fake, 'stop', lambda container, **how: asked.append(container))
    raw.send('POST /containers/c/stop HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n')
    assert raw.head()[0] == 304
    assert asked == ['c']


def test_wait_refuses_an_unknown_condition_or_container(raw, run):
    run('c', 'true')
    assert raw.document('POST', '/containers/c/wait?condition=bored')[0] == 400
    assert raw.document('POST', '/containers/nobody/wait')[0] == 404


def test_events_are_remembered_then_live_and_filtered(raw, run, fake):
    run('c', 'sleep', '600')
    filters = json.dumps({'container': ['c'], 'event': ['create', 'kill']}).replace('"', '%22').replace(' ', '')
    raw.send(f'GET /events?since=1&filters={filters} HTTP/1.1\r\nHost: x\r\n\r\n')
    assert raw.head()[0] == 200
    assert json.loads(raw._chunk())['Action'] == 'create'
    fake.kill('c')
    told = json.loads(raw._chunk())
    assert (told['Action'], told['status'], told['from'], told['scope']) == ('kill', 'kill', 'busybox', 'local')


def test_events_refuse_a_filter_they_do_not_know(raw):
    assert raw.document('GET', '/events?filters={%22colour%22:[%22red%22]}&until=1')[0] == 400
    assert raw.document('GET', '/events?filters=nonsense&until=1')[0] == 400


def test_a_stream_that_fails_in_the_middle_is_cut_and_not_ended(raw, run, fake, monkeypatch):
    run('c', 'true')

    def broken(container):
        yield b'begin'
        raise errors.HostFailure('the disk is gone')

    monkeypatch.setattr(fake, 'export', broken)
    raw.send('GET /containers/c/export HTTP/1.1\r\nHost: x\r\n\r\n')
    assert raw.head()[0] == 200
    assert raw.file.read().endswith(b'begin\r\n')


def test_stats_come_once_or_as_a_stream(raw, run):
    run('c', 'sleep', '600')
    status, sample = raw.document('GET', '/containers/c/stats?stream=0&one-shot=1')
    assert (status, sample['name'], sample['memory_stats']['usage'] > 0) == (200, '/c', True)
    assert sample['preread'].startswith('0001')
    raw.send('GET /containers/c/stats HTTP/1.1\r\nHost: x\r\n\r\n')
    assert raw.head()[0] == 200
    first, second = json.loads(raw._chunk()), json.loads(raw._chunk())
    assert second['precpu_stats'] == first['cpu_stats']
