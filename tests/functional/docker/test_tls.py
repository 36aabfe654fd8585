# SPDX-License-Identifier: Apache-2.0
"""Over tcp with TLS, both sides known to each other: requests, streams and sessions."""

import dataclasses
import os
import shutil
import socket
import ssl
import subprocess

import pytest

from heat_container.tls import Material
from nova_container import errors
from nova_container.connect import TlsFiles, connect
from nova_container.docker.server import Limits, Server, tls
from nova_container.engine import ContainerSpec, ExecSpec, ProcessSpec


@pytest.fixture
def tls_url(pki, fake, tmp_path):
    """A server on a port, for clients with a certificate."""
    context = tls.server_context(str(pki / 'ca.pem'), str(pki / 'server.pem'), str(pki / 'server.key'))
    listening = socket.create_server(('localhost', 0))
    server = Server(fake, tmp_path / 'unused', listening=listening, tls_context=context,
                    limits=Limits(slice_s=0.1, follow_slice_s=1))
    server.start()
    yield f'tcp://localhost:{listening.getsockname()[1]}'
    server.stop()


@pytest.fixture
def engine(tls_url, pki, fake):
    connected = connect(tls_url, tls=TlsFiles(ca=str(pki / 'ca.pem'), cert=str(pki / 'client.pem'),
                                              key=str(pki / 'client.key')), timeout_s=10)
    yield connected
    connected.close()


def test_verbs_and_sessions_work(engine):
    container = engine.create(ContainerSpec(name='c', image='busybox', process=ProcessSpec(command=('sleep', '9'))))
    engine.start(container)
    assert engine.inspect(container).status.alive
    for _ in range(3):
        assert engine.exec(container, ExecSpec(command=('echo', 'hello'))).stdout == b'hello\n'
    with engine.start_exec(engine.create_exec(container, ExecSpec(command=('cat',), attach_stdin=True))) as session:
        for number in range(50):
            session.write(f'{number}'.encode() * 1000)
            expected, echoed = f'{number}'.encode() * 1000, b''
            while len(echoed) < len(expected):
                echoed += session.read()[1]
            assert echoed == expected
    assert b''.join(engine.save(('busybox',)))


def test_a_stranger_is_not_served(tls_url, pki, fake):
    stranger = connect(tls_url, tls=TlsFiles(ca=str(pki / 'ca.pem'), cert=str(pki / 'stranger.pem'),
                                             key=str(pki / 'stranger.key')), timeout_s=5)
    with pytest.raises(errors.Unavailable):
        stranger.info()


def test_a_stranger_is_not_asked(tls_url, pki, fake):
    elsewhere = connect(tls_url, tls=TlsFiles(ca=str(pki / 'stranger.pem'), cert=str(pki / 'client.pem'),
                                              key=str(pki / 'client.key')), timeout_s=5)
    with pytest.raises(errors.Unavailable, match='certificate'):
        elsewhere.info()


def test_plain_http_over_tcp_says_why_it_fails(tls_url, fake):
    with pytest.raises(errors.Unavailable):
        connect(tls_url, timeout_s=5).info()


def docker(tls_url, pki, tmp_path, *words, stdin=''):
    """The real command, which ends its input and its connection each in its own way."""
    program = shutil.which('docker')
    if program is None:
        pytest.skip('docker is not installed')
    return subprocess.run(
        [program, '-H', tls_url, '--tlsverify', '--tlscacert', pki / 'ca.pem', '--tlscert', pki / 'client.pem',
         '--tlskey', pki / 'client.key', *words], input=stdin, capture_output=True, text=True, timeout=30, check=False,
        env={'PATH': os.environ['PATH'], 'DOCKER_CONFIG': str(tmp_path), 'HOME': '/'})


def test_the_docker_command_is_served(tls_url, pki, tmp_path, fake):
    assert docker(tls_url, pki, tmp_path, 'run', '--rm', 'busybox', 'echo', 'hello').stdout == 'hello\n'
    assert docker(tls_url, pki, tmp_path, 'run', '-i', '--rm', 'busybox', 'cat', stdin='typed').stdout == 'typed'
    assert docker(tls_url, pki, tmp_path, 'save', 'busybox', '-o', tmp_path / 'box.tar').returncode == 0
    assert docker(tls_url, pki, tmp_path, 'load', '-i', tmp_path / 'box.tar').returncode == 0


def test_without_files_there_is_no_server(pki):
    with pytest.raises(errors.InvalidRequest):
        tls.server_context(str(pki / 'nobody.pem'), str(pki / 'server.pem'), str(pki / 'server.key'))


def test_a_connection_that_says_nothing_keeps_nobody_out(tls_url, engine):
    port = int(tls_url.rpartition(':')[2])
    silent = [socket.create_connection(('localhost', port)) for _ in range(20)]
    assert engine.info().name == 'fake'
    for sock in silent:
        sock.close()

@pytest.fixture
def material(pki):
    """As a tenant's endpoint keeps it: texts, no files."""
    return Material(ca=(pki / 'ca.pem').read_text(), cert=(pki / 'client.pem').read_text(),
                    key=(pki / 'client.key').read_text())


def test_certificates_in_memory_serve_requests_and_sessions_at_judged_addresses(tls_url, material, fake):
    judged = []
    connected = connect(tls_url.replace('localhost', '127.0.0.1'), tls=material.context(), server_name='localhost',
                        judge=judged.append, timeout_s=10)
    container = connected.create(ContainerSpec(name='c', image='busybox', process=ProcessSpec(command=('sleep', '9'))))
    connected.start(container)
    requests = len(judged)
    assert connected.exec(container, ExecSpec(command=('echo', 'hello'))).stdout == b'hello\n'
    connected.close()
    assert set(judged) == {'127.0.0.1'}
    assert len(judged) > requests >= 1


def test_no_address_is_connected_to_that_the_judge_denies(tls_url, material, fake):
    before = fake.calls
    def deny(address):
        raise errors.Denied(address)

    connected = connect(tls_url, tls=material.context(), judge=deny, timeout_s=10)
    with pytest.raises(errors.Denied):
        connected.ping()
    with pytest.raises(errors.Denied):
        connected.transport.endpoint.open(10)
    assert fake.calls == before


def test_an_engine_with_a_certificate_for_another_name_is_not_spoken_to(tls_url, material, fake):
    before = fake.calls
    for name, url in (('', tls_url.replace('localhost', '127.0.0.1')), ('elsewhere', tls_url)):
        connected = connect(url, tls=material.context(), server_name=name, timeout_s=10)
        with pytest.raises(errors.Unavailable, match='(?i)certificate'):
            connected.ping()
        with pytest.raises(ssl.SSLError):
            connected.transport.endpoint.open(10)
    assert fake.calls == before


def test_certificates_that_cannot_be_used_are_refused_without_showing_them(material):
    for broken in (dataclasses.replace(material, key='-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n'),
                   dataclasses.replace(material, ca='none'), dataclasses.replace(material, cert='')):
        with pytest.raises(errors.InvalidRequest) as refused:
            broken.context()
        assert 'c2VjcmV0' not in f'{refused.value!r}{broken!r}'
