# SPDX-License-Identifier: Apache-2.0
"""The engine in memory, served for programs that are not ours."""

import pathlib
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
