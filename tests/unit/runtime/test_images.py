# SPDX-License-Identifier: Apache-2.0
"""Images by id and name: names move, damage costs only its own image, nothing used is removed."""

import io
import json

import pytest

from nova_container import errors
from nova_container.image import digest
from nova_container.host.forks import ForkServer
from nova_container.runtime.database import Database
from nova_container.runtime.images import ImageStore, normal
from nova_container.runtime.layers import LayerStore
from nova_container.runtime.settings import Settings


@pytest.fixture
def settings(tmp_path):
    made = Settings(state_dir=tmp_path / 'state', run_dir=tmp_path / 'run')
    made.make_folders()
    return made


@pytest.fixture
def database(settings):
    made = Database(settings.database)
    yield made
    made.close()


@pytest.fixture
def images(settings, database):
    return ImageStore(settings, database, LayerStore(settings, database, ForkServer([])))


def add(images, author, *names, created='2026-01-02T03:04:05Z'):
    """An image without layers; its id follows from its author."""
    content = json.dumps({'architecture': 'amd64', 'os': 'linux', 'author': author, 'config': {'Cmd': ['sh']},
                          'rootfs': {'type': 'layers', 'diff_ids': []}}).encode()
    image_id, _ = images.blobs.put(io.BytesIO(content), digest.of_bytes(content))
    return images.add(image_id, (), created, list(names))


def again(settings, database):
    return ImageStore(settings, database, LayerStore(settings, database, ForkServer([])))


def test_an_image_is_found_by_every_name(images):
    info = add(images, 'one', 'box:1', 'docker.io/library/other')
    plain = info.id.removeprefix('sha256:')
    for name in ('box:1', 'docker.io/library/box:1', 'other', 'other:latest', info.id, plain, plain[:12],
                 f'sha256:{plain[:12]}'):
        assert images.get(name).id == info.id, name
    assert info.references == ('box:1', 'other:latest')
    assert (info.author, info.config) == ('one', {'Cmd': ['sh']})


@pytest.mark.parametrize('name', ['none', 'box:2', 'UPPER', '', 'sha256:' + '0' * 64, 'sha256:zz', '../../etc'])
def test_what_is_not_there_is_not_found(images, name):
    add(images, 'one', 'box:1')
    with pytest.raises(errors.ImageNotFound):
        images.get(name)


def test_a_prefix_of_several_is_refused(images):
    ids = [add(images, f'a{number}').id for number in range(17)]  # of 17 two begin alike
    firsts = [each[7] for each in ids]
    shared = next(first for first in firsts if firsts.count(first) > 1)
    with pytest.raises(errors.InvalidRequest, match='image ids'):
        images.get(f'sha256:{shared}')


def test_a_name_moves_to_the_image_that_got_it_last(images, settings, database):
    one, two = add(images, 'one', 'box:1'), add(images, 'two', 'box:1')
    for store in (images, again(settings, database)):
        assert store.get('box:1').id == two.id
        assert store.references(one.id) == ()
    images.tag(one.id, 'box:1')
    assert again(settings, database).get('box:1').id == one.id
    with pytest.raises(errors.InvalidReference):
        images.tag(one.id, 'NOT a name')


def test_an_image_that_comes_again_keeps_its_names(images):
    add(images, 'one', 'box:1')
    assert add(images, 'one', 'box:2').references == ('box:1', 'box:2')
    assert len(images.all()) == 1


def test_a_name_is_taken_away_once(images):
    info = add(images, 'one', 'box:1')
    assert images.untag('docker.io/library/box:1')
    assert not images.untag('box:1')
    assert not images.untag('NOT a name')
    assert images.get(info.id).id == info.id


def test_the_newest_comes_first_and_no_date_is_the_oldest(images):
    add(images, 'undated', 'undated', created=None)
    add(images, 'new', 'new', created='2026-06-01T00:00:00.123456789Z')
    add(images, 'odd', 'odd', created='yesterday')
    add(images, 'old', 'old', created='2025-01-01T00:00:00Z')
    assert [images.info(record).author for record in images.all()][:2] == ['new', 'old']


def test_a_forgotten_image_is_gone_with_its_names_and_blobs(images, settings, database):
    one, two = add(images, 'one', 'box:1'), add(images, 'two', 'box:2')
    images.forget(one.id)
    images.collect(set())
    assert images.blobs.all() == (two.id,)
    assert [record.id for record in again(settings, database).all()] == [two.id]


def test_collecting_clears_what_interrupted_loads_left(images, settings):
    (settings.blobs / 'incoming' / 'left').mkdir()
    images.blobs.put(io.BytesIO(b'nobody names me'))
    images.collect(set())
    assert images.blobs.all() == ()
    assert list((settings.blobs / 'incoming').iterdir()) == []


def test_a_damaged_record_costs_only_its_image(images, settings, database):
    good, bad = add(images, 'good', 'good:1'), add(images, 'bad', 'bad:1')
    with database.transaction() as connection:
        connection.execute("UPDATE images SET record = '{' WHERE id = ?", (bad.id,))
    store = again(settings, database)
    assert [record.id for record in store.all()] == [good.id]
    with pytest.raises(errors.ImageNotFound):
        store.get('bad:1')
    assert add(store, 'bad', 'bad:1').id == bad.id
    assert {record.id for record in again(settings, database).all()} == {good.id, bad.id}


def test_a_name_that_cannot_be_recorded_is_not_given(images, database):
    info = add(images, 'one', 'box:1')
    database.close()
    for change in (lambda: images.tag(info.id, 'box:2'), lambda: images.untag('box:1'), lambda: images.forget(info.id)):
        with pytest.raises(errors.HostFailure):
            change()
    assert images.references(info.id) == ('box:1',)


def test_names_have_one_spelling():
    assert normal('docker.io/library/box') == normal('box') == 'box:latest'
    assert normal('registry.example/a/b:c') == 'registry.example/a/b:c'
