# SPDX-License-Identifier: Apache-2.0
"""kill -9 at each step of a deletion and a collection: nothing lost, nothing wrong served, and the next ends clean.

Of uploads, and of the registry, see test_glance_killed.py.
"""

import fcntl
import itertools
import os
import shutil
import tempfile

import pytest

from glance_store_container.layout import Layout
from glance_store_container.remote import Remote
from nova_container import errors
from nova_container.host import files
from nova_container.registry import RegistrySettings, Repository
from tests.fixtures import image_archives, image_store, killed
from tests.fixtures.registry_process import RegistryProcess

BASE = image_archives.noise(300_000, 'base')
MINE = image_archives.docker_save(BASE, image_archives.noise(80_000, 'mine'))
OTHER = image_archives.docker_save(BASE, image_archives.noise(70_000, 'other'))
IMAGE = '961973d8-3360-4364-919e-2c197825dbb4'
DISK = ((os, 'link'), (os, 'replace'), (os, 'rename'), (os, 'fsync'), (os, 'unlink'), (tempfile, 'mkdtemp'),
        (shutil, 'rmtree'), (fcntl, 'flock'), (files, 'write_atomically'), (files, 'sync_directory'))
NETWORK = tuple((Repository, name) for name in ('put_manifest', 'begin_upload', 'send_chunk', 'end_upload',
                                                'delete_manifest', 'has_blob', 'manifest', 'blob', 'tags'))
QUICK = RegistrySettings(attempts=2, backoff_s=0.01, connect_s=2.0, idle_s=5.0, uploads=1)


def each_fault(points, prepare, verb):
    """Kill a verb at every step in turn, on a state made anew; gives what the state is then."""
    for when in killed.WHEN:
        for failing in itertools.count():
            state = prepare()
            was_killed = killed.run(lambda state=state: verb(state), points, failing, when)
            yield state
            if not was_killed:
                assert failing > 3
                break


def check_after(backend, other):
    """Whatever is listed is whole; an upload again succeeds."""
    assert image_store.read(backend, other) == OTHER
    for place in backend.places():
        assert image_store.read(backend, place) == (OTHER if place == other else MINE)


@pytest.mark.timeout(900)
class TestDirectory:
    @pytest.fixture(autouse=True)
    def prepare(self, tmp_path):
        self.folders = (tmp_path / str(number) for number in itertools.count())

    def kept(self):
        layout = Layout(next(self.folders))
        return layout, image_store.add(layout, OTHER), image_store.add(layout, MINE, IMAGE)

    def test_a_deletion(self):
        for layout, other, mine in each_fault(DISK, self.kept, lambda state: state[0].remove(state[2])):
            check_after(layout, other)
            layout.collect()
            image_store.check_clean(layout)
            for place in layout.places():
                layout.remove(place)
            assert image_store.on_disk(layout) == set()
            with pytest.raises(errors.ImageNotFound):
                layout.remove(mine)

    def test_a_collection(self):
        def prepare():
            layout, other, mine = self.kept()
            path = layout.root / 'blobs/sha256' / ('0' * 64)
            path.write_bytes(b'left')
            (layout.root / 'incoming/upload-left').mkdir()
            return layout, other, mine
        for layout, other, _ in each_fault(DISK, prepare, lambda state: state[0].collect([state[2]])):
            check_after(layout, other)
            layout.collect()
            image_store.check_clean(layout)


class TestRegistry:
    def test_a_collection(self, tmp_path):
        registry = RegistryProcess(tmp_path / 'registry')
        names = itertools.count()

        def prepare():
            """An image that is to go, and a manifest without its image."""
            remote = Remote(registry.domain, f'glance{next(names)}', QUICK, None, tmp_path / 'spool', 100_000)
            other, mine = image_store.add(remote, OTHER), image_store.add(remote, MINE, IMAGE)
            third = image_store.add(remote, image_archives.docker_save(BASE))
            remote._repository().delete_manifest(third.record)
            return remote, other, mine
        try:
            for remote, other, _ in each_fault(NETWORK, prepare, lambda state: state[0].collect([state[2]])):
                check_after(remote, other)
                remote.collect([place for place in remote.places() if place != other])
                tags = set(remote._repository().tags())
                manifest = image_store.manifest_of(remote, other).partition(':')[2]
                assert tags == {other.image_id, f'{other.image_id}.{manifest}', f'image-{manifest}'}
                remote.remove(other)
                assert list(remote._repository().tags()) == []
            registry.collect_garbage()
            assert registry.blobs() == set()
        finally:
            registry.kill()
