# SPDX-License-Identifier: Apache-2.0
"""A built-in engine with settings of a test's own about registries, and images to send."""

import contextlib
import io
import pathlib
import shutil
import tempfile

import pytest

from nova_container.docker.server import Server
from nova_container.registry import RegistrySettings
from nova_container.runtime.engine import RuntimeEngine
from nova_container.runtime.settings import Settings
from tests.conformance import presence
from tests.conformance.builtin import traces
from tests.fixtures import busybox_image
from tests.fixtures.registry import running_registry


@contextlib.contextmanager
def opened(below='', **registries):
    """An engine, its state in a folder ``below``; nothing may be left of it, nor of what it fetched."""
    presence.require_root()
    for program in ('conmon', 'crun', 'buildah'):
        presence.require_program(program)
    folder = pathlib.Path(tempfile.mkdtemp(prefix='nr-', dir='/tmp'))
    given = {'certificates': (folder / 'certs',), 'backoff_s': 0.05, 'idle_s': 2.0, 'connect_s': 2.0, **registries}
    settings = Settings(state_dir=folder / below / 'state', run_dir=folder / 'run',
                        registries=RegistrySettings(**given))
    engine = RuntimeEngine(settings)
    engine.open()
    try:
        yield engine, settings
    finally:
        for container in engine.list():
            engine.remove(container.id, force=True)
        engine.close()
        left = [*traces(folder, settings.cgroup_parent), *map(str, settings.staging.iterdir()),
                *map(str, settings.builds.glob('build-*')), *map(str, (settings.blobs / 'incoming').iterdir())]
        shutil.rmtree(folder)
    assert left == []


@pytest.fixture(scope='module')
def registry():
    with running_registry() as place:
        yield place


@pytest.fixture
def opened_engine():
    with opened() as (engine, settings):
        yield engine, settings


@pytest.fixture
def engine(opened_engine):
    return opened_engine[0]


@pytest.fixture
def url(opened_engine):
    """Where the engine is served to programs that are not ours."""
    engine, settings = opened_engine
    path = settings.run_dir / 'e.sock'
    server = Server(engine, path)
    server.start()
    yield f'unix://{path}'
    server.stop()


@pytest.fixture
def load(engine, tmp_path):
    """Load an image: ``load(name, files={...})``."""

    def make(name, **options):
        busybox_image.build(tmp_path / 'image.tar', name, **options)
        [info] = engine.load(io.BytesIO((tmp_path / 'image.tar').read_bytes()))
        return info

    return make
