# SPDX-License-Identifier: Apache-2.0
"""The daemon itself, told by its configuration to listen on tcp too: who it serves there, and what it lets them do."""

import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from nova_container import errors
from nova_container.connect import TlsFiles, connect
from nova_container.engine import ContainerSpec, Mount, MountKind
from tests.conformance import presence
from tests.fixtures import busybox_image
from tests.fixtures.daemon import Daemon
from tests.fixtures.registry import free_port

pytestmark = pytest.mark.root


def files_of(pki, name):
    return TlsFiles(ca=str(pki / 'ca.pem'), cert=str(pki / f'{name}.pem'), key=str(pki / f'{name}.key'))


@pytest.fixture
def folder():
    presence.require_root()
    path = pathlib.Path(tempfile.mkdtemp(prefix='nc-', dir='/tmp'))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def served(pki, folder):
    """The daemon, and where it is on tcp."""
    address = f'localhost:{free_port()}'
    daemon = Daemon(folder, tcp_listen=address, tcp_policy='baseline', tls_ca_file=pki / 'ca.pem',
                    tls_cert_file=pki / 'server.pem', tls_key_file=pki / 'server.key')
    daemon.start()
    try:
        yield daemon, f'tcp://{address}'
    finally:
        assert daemon.end() == 0


def test_who_has_a_certificate_is_served_within_the_policy(served, pki, folder):
    daemon, url = served
    busybox_image.build(folder / 'box.tar', 'box:1')
    engine = connect(url, tls=files_of(pki, 'client'), timeout_s=20)
    with (folder / 'box.tar').open('rb') as archive:
        engine.load(archive)
    container = engine.create(ContainerSpec(name='c', image='box:1'))
    assert daemon.client().inspect(container).name == 'c'
    with pytest.raises(errors.Denied, match='baseline'):
        engine.create(ContainerSpec(name='d', image='box:1', mounts=(
            Mount(kind=MountKind.BIND, source='/etc', target='/host'),)))
    engine.remove(container)
    engine.close()


def test_a_stranger_is_not_served(served, pki):
    _, url = served
    for tls in (None, TlsFiles(ca=str(pki / 'ca.pem'), cert=str(pki / 'stranger.pem'), key=str(pki / 'stranger.key'))):
        stranger = connect(url, tls=tls, timeout_s=10)
        with pytest.raises(errors.Unavailable):
            stranger.info()


def test_without_certificates_the_daemon_does_not_listen(folder):
    daemon = Daemon(folder, tcp_listen=f'localhost:{free_port()}')
    done = subprocess.run(daemon.argv, capture_output=True, text=True, timeout=60, check=False,
                          cwd=pathlib.Path(__file__).parents[3], env=os.environ)
    assert done.returncode == 1
    assert 'tls_ca_file' in done.stderr
