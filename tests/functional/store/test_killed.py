# SPDX-License-Identifier: Apache-2.0
"""kill -9 at each step of upload and delete: nothing lost, nothing wrong served, and the collection ends clean."""

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

    def empty(self):
        layout = Layout(next(self.folders))
        return layout, image_store.add(layout, OTHER)

    def test_an_upload(self):
        for layout, other in each_fault(DISK, self.empty, lambda state: image_store.add(state[0], MINE, IMAGE)):
            check_after(layout, other)
            layout.collect()
            image_store.check_clean(layout)
            if len(layout.places()) == 1:
                image_store.add(layout, MINE, IMAGE)
            check_after(layout, other)

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


@pytest.mark.timeout(900)
class TestRegistry:
    @pytest.fixture(autouse=True)
    def prepare(self, tmp_path):
        self.registry = RegistryProcess(tmp_path / 'registry')
        self.repositories = (f'glance{number}' for number in itertools.count())
        self.spool = tmp_path / 'spool'
        yield
        self.registry.kill()

    def empty(self):
        remote = Remote(self.registry.domain, next(self.repositories), QUICK, None, self.spool, 100_000)
        return remote, image_store.add(remote, OTHER)

    def kept(self):
        remote, other = self.empty()
        return remote, other, image_store.add(remote, MINE, IMAGE)

    def end(self, remote, other):
        check_after(remote, other)
        remote.collect()
        assert list(self.spool.glob('upload-*')) == []
        tags = set(remote._repository().tags())
        for place in remote.places():
            manifest = image_store.manifest_of(remote, place)
            assert f'image-{manifest.partition(":")[2]}' in tags
            assert remote.document(manifest)
            assert remote.problems(place, deep=True) == []
        for place in remote.places():
            remote.remove(place)
        assert list(remote._repository().tags()) == []

    def check_empty(self):
        """The registry's own collection frees every blob that is in its data."""
        self.registry.collect_garbage()
        assert self.registry.blobs() == set()

    def test_glance_dies_in_an_upload(self):
        for remote, other in each_fault(NETWORK, self.empty, lambda state: image_store.add(state[0], MINE, IMAGE)):
            self.end(remote, other)
        self.check_empty()

    def test_glance_dies_in_a_deletion(self):
        for remote, other, _ in each_fault(NETWORK, self.kept, lambda state: state[0].remove(state[2])):
            self.end(remote, other)
        self.check_empty()

    @pytest.mark.parametrize('verb', ['upload', 'deletion'])
    def test_the_registry_dies(self, verb, monkeypatch):
        for failing in itertools.count():
            state = self.empty() if verb == 'upload' else self.kept()
            with monkeypatch.context() as patched:
                left = self.armed(patched, failing)
                try:
                    if verb == 'upload':
                        image_store.add(state[0], MINE, IMAGE)
                    else:
                        state[0].remove(state[2])
                except errors.Unavailable:
                    assert left[0] < 0
            if left[0] >= 0:
                assert failing > 3
                break
            self.registry.kill()
            self.registry.start()
            self.end(state[0], state[1])
        image_store.add(state[0], OTHER)
        for place in state[0].places():
            state[0].remove(place)
        state[0].collect()
        self.check_empty()

    def armed(self, patched, failing):
        """Kill the registry before the request of that number."""
        left = [failing]
        for owner, name in NETWORK:
            def step(*arguments, function=getattr(owner, name), **named):
                if left[0] == 0:
                    self.registry.kill()
                left[0] -= 1
                return function(*arguments, **named)
            patched.setattr(owner, name, step)
        return left
