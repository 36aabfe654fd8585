# SPDX-License-Identifier: Apache-2.0
"""A server on the engine in memory, and its clients."""

import pathlib
import tempfile
from collections.abc import Iterator

import pytest

from nova_container.docker.engine import DockerEngine
from nova_container.docker.server import Limits, Server
from nova_container.engine.fake import FakeEngine


@pytest.fixture
def fake() -> Iterator[FakeEngine]:
    engine = FakeEngine()
    yield engine
    engine.close()


@pytest.fixture
def socket_path() -> Iterator[pathlib.Path]:
    """Short: the path of a unix socket has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix='nc-') as folder:
        yield pathlib.Path(folder) / 'engine.sock'


@pytest.fixture
def limits() -> Limits:
    return Limits(slice_s=0.05, follow_slice_s=0.2)


@pytest.fixture
def server(fake: FakeEngine, socket_path: pathlib.Path, limits: Limits) -> Iterator[Server]:
    running = Server(fake, socket_path, limits=limits)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def client(server: Server, socket_path: pathlib.Path) -> Iterator[DockerEngine]:
    engine = DockerEngine(f'unix://{socket_path}', timeout_s=10)
    yield engine
    engine.close()
