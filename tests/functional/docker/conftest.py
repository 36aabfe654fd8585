# SPDX-License-Identifier: Apache-2.0
"""The engine in memory, served for programs that are not ours."""

import os
import pathlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator

import pytest

from nova_container.docker.server import Limits, Server
from tests.functional.docker.streaming_fake import StreamingFake


@pytest.fixture(scope='module')
def served() -> Iterator[tuple[StreamingFake, str]]:
    """The engine, and the URL at which it is served."""
    engine = StreamingFake()
    engine.add_image('busybox:latest', files={'/etc/greeting': 'hello\n'})
    with tempfile.TemporaryDirectory(prefix='nc-') as folder:
        path = pathlib.Path(folder) / 'engine.sock'
        server = Server(engine, path, limits=Limits(slice_s=0.1, follow_slice_s=1))
        server.start()
        yield engine, f'unix://{path}'
        engine.close()
        server.stop()


@pytest.fixture
def fake(served: tuple[StreamingFake, str]) -> Iterator[StreamingFake]:
    """The engine; containers that a test leaves are removed."""
    engine, _ = served
    yield engine
    for info in engine.list():
        engine.remove(info.id, force=True)


@pytest.fixture
def url(served: tuple[StreamingFake, str]) -> str:
    return served[1]


@pytest.fixture(scope='module')
def pki(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder of ca, server, client and stranger: certificate and key each."""
    if shutil.which('openssl') is None:
        if os.environ.get('CI'):
            pytest.fail('openssl is not installed, and in CI nothing is skipped')
        pytest.skip('openssl is not installed')
    folder = tmp_path_factory.mktemp('pki')

    def openssl(*words: str) -> None:
        subprocess.run(['openssl', *words], cwd=folder, check=True, capture_output=True, timeout=60)

    key = ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1')
    openssl('req', '-x509', *key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=ca')
    openssl('req', '-x509', *key, '-keyout', 'stranger.key', '-out', 'stranger.pem', '-subj', '/CN=stranger')
    for name in ('server', 'client'):
        openssl('req', '-x509', *key, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-keyout', f'{name}.key', '-out',
                f'{name}.pem', '-subj', f'/CN={name}', '-addext', 'subjectAltName=DNS:localhost', '-addext',
                'basicConstraints=critical,CA:FALSE')
    return folder
