# SPDX-License-Identifier: Apache-2.0
"""Snapshots reach the container store of Glance by their new layer, and are images like any that was uploaded."""

import io
import uuid

import pytest

from glance_store_container import packaging
from glance_store_container.remote import Remote
from nova_container import errors
from nova_container.engine import spec as specs
from nova_container.engine.registry import Credentials
from nova_container.registry import RegistrySettings, Repository
from nova_container.registry.shelf import tag_of_snapshot
from nova_container.virt.giving import Giving
from nova_container.virt.straight import StorePlace, Straight
from nova_container.virt.translate.image import GlanceImage
from tests.conformance.builtin import opened_engine
from tests.fixtures import busybox_image, image_store
from tests.fixtures.registry import PASSWORD, running_registry
from tests.fixtures.registry_process import RegistryProcess

pytestmark = pytest.mark.root
QUICK = RegistrySettings(attempts=2, backoff_s=0.01, connect_s=2.0, idle_s=5.0)


@pytest.fixture(scope='module')
def engine():
    with opened_engine() as (made, _):
        yield made


@pytest.fixture
def registry(tmp_path):
    process = RegistryProcess(tmp_path / 'registry')
    yield process
    process.kill()


@pytest.fixture
def store(registry, tmp_path):
    return Remote(registry.domain, f'glance/{uuid.uuid4().hex}', QUICK, None, tmp_path / 'spool', 1 << 20)


@pytest.fixture
def place(store):
    return StorePlace(domain=store.domain, path=store.path, settings=QUICK)


@pytest.fixture
def sent(monkeypatch):
    """The sizes of all blobs that anybody in this process sends."""
    found, send = [], Repository.send_blob

    def counted(self, location, body, size):
        pieces = []

        def watched():
            for piece in body():
                pieces.append(len(piece))
                yield piece

        answer = send(self, location, watched, size)
        found.append(sum(pieces))
        return answer

    monkeypatch.setattr(Repository, 'send_blob', counted)
    return found


@pytest.fixture
def a_snapshot(engine, tmp_path):
    """``a_snapshot(image)``: a container of it that changed a little, committed; the id and the name of the image."""
    made = []

    def snapshot(image):
        container = engine.create(specs.ContainerSpec(
            name=uuid.uuid4().hex, image=image,
            process=specs.ProcessSpec(command=('sh', '-c', 'echo changed > /mark; sleep 100'))))
        made.append(container)
        engine.start(container)
        for _ in range(100):
            if any(change.path == '/mark' for change in engine.changes(container)):
                break
        name = f'snapshot/{uuid.uuid4()}:latest'
        return engine.commit(container, specs.CommitSpec(reference=name)), name

    yield snapshot
    for container in made:
        engine.remove(container, force=True)
    for image in engine.list_images():
        engine.remove_image(image.id, force=True)


@pytest.fixture
def base(engine, store, place, tmp_path):
    """An image that Glance has, in the engine by its layers: its reference, and its length."""
    busybox_image.build(tmp_path / 'image.tar', 'base:1', files={'/filling': 'x' * 200_000})
    image_id, data = str(uuid.uuid4()), (tmp_path / 'image.tar').read_bytes()
    kept = image_store.add(store, data, image_id)
    found = GlanceImage(id=image_id, hash_value='0' * 32)
    assert Straight(engine, lambda _: [kept.uri], place).take(found)
    return found.reference, len(data)


def names(engine):
    return {name for image in engine.list_images() for name in image.references}


def test_only_what_is_new_is_sent_and_the_archive_is_the_engines(engine, store, place, base, a_snapshot, sent):
    reference, length = base
    image, name = a_snapshot(reference)
    before, image_id = names(engine), str(uuid.uuid4())
    kept = Giving(engine, place).give(image, image_id, name)
    assert 0 < sum(sent) < 30_000 < length
    assert kept in store.places() and store.problems(kept, deep=True) == []
    archive = b''.join(engine.save((image,)))
    assert image_store.read(store, kept) == archive
    assert image_store.read(store, kept, 700, 5000) == archive[700:5700]
    with store.staging() as stage:
        uploaded = packaging.pack(image_id, io.BytesIO(archive), stage)
        assert uploaded.manifest == image_store.manifest_of(store, kept)
    assert names(engine) == before, 'no name of the registry stays'
    engine.remove_image(image, force=True)
    again = GlanceImage(id=image_id, hash_value='1' * 32)
    assert Straight(engine, lambda _: [kept.uri], place).take(again)
    assert engine.inspect_image(again.reference).id == image


def test_a_second_snapshot_of_what_came_from_the_first_sends_its_own_layer(
        engine, store, place, base, a_snapshot, sent):
    first, name = a_snapshot(base[0])
    Giving(engine, place).give(first, str(uuid.uuid4()), name)
    sent.clear()
    second, name = a_snapshot(first)
    kept = Giving(engine, place).give(second, str(uuid.uuid4()), name)
    assert sum(sent) < 30_000 and store.problems(kept, deep=True) == []
    assert image_store.read(store, kept) == b''.join(engine.save((second,)))


def test_when_all_is_deleted_the_registry_has_no_blob_left(engine, registry, store, place, base, a_snapshot):
    image, name = a_snapshot(base[0])
    Giving(engine, place).give(image, str(uuid.uuid4()), name)
    for kept in store.places():
        store.remove(kept)
    assert set(store._repository().tags()) == set() and store.collect().done == []
    registry.collect_garbage()
    assert registry.blobs() == set()


def test_a_base_that_is_not_there_is_sent_too(engine, store, place, a_snapshot, tmp_path):
    busybox_image.build(tmp_path / 'image.tar', 'base:1')
    with (tmp_path / 'image.tar').open('rb') as file:
        engine.load(file, reference='base:1')
    image, name = a_snapshot('base:1')
    image_id = str(uuid.uuid4())
    kept = Giving(engine, place).give(image, image_id, name)
    assert store.problems(kept, deep=True) == []
    engine.remove_image(image, force=True)
    [info] = engine.load(io.BytesIO(image_store.read(store, kept)), reference='again:1')
    assert info.id == image, 'the archive of Glance is whole'


def test_what_is_taken_back_is_gone_and_may_be_uploaded(engine, store, place, base, a_snapshot):
    image, name = a_snapshot(base[0])
    image_id, giving = str(uuid.uuid4()), Giving(engine, place)
    kept = giving.give(image, image_id, name)
    giving.take_back(kept)
    giving.take_back(kept)
    assert kept not in store.places() and store.collect().done == []
    image_store.add(store, b''.join(engine.save((image,))), image_id)


@pytest.mark.parametrize('step', ['manifest', 'put_manifest', 'begin_upload'])
def test_a_registry_that_breaks_off_leaves_nothing_that_the_collection_does_not_find(
        step, engine, store, place, base, a_snapshot, monkeypatch):
    image, name = a_snapshot(base[0])
    before, tags = names(engine), set(store._repository().tags())
    original, calls = getattr(Repository, step), []
    whole = Giving(engine, place)
    monkeypatch.setattr(Repository, step, lambda self, *rest, **more: calls.append(1) or original(self, *rest, **more))
    whole.take_back(whole.give(image, str(uuid.uuid4()), name))
    for failing in range(1, len(calls) + 1):
        seen = iter(range(1, 1000))

        def broken(self, *rest, _failing=failing, _seen=seen, **more):
            if next(_seen) >= _failing:
                raise errors.Unavailable('gone')
            return original(self, *rest, **more)

        with monkeypatch.context() as patch:
            patch.setattr(Repository, step, broken)
            try:
                kept = Giving(engine, place).give(image, str(uuid.uuid4()), name)
            except errors.Unavailable:
                kept = None
        assert names(engine) == before
        if kept is not None:
            whole.take_back(kept)
        store.collect()
        assert set(store._repository().tags()) == tags


def test_an_engine_that_was_killed_leaves_what_the_collection_finds(engine, store, place, base, a_snapshot):
    image, _ = a_snapshot(base[0])
    image_id, tags = str(uuid.uuid4()), set(store._repository().tags())
    pushed = f'{store.domain}/{store.path}:{tag_of_snapshot(image_id)}'
    engine.tag_image(image, pushed)
    for _ in engine.push(pushed):
        pass
    assert set(store._repository().tags()) - tags == {tag_of_snapshot(image_id)}
    assert [line for line in store.collect().done if 'snapshot' in line]
    assert set(store._repository().tags()) == tags


def test_who_may_not_push_leaves_nothing(engine, a_snapshot, tmp_path):
    busybox_image.build(tmp_path / 'image.tar', 'base:1')
    with (tmp_path / 'image.tar').open('rb') as file:
        engine.load(file, reference='base:1')
    image, name = a_snapshot('base:1')
    before = names(engine)
    with running_registry(password=True) as domain:
        for password in ('wrong', ''):
            credentials = Credentials(username=PASSWORD[0], password=password, server=domain) if password else None
            with pytest.raises(errors.Denied):
                Giving(engine, StorePlace(domain=domain, path='glance', settings=QUICK, credentials=credentials)).give(
                    image, str(uuid.uuid4()), name)
    assert names(engine) == before
