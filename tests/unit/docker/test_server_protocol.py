# SPDX-License-Identifier: Apache-2.0
"""The server takes HTTP as it should be, refuses what it should not be, and lives on."""

import os
import socket
import stat
import threading
import time

import pytest

from nova_container import errors
from nova_container.docker.server import Limits, Server
from tests.unit.docker.raw import RawClient

CREATE = b'{"Image": "busybox", "Cmd": ["sleep", "600"]}'


@pytest.fixture
def raw(server, socket_path):
    with RawClient(socket_path) as client:
        yield client


@pytest.fixture
def limits():
    return Limits(head_s=0.3, idle_s=0.6, stall_s=1.0, slice_s=0.05, json_bytes=1 << 20, connections=8)


def test_many_requests_share_a_connection(raw):
    for _ in range(3):
        status, headers, body = raw.ask('GET', '/_ping')
        assert (status, body) == (200, b'OK')
    assert headers['api-version'] == '1.51'
    assert headers['ostype'] == 'linux'
    assert headers['docker-experimental'] == 'false'
    assert headers['server'].startswith('nova-container')


def test_a_head_has_no_body(raw):
    assert raw.ask('HEAD', '/_ping')[0] == 200
    assert raw.ask('GET', '/v1.43/_ping')[0] == 200


@pytest.mark.parametrize(('path', 'status'), [
    ('/v1.24/_ping', 200), ('/v1.43/_ping', 200), ('/v1.51/_ping', 200), ('/v1.52/_ping', 400),
    ('/v1.23/_ping', 400), ('/v2/_ping', 404),
    ('/v1.43/nothing', 404), ('/containers', 404), ('//', 404), ('/containers/a/b/json', 404), ('/../etc', 404)])
def test_versions_and_paths(raw, path, status):
    assert raw.ask('GET', path)[0] == status
    assert raw.ask('GET', '/_ping')[0] == 200


def test_a_wrong_method_is_not_found(raw):
    assert raw.document('PATCH', '/containers/json') == (404, {'message': 'page not found'})


@pytest.mark.parametrize('body', [b'{', b'nonsense', b'[1', b'\xff\xfe', b'[' * 100_000])
def test_bad_json_is_a_bad_request(raw, body):
    status, _, content = raw.ask('POST', '/containers/create', body)
    assert (status, b'"kind":"invalid_request"' in content) == (400, True)
    assert raw.ask('GET', '/_ping')[0] == 200


@pytest.mark.parametrize('request_line', [
    'GET\r\n\r\n', '\x16\x03\x01\x02\x00\r\n\r\n',
    'GET /_ping HTTP/1.1\r\n\r\n', 'POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
    'POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n',
    'GET /_ping HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n', 'GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n'])
def test_what_is_not_http_is_told_so_and_cut(raw, request_line):
    raw.send(request_line)
    status, headers, body = raw.answer()
    assert (status // 100, b'message' in body) in ((4, True), (5, True))
    assert raw.is_closed()


def test_a_head_that_is_too_large_is_cut(raw):
    raw.send('GET /_ping HTTP/1.1\r\nHost: x\r\nX: ' + 'a' * 70_000)
    assert raw.answer()[0] == 431
    assert raw.is_closed()


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(raw):
    raw.send(f'POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: {1 << 30}\r\n\r\n')
    piece, sent = b' ' * 65536, 0
    try:
        while sent < 1 << 30:
            raw.send(piece)
            sent += len(piece)
            if sent > 8 << 20:
                break
    except OSError:
        pass
    assert sent < 64 << 20
    assert raw.answer()[0] == 413
    assert raw.is_closed()


def test_a_large_chunked_body_is_refused_too(raw):
    raw.send('POST /containers/create HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
    for _ in range(20):
        raw.send(b'10000\r\n' + b' ' * 0x10000 + b'\r\n')
    assert raw.answer()[0] == 413


def test_a_body_that_breaks_off_harms_nobody(raw, server, socket_path):
    raw.send('POST /images/load HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc')
    raw.socket.shutdown(socket.SHUT_WR)
    assert raw.answer()[0] == 400
    with RawClient(socket_path) as other:
        assert other.ask('GET', '/_ping')[0] == 200


def test_a_slow_head_is_cut(raw):
    started = time.monotonic()
    with pytest.raises((EOFError, ConnectionError)):
        for letter in 'GET /_ping HTTP/1.1\r\nHost: x\r\n':
            try:
                raw.send(letter)
            except OSError:
                break
            time.sleep(0.05)
        raw.head()
    assert time.monotonic() - started < 3


def test_an_idle_connection_is_cut(raw):
    assert raw.ask('GET', '/_ping')[0] == 200
    started = time.monotonic()
    assert raw.is_closed()
    assert 0.4 < time.monotonic() - started < 2


def test_a_client_that_waits_for_100_continue_gets_it(raw, fake):
    fake.add_image('busybox')
    raw.send(f'POST /containers/create HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {len(CREATE)}'
             '\r\n\r\n')
    assert raw.head()[0] == 100
    raw.send(CREATE)
    assert raw.answer()[0] == 201
    assert raw.ask('GET', '/_ping')[0] == 200


def test_a_body_nobody_asked_for_is_passed_over(raw):
    assert raw.ask('GET', '/_ping', b'x' * 5000)[0] == 200
    assert raw.ask('POST', '/containers/nobody/start', b'{}' * 100)[0] == 404
    assert raw.ask('GET', '/_ping')[0] == 200


def test_an_http_1_0_client_is_served_and_let_go(raw):
    raw.send('GET /events?until=1 HTTP/1.0\r\n\r\n')
    assert raw.head()[0] == 200
    assert raw.file.read() == b''


def test_a_bug_is_an_answer_without_its_text(raw, fake):
    fake.fail('info', ZeroDivisionError('the secret'))
    status, body = raw.document('GET', '/info')
    assert (status, body['kind'], 'secret' in body['message']) == (500, 'host_failure', False)
    assert raw.ask('GET', '/info')[0] == 200


def test_swarm_build_and_friends_are_refused_with_a_sentence(raw):
    assert raw.document('GET', '/plugins') == (200, [])
    assert raw.document('GET', '/plugins/a/json')[0] == 404
    for target in ('/swarm/init', '/services/create', '/secrets/create', '/configs/create'):
        status, body = raw.document('POST', target, {})
        assert (status, 'not a swarm manager' in body['message']) == (503, True)
    for method, target in (('POST', '/build?version=2'), ('POST', '/build?remote=https://a/b.git'),
                           ('POST', '/images/create?fromSrc=https://a/b.tar'), ('POST', '/plugins/pull'),
                           ('POST', '/session'), ('POST', '/grpc'), ('POST', '/containers/a/checkpoints')):
        status, body = raw.document(method, target)
        assert (status, body['kind'], body['message'].startswith('This engine')) == (501, 'unsupported', True)


@pytest.mark.parametrize(('filters', 'calls'), [
    ('', [('prune_builds', '')]), ('?filters={%22until%22:[%2210%22]}', [('prune_builds', '')]),
    ('?filters={%22id%22:[%22x%22]}', [])])
def test_a_part_of_what_builds_keep_is_not_pruned(raw, fake, filters, calls):
    fake.calls.clear()
    status, body = raw.document('POST', f'/build/prune{filters}')
    assert (status, body['SpaceReclaimed']) == (200, 0)
    assert [call for call in fake.calls if call[0] == 'prune_builds'] == calls


def test_the_socket_is_for_its_owner_only(server, socket_path):
    assert stat.S_IMODE(os.stat(socket_path).st_mode) == 0o600


def test_more_connections_than_allowed_are_refused(raw, socket_path):
    clients = [RawClient(socket_path) for _ in range(8)]
    try:
        assert clients[-1].is_closed()
        assert raw.ask('GET', '/_ping')[0] == 200
    finally:
        for client in clients:
            client.close()


def test_a_stale_socket_is_replaced_and_a_live_one_is_not(fake, server, socket_path, tmp_path):
    with pytest.raises(errors.AlreadyExists):
        Server(fake, socket_path).start()
    (tmp_path / 'file').write_text('')
    with pytest.raises(errors.AlreadyExists):
        Server(fake, tmp_path / 'file').start()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(socket_path.with_name('s')))
    again = Server(fake, socket_path.with_name('s'))
    again.start()
    again.stop()


def test_an_inherited_socket_is_served(fake, socket_path):
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(socket_path))
    listening.listen()
    server = Server(fake, socket_path, listening=listening)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with RawClient(socket_path) as client:
        assert client.ask('GET', '/_ping')[0] == 200
    server.stop()
    thread.join(5)
    assert not thread.is_alive()
    assert socket_path.exists()


def test_nothing_is_left_of_a_stopped_server(fake, socket_path):
    threads, descriptors = threading.active_count(), len(os.listdir('/proc/self/fd'))
    server = Server(fake, socket_path)
    server.start()
    clients = [RawClient(socket_path) for _ in range(3)]
    for client in clients:
        assert client.ask('GET', '/_ping')[0] == 200
    server.stop()
    server.stop()
    for client in clients:
        client.close()
    assert not socket_path.exists()
    assert (threading.active_count(), len(os.listdir('/proc/self/fd'))) == (threads, descriptors)
