# SPDX-License-Identifier: Apache-2.0
"""Over tcp with TLS, both sides known to each other: requests, streams and sessions."""

import os
import shutil
import socket
import ssl
import subprocess
import threading

import pytest

from nova_container import errors
from nova_container.connect import TlsFiles, connect
from nova_container.engine import ContainerSpec, ExecSpec, ProcessSpec


@pytest.fixture(scope='module')
def pki(tmp_path_factory):
    """A folder of ca, server, client and stranger: certificate and key each."""
    if shutil.which('openssl') is None:
        if os.environ.get('CI'):
            pytest.fail('openssl is not installed, and in CI nothing is skipped')
        pytest.skip('openssl is not installed')
    folder = tmp_path_factory.mktemp('pki')

    def openssl(*words):
        subprocess.run(['openssl', *words], cwd=folder, check=True, capture_output=True, timeout=60)

    key = ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1')
    openssl('req', '-x509', *key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=ca')
    openssl('req', '-x509', *key, '-keyout', 'stranger.key', '-out', 'stranger.pem', '-subj', '/CN=stranger')
    for name in ('server', 'client'):
        openssl('req', '-x509', *key, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-keyout', f'{name}.key', '-out',
                f'{name}.pem', '-subj', f'/CN={name}', '-addext', 'subjectAltName=DNS:localhost', '-addext',
                'basicConstraints=critical,CA:FALSE')
    return folder


@pytest.fixture
def tls_url(pki, url):
    """A TLS end in front of the server's socket."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / 'server.pem', pki / 'server.key')
    context.load_verify_locations(pki / 'ca.pem')
    context.verify_mode = ssl.CERT_REQUIRED
    listening = socket.create_server(('localhost', 0))
    threading.Thread(target=_accept, args=(listening, context, url.removeprefix('unix://')), daemon=True).start()
    yield f'tcp://localhost:{listening.getsockname()[1]}'
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


def _accept(listening, context, path):
    while True:
        try:
            plain, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(plain, context, path), daemon=True).start()


def _serve(plain, context, path):
    try:
        outer = context.wrap_socket(plain, server_side=True)
    except OSError:
        plain.close()
        return
    inner = socket.socket(socket.AF_UNIX)
    inner.connect(path)
    pump = threading.Thread(target=_pump, args=(inner, outer), daemon=True)
    pump.start()
    _pump(outer, inner)
    pump.join(30)
    outer.close()
    inner.close()


def _pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    try:
        socket.socket.shutdown(target, socket.SHUT_WR)
    except OSError:
        return


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
