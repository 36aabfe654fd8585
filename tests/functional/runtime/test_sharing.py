# SPDX-License-Identifier: Apache-2.0
"""Many loads of one image unpack it once; containers of one image never see each other's files."""

import concurrent.futures
import io
import threading

import pytest

from nova_container import errors
from nova_container.engine import spec as specs
from nova_container.host import files
from nova_container.host.forks import ForkServer
from nova_container.runtime.layers import LayerStore
from tests.fixtures import busybox_image
from tests.functional.runtime.conftest import spec_of

pytestmark = pytest.mark.root


@pytest.fixture
def archive(tmp_path):
    def make(name, **files):
        busybox_image.build(tmp_path / 'made.tar', name, files={f'/{key}': value for key, value in files.items()})
        return (tmp_path / 'made.tar').read_bytes()
    return make


@pytest.fixture
def unpacking(monkeypatch):
    """Words of each process that unpacks; ``failing`` of them end with an error first."""
    seen, failing, lock = [], [], threading.Lock()
    real = ForkServer.watched

    def output(server, words, **named):
        with lock:
            seen.append(words)
            error = failing.pop() if failing else None
        if error:
            raise error
        return real(server, words, **named)

    monkeypatch.setattr(ForkServer, 'watched', output)
    return seen, failing


def outcomes(count, function):
    """What so many calls at once gave, errors too."""
    barrier = threading.Barrier(count)

    def call(number):
        barrier.wait(30)
        try:
            return function(number)
        except errors.ContainerError as error:
            return error

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(call, range(count)))


def test_20_loads_at_once_unpack_each_layer_once(engine, archive, unpacking):
    content = archive('shared:1', one='1')
    loaded = outcomes(20, lambda number: engine.load(io.BytesIO(content), reference=f'shared:{number}')[0].id)
    assert len(set(loaded)) == 1
    assert len(unpacking[0]) == 1  # the base layer is here already
    assert {len(image.references) for image in engine.list_images()} == {1, 20}


def test_a_load_that_fails_does_not_fail_the_others(engine, archive, unpacking):
    content = archive('shared:1', two='2')
    unpacking[1].append(errors.HostFailure('a fault for a test'))
    loaded = outcomes(8, lambda number: engine.load(io.BytesIO(content), reference=f'shared:{number}')[0].id)
    failed = [each for each in loaded if isinstance(each, errors.ContainerError)]
    assert [str(error) for error in failed] == ['a fault for a test']
    assert len({each for each in loaded if isinstance(each, str)}) == 1
    assert len(unpacking[0]) == 2
    engine.create(spec_of('true', image='shared:1' if 'shared:1' in references(engine) else 'shared:2'))


def references(engine):
    return {name for image in engine.list_images() for name in image.references}


def test_images_come_and_go_while_containers_are_made(engine, archive):
    """Whoever has an image can make a container of it, whatever others remove at the time."""
    contents = [archive(f'busy:{number}', **{f'f{number}': str(number)}) for number in range(4)]

    def life(number):
        for turn in range(4):
            name = f'busy-{number}-{turn}:1'
            engine.load(io.BytesIO(contents[number]), reference=name)
            container = engine.create(spec_of('true', image=name))
            engine.remove(container)
            engine.remove_image(name)

    assert [each for each in outcomes(4, life) if each] == []
    assert not any(name.startswith('busy') for name in references(engine))


def test_what_one_tenant_writes_no_other_sees(engine):
    one, other = (engine.create(spec_of('sleep', '600')) for _ in range(2))
    for container in (one, other):
        engine.start(container)
    script = 'echo mine > /etc/greeting; echo mine > /new; rm -r /etc/passwd; chmod 000 /bin/ls'
    assert engine.exec(one, specs.ExecSpec(command=('sh', '-c', script))).exit_code == 0
    seen = engine.exec(other, specs.ExecSpec(command=('sh', '-c', 'cat /etc/greeting; ls /new /etc/passwd')))
    assert (seen.stdout, b'/new' in seen.stderr) == (b'hello\n/etc/passwd\n', True)
    later = engine.create(spec_of('cat', '/etc/greeting'))
    engine.start(later)
    engine.wait(later, timeout_s=10)
    assert b''.join(chunk.data for chunk in engine.logs(later, specs.LogQuery())) == b'hello\n'


def test_creates_at_once_in_a_new_engine_make_the_mount_points_once(engine, settings, monkeypatch):
    made, real = [], LayerStore._make_mount_points
    files.remove_tree(settings.layers / 'init')
    monkeypatch.setattr(LayerStore, '_make_mount_points', lambda *args: (made.append(1), real(*args)))
    created = outcomes(8, lambda number: engine.create(spec_of('true', name=f'at-once-{number}')))
    assert all(isinstance(each, str) for each in created)
    assert len(made) == 1


def test_one_name_goes_to_one_container(engine):
    created = outcomes(8, lambda _: engine.create(spec_of('true', name='wanted')))
    assert sorted(type(each).__name__ for each in created) == ['AlreadyExists'] * 7 + ['str']
