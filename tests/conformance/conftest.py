# SPDX-License-Identifier: Apache-2.0
"""What every behaviour stands on: an image, and containers that are gone when the test is."""

import io
import itertools
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping

import pytest

from nova_container.engine import base
from nova_container.engine import spec as specs
from nova_container.engine.volume import Volume
from tests.conformance.deadline import eventually
from tests.fixtures import busybox_image
from tests.fixtures.registry import running_registry

pytest.register_assert_rewrite('tests.conformance.engine_suite', *(f'tests.conformance.suite_{part}' for part in (
    'exec', 'files', 'health', 'identity', 'images', 'lifecycle', 'networks', 'process', 'registry', 'sharing',
    'streams', 'system', 'volumes')))

IMAGE = 'conformance/box:1'
_numbers = itertools.count()


@pytest.fixture(autouse=True)
def offered(request: pytest.FixtureRequest) -> None:
    """Skip what the runner says its engine cannot offer, with the reason it gives."""
    reasons: Mapping[str, str] = getattr(request.cls, 'cannot', {})
    for name in (request.function.__name__, request.node.name):
        if name in reasons:
            pytest.skip(reasons[name])


@pytest.fixture(scope='session')
def image_archive(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A docker-save archive of a small busybox image."""
    path = tmp_path_factory.mktemp('image') / 'box.tar'
    busybox_image.build(path, IMAGE, files={'/etc/greeting': 'hello\n', '/opt/data/one': '1', '/opt/data/two': '22'})
    return path


@pytest.fixture(scope='module')
def registry(request: pytest.FixtureRequest) -> Iterator[str]:
    """``host:port`` of an empty registry: a real one, if the engine is."""
    if request.module.__name__.endswith('test_fake'):
        yield '127.0.0.1:5000'
        return
    with running_registry() as place:
        yield place


@pytest.fixture
def image(engine: base.Engine, image_archive: pathlib.Path) -> str:
    """The name of a busybox image that the engine holds."""
    if IMAGE not in {name for known in engine.list_images() for name in known.references}:
        with image_archive.open('rb') as archive:
            engine.load(archive)
    return IMAGE


@pytest.fixture
def archive_of(tmp_path: pathlib.Path) -> Callable[..., io.BytesIO]:
    """Build an archive: ``archive_of(name, config=..., files=...)``."""

    def make(name: str | None, **options: object) -> io.BytesIO:
        path = tmp_path / f'{next(_numbers)}.tar'
        busybox_image.build(path, name, **options)  # type: ignore[arg-type]
        return io.BytesIO(path.read_bytes())

    return make


@pytest.fixture
def only_its_images(engine: base.Engine) -> Iterator[None]:
    """Take away the images a test brought."""
    before = {known.id for known in engine.list_images()}
    yield
    for known in engine.list_images():
        if known.id not in before:
            engine.remove_image(known.id, force=True)


@pytest.fixture
def image_with(engine: base.Engine, archive_of: Callable[..., io.BytesIO],
               only_its_images: None) -> Callable[..., str]:
    """Load an image with this ``config`` or these ``files`` and return its name."""

    def load(**options: object) -> str:
        name = f'conformance/made:{next(_numbers)}'
        engine.load(archive_of(name, **options))
        return name

    return load


@pytest.fixture
def pushed(engine: base.Engine, registry: str, archive_of: Callable[..., io.BytesIO],
           only_its_images: None) -> tuple[str, str]:
    """The name and id of an image that the registry has, and the engine no more."""
    name = f'{registry}/conformance/box{next(_numbers)}:1'
    [loaded] = engine.load(archive_of(name, files={'/x': name}))
    list(engine.push(name))
    engine.remove_image(loaded.id)
    return name, loaded.id


@pytest.fixture
def create(engine: base.Engine, image: str, only_its_images: None,
           named_volume: object) -> Iterator[Callable[..., str]]:
    """Create a container: ``create('sleep', '600', tty=True, memory=...)``; words are its command.

    Keywords are fields of the process or of the container.
    """
    made: list[str] = []

    def make(*command: str, **fields: object) -> str:
        process_fields = {name: fields.pop(name) for name in list(fields) if hasattr(specs.ProcessSpec(), name)}
        process = specs.ProcessSpec(command=command or None, **process_fields)  # type: ignore[arg-type]
        given = {'name': f'conformance-{os.getpid()}-{next(_numbers)}', 'image': image, **fields}
        container = engine.create(specs.ContainerSpec(process=process, **given))  # type: ignore[arg-type]
        made.append(container)
        return container

    yield make
    for container in reversed(made):
        engine.remove(container, force=True)


@pytest.fixture
def run(engine: base.Engine, create: Callable[..., str]) -> Callable[..., str]:
    """Create and start; the same arguments."""

    def make(*command: str, **fields: object) -> str:
        container = create(*command, **fields)
        engine.start(container)
        return container

    return make


@pytest.fixture
def output_of(engine: base.Engine, run: Callable[..., str]) -> Callable[..., str]:
    """Run to the end and return what it wrote."""

    def make(*command: str, **fields: object) -> str:
        container = run(*command, **fields)
        assert engine.wait(container, timeout_s=20) is not None
        return logged(engine, container).decode()

    return make


@pytest.fixture
def run_ready(engine: base.Engine, run: Callable[..., str]) -> Callable[..., str]:
    """Run a script that says ``ready``, and return when it has."""

    def make(script: str, **fields: object) -> str:
        container = run('sh', '-c', script, **fields)
        eventually(lambda: b'ready' in logged(engine, container))
        return container

    return make


@pytest.fixture
def named_volume(engine: base.Engine, only_its_images: None) -> Iterator[Callable[..., str]]:
    """Make a volume that is gone when the test is."""
    made: list[str] = []

    def make(name: str, **fields: object) -> str:
        made.append(engine.create_volume(Volume(name=name, **fields)).name)  # type: ignore[arg-type]
        return name

    yield make
    for name in made:
        engine.remove_volume(name, force=True)


def logged(engine: base.Engine, container: str) -> bytes:
    return b''.join(chunk.data for chunk in engine.logs(container, specs.LogQuery()))
