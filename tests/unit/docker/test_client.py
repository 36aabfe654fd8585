# SPDX-License-Identifier: Apache-2.0
"""The client says clearly why it fails, and is safe to use from many threads."""

import concurrent.futures
import pathlib
import socket
import threading
import time

import pytest

from nova_container import errors
from nova_container.connect import TlsFiles, connect
from nova_container.docker import transport
from nova_container.docker.endpoint import Endpoint
from nova_container.docker.server import Server
from nova_container.engine import ContainerSpec, ExecSpec, LogQuery, ProcessSpec, Resources


@pytest.mark.parametrize(('url', 'shown'), [
    ('unix:///run/x.sock', 'unix:///run/x.sock'), ('tcp://host', 'http://host:2375'),
    ('tcp://host:9', 'http://host:9'), ('http://host:9/', 'http://host:9'), ('tcp://[::1]:9', 'http://::1:9')])
def test_urls(url, shown):
    assert str(Endpoint.of(url)) == shown


def test_tls_changes_the_port():
    assert str(Endpoint.of('tcp://host', TlsFiles(ca='a', cert='b', key='c'))) == 'https://host:2376'


@pytest.mark.parametrize('url', ['', 'unix://', 'unix://relative', '/run/x.sock', 'ssh://host', 'tcp://',
                                 'https://host', 'npipe:////./pipe/docker'])
def test_a_wrong_url_is_refused(url):
    with pytest.raises(errors.InvalidRequest):
        connect(url)


def test_wrong_files_of_tls_are_refused(tmp_path):
    with pytest.raises(errors.InvalidRequest, match='TLS'):
        connect('tcp://host', tls=TlsFiles(ca=str(tmp_path / 'a'), cert='b', key='c'))


def test_nothing_is_asked_before_a_verb_is(tmp_path):
    connect(f'unix://{tmp_path}/nobody.sock').close()


@pytest.mark.parametrize('act', [
    lambda engine: engine.info(), lambda engine: engine.list(), lambda engine: engine.attach('c'),
    lambda engine: next(engine.events()), lambda engine: engine.remove('c')])
def test_an_engine_that_is_not_there_is_unavailable(tmp_path, act):
    engine = connect(f'unix://{tmp_path}/nobody.sock')
    with pytest.raises(errors.Unavailable, match='cannot be reached: .*No such file'):
        act(engine)


def test_an_engine_that_is_silent_is_unavailable(socket_path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(socket_path))
        listening.listen()
        started = time.monotonic()
        with pytest.raises(errors.Unavailable, match='did not answer in time'):
            connect(f'unix://{socket_path}', timeout_s=0.2).info()
        assert time.monotonic() - started < 3


def test_an_engine_that_speaks_no_http_is_unavailable(socket_path):
    def speak():
        sock, _ = listening.accept()
        sock.sendall(b'SSH-2.0-OpenSSH\r\n\r\n')
        sock.close()

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(socket_path))
        listening.listen()
        threading.Thread(target=speak, daemon=True).start()
        with pytest.raises(errors.Unavailable):
            connect(f'unix://{socket_path}', timeout_s=2).info()


def test_a_server_that_was_restarted_is_found_again(fake, socket_path):
    engine = connect(f'unix://{socket_path}', timeout_s=5)
    for _ in range(3):
        server = Server(fake, socket_path)
        server.start()
        assert engine.info().name == 'fake'
        server.stop()


def test_many_threads_share_a_client(fake, client):
    fake.add_image('busybox')
    container = client.create(ContainerSpec(name='c', image='busybox', process=ProcessSpec(command=('sleep', '600'))))
    client.start(container)

    def work(number):
        result = client.exec(container, ExecSpec(command=('echo', str(number))))
        return int(result.stdout), client.inspect(container).id

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(60))) == [(number, container) for number in range(60)]


def test_closing_a_session_wakes_its_reader(fake, client):
    fake.add_image('busybox')
    container = client.create(ContainerSpec(name='c', image='busybox', process=ProcessSpec(command=('sleep', '600'))))
    client.start(container)
    session = client.attach(container)
    closer = threading.Timer(0.1, session.close)
    closer.start()
    assert session.read() is None
    session.write(b'nobody reads')
    session.close_stdin()
    session.close()


def test_wait_gives_up_in_time(fake, client):
    fake.add_image('busybox')
    container = client.create(ContainerSpec(name='c', image='busybox', process=ProcessSpec(command=('sleep', '600'))))
    client.start(container)
    assert client.wait(container, timeout_s=0.1) is None
    assert client.wait(container, timeout_s=0) is None
    client.kill(container)
    assert client.wait(container).code == 137


def test_an_odd_name_is_not_found_and_goes_nowhere_else(client):
    for name in ('', '.', '..', '../images', 'a/b', 'a b', 'ä', '%2e%2e'):
        with pytest.raises(errors.ContainerNotFound):
            client.inspect(name)
    for name in ('', '../containers', 'a/../b'):
        with pytest.raises(errors.ImageNotFound):
            client.inspect_image(name)
    with pytest.raises(errors.ExecNotFound):
        client.inspect_exec('..')


@pytest.mark.parametrize('error', [
    errors.Exhausted('no room'), errors.Unavailable('busy'), errors.Denied('no'), errors.MountFailed('overlay'),
    errors.CommandFailed(('crun',), 1, 'why'), errors.DigestMismatch('x', 'a', 'b'), errors.WrongState('so')])
def test_an_error_arrives_as_it_was_raised(fake, client, error):
    fake.fail('update', error)
    with pytest.raises(type(error)) as arrived:
        client.update('c', Resources())
    assert (type(arrived.value), str(arrived.value)) == (type(error), str(error))


def test_an_error_in_the_middle_of_a_stream_is_unavailable(fake, client, monkeypatch):
    def broken(container):
        yield b'begin'
        raise errors.HostFailure('the disk is gone')

    monkeypatch.setattr(fake, 'export', broken)
    with pytest.raises(errors.Unavailable):
        list(client.export('c'))


def test_leaving_a_stream_early_costs_nothing(fake, client):
    fake.add_image('busybox')
    container = client.create(ContainerSpec(name='c', image='busybox', process=ProcessSpec(command=('sleep', '600'))))
    client.start(container)
    for _ in range(5):
        followed = client.logs(container, LogQuery(follow=True))
        followed.close()
        events = client.events(since=1)
        assert next(events).action
        events.close()
    deadline = time.monotonic() + 5
    while len([thread for thread in threading.enumerate() if thread.name == 'connection']) > 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_no_configuration_of_the_user_is_read(fake, client, monkeypatch, tmp_path):
    (tmp_path / '.docker').mkdir()
    (tmp_path / '.docker' / 'config.json').write_text('{nonsense')
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.setenv('DOCKER_HOST', 'tcp://elsewhere:1')
    monkeypatch.setenv('HTTP_PROXY', 'http://elsewhere:1')
    assert client.info().name == 'fake'
    assert pathlib.Path(tmp_path / '.docker' / 'config.json').read_text() == '{nonsense'


def _answering(listening, head, body):
    """Answer one request as an engine of a tenant may."""
    connection, _ = listening.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(head)
        try:
            for _ in range(64):
                connection.sendall(body)
        except OSError:
            return


@pytest.mark.parametrize(('head', 'body', 'error'), [
    (b'HTTP/1.1 200 OK\r\n\r\n', b' ' * 4096, 'more than 65536 bytes'),
    (b'HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n', b' ' * 4096, 'more than 65536 bytes'),
    (b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', b'1000\r\n' + b' ' * 4096 + b'\r\n', 'more than 65536'),
    (b'HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n', b'', '307')])
def test_an_engine_neither_fills_the_memory_nor_sends_elsewhere(socket_path, monkeypatch, head, body, error):
    monkeypatch.setattr(transport, '_LONGEST', 65536)
    with socket.socket(socket.AF_UNIX) as listening, concurrent.futures.ThreadPoolExecutor(1) as pool:
        listening.bind(str(socket_path))
        listening.listen()
        answered = pool.submit(_answering, listening, head, body)
        with pytest.raises((errors.Corrupt, errors.HostFailure), match=error):
            transport.Transport(Endpoint.of(f'unix://{socket_path}'), 5).get('/info')
        answered.result(timeout=5)
