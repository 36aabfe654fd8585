# SPDX-License-Identifier: Apache-2.0
"""The engine in memory, behind the server, through the client: it must not show that it is far away."""

import pathlib
import tempfile
from collections.abc import Iterator

import pytest

from nova_container.docker.engine import DockerEngine
from nova_container.docker.server import Limits, Server
from tests.conformance.conftest import *  # noqa: F403 - the suite's fixtures
from tests.conformance.engine_suite import EngineSuite
from tests.functional.docker.streaming_fake import StreamingFake


@pytest.fixture(scope='module')
def engine() -> Iterator[DockerEngine]:
    behind = StreamingFake()
    with tempfile.TemporaryDirectory(prefix='nc-') as folder:
        path = pathlib.Path(folder) / 'engine.sock'
        server = Server(behind, path, limits=Limits(slice_s=0.1, follow_slice_s=0.5))
        server.start()
        client = DockerEngine(f'unix://{path}')
        yield client
        client.close()
        behind.close()
        server.stop()


@pytest.fixture
def engine_is_real() -> bool:
    return False


class TestFakeOverSocket(EngineSuite):
    pass
