# SPDX-License-Identifier: Apache-2.0
"""Layers: unpacked once, listed only when whole, and what is left half done is cleared."""

import os
import pathlib
import threading

import pytest

from nova_container import errors
from nova_container.host import files
from nova_container.runtime.database import Database
from nova_container.runtime.layers import LayerStore
from nova_container.runtime.settings import Settings

DIFF_ID = 'sha256:' + 'a' * 64
OTHER = 'sha256:' + 'b' * 64


class Unpacking:
    """Stands for the fork server; ``failures`` are what the next ones end with."""

    def __init__(self):
        self.calls, self.failures = [], []

    def watched(self, words, **_):
        root = pathlib.Path(words[words.index('--root') + 1])
        (root / 'file').touch()
        if self.failures:
            raise self.failures.pop()
        self.calls.append(root)
        return b'{"diff_id": "x", "size_bytes": 42, "entries": 1, "hides_below": false}'


@pytest.fixture
def settings(tmp_path):
    made = Settings(state_dir=tmp_path / 'state', run_dir=tmp_path / 'run')
    made.make_folders()
    (tmp_path / 'blob').touch()
    return made


@pytest.fixture
def database(settings):
    made = Database(settings.database)
    yield made
    made.close()


@pytest.fixture
def unpacking():
    return Unpacking()


@pytest.fixture
def store(settings, database, unpacking):
    return LayerStore(settings, database, unpacking)


@pytest.fixture
def blob(tmp_path):
    return tmp_path / 'blob'


def left(settings):
    return sorted(path.name for folder in (settings.layers, settings.staging) for path in folder.iterdir())


def test_a_layer_is_unpacked_once_and_known_to_the_next_engine(store, settings, database, unpacking, blob):
    assert store.ensure(DIFF_ID, blob) == store.ensure(DIFF_ID, blob) == 42
    assert len(unpacking.calls) == 1
    again = LayerStore(settings, database, unpacking)
    assert again.has(DIFF_ID) and again.path(DIFF_ID) == store.path(DIFF_ID)
    assert (again.path(DIFF_ID) / 'file').exists()
    assert again.size([DIFF_ID, OTHER]) == 42


def test_many_that_want_it_at_once_unpack_it_once(store, unpacking, blob):
    barrier = threading.Barrier(20)
    threads = [threading.Thread(target=lambda: (barrier.wait(10), store.ensure(DIFF_ID, blob))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(unpacking.calls) == 1


def test_a_layer_that_cannot_be_unpacked_leaves_nothing_and_may_be_tried_again(store, settings, unpacking, blob):
    unpacking.failures.append(errors.UnacceptableImage('bad'))
    with pytest.raises(errors.UnacceptableImage):
        store.ensure(DIFF_ID, blob)
    assert (store.has(DIFF_ID), left(settings)) == (False, [])
    assert store.ensure(DIFF_ID, blob) == 42


def test_a_layer_that_cannot_be_recorded_leaves_nothing(store, settings, database, unpacking, blob):
    database.close()
    with pytest.raises(errors.HostFailure):
        store.ensure(DIFF_ID, blob)
    assert (store.has(DIFF_ID), left(settings)) == (False, [])


def test_layers_that_are_not_used_go(store, settings, unpacking, blob):
    store.ensure(DIFF_ID, blob)
    store.ensure(OTHER, blob)
    assert store.discard_except({OTHER}) == 42
    assert (store.has(DIFF_ID), store.has(OTHER), len(left(settings))) == (False, True, 1)
    with pytest.raises(errors.BlobNotFound):
        store.path(DIFF_ID)
    assert store.ensure(DIFF_ID, blob) == 42


def test_a_removal_that_cannot_be_recorded_removes_nothing(store, database, unpacking, blob):
    store.ensure(DIFF_ID, blob)
    database.close()
    with pytest.raises(errors.HostFailure):
        store.discard_except(set())
    assert (store.path(DIFF_ID) / 'file').exists()


def test_leftovers_go_at_start_and_layers_stay(store, settings, unpacking, blob):
    store.ensure(DIFF_ID, blob)
    init = store.mount_points()
    (settings.layers / 'half done/etc').mkdir(parents=True)
    (settings.staging / 'half done').mkdir()
    (settings.staging / 'a file').touch()
    store.discard_leftovers()
    assert left(settings) == sorted([store.path(DIFF_ID).name, init.name])


def test_what_an_overlay_is_made_of_is_topmost_first(store, unpacking, blob):
    for diff_id in (DIFF_ID, OTHER):
        store.ensure(diff_id, blob)
    assert store.lower([DIFF_ID, OTHER]) == [store.mount_points(), store.path(OTHER), store.path(DIFF_ID)]


@pytest.mark.parametrize('mask', [0o022, 0o077])
def test_mount_points_can_be_passed_by_all_whatever_the_umask(store, mask):
    before = os.umask(mask)
    try:
        folder = store.mount_points()
    finally:
        os.umask(before)
    for path in (folder, folder / 'etc', folder / 'dev', folder / 'proc', folder / 'etc/hosts'):
        assert path.stat().st_mode & 0o777 == 0o755, path


def test_mount_points_that_cannot_be_made_leave_nothing(store, settings, monkeypatch):
    monkeypatch.setattr(pathlib.Path, 'touch', lambda *_, **__: (_ for _ in ()).throw(OSError(28, 'No space left')))
    with pytest.raises(OSError, match='No space'):
        store.mount_points()
    assert left(settings) == []


def test_a_layer_given_by_another_is_taken_over_once(store, settings):
    for name in ('one', 'two'):
        (settings.staging / name).mkdir()
        (settings.staging / name / 'file').touch()
        store.adopt(DIFF_ID, settings.staging / name, 7)
    assert (store.size([DIFF_ID]), len(left(settings))) == (7, 1)
    files.remove_tree(store.path(DIFF_ID))


class TestSeveral:
    def test_all_are_kept_after_one_sync(self, store, unpacking, blob, monkeypatch):
        synced = []
        monkeypatch.setattr(files, 'sync_filesystem', synced.append)
        store.ensure_all({DIFF_ID: blob, OTHER: blob})
        store.ensure_all({DIFF_ID: blob, OTHER: blob})
        assert store.has(DIFF_ID) and store.has(OTHER)
        assert (len(unpacking.calls), len(synced)) == (2, 1)

    def test_none_is_kept_if_one_fails(self, store, unpacking, blob, settings):
        unpacking.failures.append(errors.UnacceptableImage('no tar'))
        with pytest.raises(errors.UnacceptableImage):
            store.ensure_all({DIFF_ID: blob, OTHER: blob})
        assert not (store.has(DIFF_ID) or store.has(OTHER))
        assert list(settings.staging.iterdir()) == []
