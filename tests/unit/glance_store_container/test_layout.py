# SPDX-License-Identifier: Apache-2.0
"""Images in a directory: what they share, what is refused, and what a damaged or half-written directory does."""

import io
import json
import subprocess

import pytest

from glance_store_container import packaging
from glance_store_container.layout import Layout
from nova_container import errors
from nova_container.image.manifest import Manifest
from nova_container.image.stored import Place
from tests.conformance import presence
from tests.fixtures import image_archives, image_store

BASE = image_archives.noise(1 << 20, 'base')


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path / 'store')


def archive(seed, size=70_000, **options):
    return image_archives.docker_save(BASE, image_archives.noise(size, seed), **options)


def bytes_of(layout):
    return sum(path.stat().st_size for path in (layout.root / 'blobs/sha256').iterdir())


@pytest.mark.parametrize('by_digest', [True, False])
def test_images_share_the_layers_that_are_the_same(layout, by_digest):
    image_store.add(layout, archive(0, by_digest=by_digest))
    before = bytes_of(layout)
    for seed in range(1, 5):
        image_store.add(layout, archive(seed, by_digest=by_digest))
    assert bytes_of(layout) - before < 4 * 90_000


@pytest.mark.parametrize('by_digest', [True, False])
def test_what_is_there_is_not_written_again(layout, by_digest):
    image_store.add(layout, archive(0, by_digest=by_digest))
    with layout.staging() as stage:
        package = packaging.pack('961973d8-3360-4364-919e-2c197825dbb4', io.BytesIO(archive(1, by_digest=by_digest)),
                                 stage)
        assert sum(stage.size(digest) for digest in stage.own) < 90_000
        assert len(package.record.blobs) >= 5


def test_the_manifest_names_configuration_and_layers_as_blobs(layout):
    content = archive(0, size=100)  # the second layer is small enough to be a literal, and yet is a blob to pull
    place = image_store.add(layout, content)
    manifest = Manifest.parse(layout.document(image_store.manifest_of(layout, place)))
    blobs = [b''.join(layout.read(one.digest, one.size, 0, one.size)) for one in (manifest.config, *manifest.layers)]
    assert json.loads(blobs[0])['rootfs']['type'] == 'layers'
    assert blobs[1:] == [BASE, image_archives.noise(100, 0)]


def test_an_archive_of_two_images_has_no_manifest_and_shares_its_layers_all_the_same(layout):
    image_store.add(layout, archive(0))
    before = bytes_of(layout)
    place = image_store.add(layout, archive(0, images=2))
    assert image_store.manifest_of(layout, place) == ''
    assert bytes_of(layout) - before < 90_000


@pytest.mark.parametrize('content', [b'x' * 100_000, archive(0)[1:], archive(0)[:-20_000], BASE, archive(0) + b'more'])
def test_what_is_no_archive_of_images_is_one_blob(layout, content):
    place = image_store.add(layout, content)
    recipe = layout.recipe(layout.record(place))
    assert [piece.size for piece in recipe.pieces] == [len(content)]
    assert recipe.manifest == ''
    image_store.check_clean(layout)


def test_a_blob_that_two_images_share_stays_until_both_are_removed(layout):
    first, second = image_store.add(layout, archive(0)), image_store.add(layout, archive(1))
    layout.remove(first)
    assert image_store.read(layout, second) == archive(1)
    image_store.check_clean(layout)
    layout.remove(second)
    assert image_store.on_disk(layout) == set()


def test_a_removal_during_an_upload_takes_nothing_that_the_upload_shares(layout):
    first = image_store.add(layout, archive(0))
    with layout.staging() as stage:
        package = packaging.pack('961973d8-3360-4364-919e-2c197825dbb4', io.BytesIO(archive(0)), stage)
        layout.remove(first)
        layout.collect()
        second = layout.keep(package)
    assert image_store.read(layout, second) == archive(0)
    image_store.check_clean(layout)


def test_an_image_id_is_taken_once(layout):
    place = image_store.add(layout, archive(0))
    with pytest.raises(errors.AlreadyExists):
        image_store.add(layout, archive(1), place.image_id)
    assert image_store.read(layout, place) == archive(0)
    image_store.check_clean(layout)


def test_the_record_of_one_image_does_not_open_another(layout):
    first, second = image_store.add(layout, archive(0)), image_store.add(layout, archive(1))
    for place in (Place(first.image_id, second.record), Place(first.image_id, f'sha256:{"0" * 64}'),
                  Place(first.image_id, image_store.manifest_of(layout, first))):
        with pytest.raises((errors.ImageNotFound, errors.Corrupt)):
            image_store.read(layout, place)
        with pytest.raises(errors.ImageNotFound):
            layout.remove(place)


def test_a_damaged_blob_is_not_served_and_is_healed_by_the_next_upload(layout):
    place = image_store.add(layout, archive(0))
    digest = max(layout.record(place).blobs.items(), key=lambda one: one[1])[0]
    path = layout.root / 'blobs/sha256' / digest.partition(':')[2]
    path.write_bytes(b'y' + path.read_bytes()[1:])
    with pytest.raises(errors.DigestMismatch):
        image_store.read(layout, place)
    assert len(layout.problems(place, deep=True)) == 1
    image_store.add(layout, archive(0))
    assert image_store.read(layout, place) == archive(0)
    assert layout.problems(place, deep=True) == []


def test_a_lost_blob_is_told_before_the_first_byte(layout):
    place = image_store.add(layout, archive(0))
    digest = max(layout.record(place).blobs.items(), key=lambda one: one[1])[0]
    (layout.root / 'blobs/sha256' / digest.partition(':')[2]).unlink()
    with pytest.raises(errors.BlobNotFound):
        image_store.read(layout, place)
    assert 'No such blob' in layout.problems(place, deep=False)[0]


def test_nothing_is_collected_when_a_record_cannot_be_read(layout):
    first, second = image_store.add(layout, archive(0)), image_store.add(layout, archive(1))
    (layout.root / 'blobs/sha256' / first.record.partition(':')[2]).write_bytes(b'{}')
    before = image_store.on_disk(layout)
    with pytest.raises(errors.Corrupt, match='delete that image first'):
        layout.collect()
    assert image_store.on_disk(layout) == before
    layout.remove(first)
    layout.collect()
    assert image_store.read(layout, second) == archive(1)
    image_store.check_clean(layout)


def test_a_file_that_lies_about_its_digest_is_kept_as_it_is(layout):
    image_store.add(layout, archive(0))
    lie = archive(0).replace(BASE, BASE[:-1] + b'!')
    place = image_store.add(layout, lie)
    assert image_store.read(layout, place) == lie
    assert image_store.manifest_of(layout, place) == ''


def test_a_full_store_refuses_and_keeps_nothing(layout):
    small = Layout(layout.root, capacity_bytes=1_200_000)
    kept = image_store.add(small, archive(0))
    with pytest.raises(errors.Exhausted, match='container_store_capacity_gb'):
        image_store.add(small, archive(1, size=200_000))
    assert small.places() == [kept]
    image_store.check_clean(small)
    image_store.add(small, archive(0))


def test_a_collection_removes_what_nobody_knows_and_no_upload_that_runs(layout):
    place, other = image_store.add(layout, archive(0)), image_store.add(layout, archive(1))
    with layout.staging() as stage:
        package = packaging.pack('961973d8-3360-4364-919e-2c197825dbb4', io.BytesIO(archive(2)), stage)
        done = layout.collect([other])
        third = layout.keep(package)
    assert any(other.image_id in sentence for sentence in done.done)
    assert {one.image_id for one in layout.places()} == {place.image_id, third.image_id}
    image_store.check_clean(layout)


def test_skopeo_finds_the_image_in_the_directory(layout):
    presence.require_program('skopeo')
    place = image_store.add(layout, archive(0))
    tag = f'image-{image_store.manifest_of(layout, place).partition(":")[2]}'
    shown = subprocess.check_output(['skopeo', 'inspect', f'oci:{layout.root}:{tag}'])
    assert len(json.loads(shown)['Layers']) == 2
