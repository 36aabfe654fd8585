# SPDX-License-Identifier: Apache-2.0
"""Names that appear in a folder: whole files only, all of them, and a sentence where the kernel refuses."""

import os
import select

import pytest

from nova_container import errors
from nova_container.host import inotify
from nova_container.host.inotify import FolderWatch


@pytest.fixture
def watch(tmp_path):
    (tmp_path / 'watched').mkdir()
    made = FolderWatch(tmp_path / 'watched')
    yield made
    made.close()


def move_in(tmp_path, name):
    (tmp_path / 'new').touch()
    (tmp_path / 'new').rename(tmp_path / 'watched' / name)


def test_a_name_is_told_when_the_file_is_moved_in(watch, tmp_path):
    (tmp_path / 'watched/being written').touch()
    assert watch.names() == []
    move_in(tmp_path, 'whole')
    assert select.select([watch.descriptor], [], [], 10)[0]
    assert watch.names() == ['whole']
    assert watch.names() == []


def test_names_of_any_length_come_in_order(watch, tmp_path):
    names = ['a' * length for length in (1, 15, 16, 17, 255)]
    for name in names:
        move_in(tmp_path, name)
    assert watch.names() == names


def test_more_names_than_a_buffer_holds_all_come(watch, tmp_path):
    for number in range(3000):
        move_in(tmp_path, f'{number:064}')
    found = []
    while names := watch.names():
        found += names
    assert found == [f'{number:064}' for number in range(3000)]


@pytest.mark.parametrize('place', ['none', 'file'])
def test_what_is_no_folder_is_refused_and_nothing_held(tmp_path, place):
    (tmp_path / 'file').touch()
    before = len(os.listdir('/proc/self/fd'))
    with pytest.raises(errors.HostFailure, match='Cannot watch'):
        FolderWatch(tmp_path / place)
    assert len(os.listdir('/proc/self/fd')) == before


def test_too_many_watches_name_the_setting(tmp_path, monkeypatch):
    monkeypatch.setattr(inotify, '_LIBC', type('Libc', (), {'inotify_init1': staticmethod(lambda _: -1)}))
    with pytest.raises(errors.HostFailure, match='fs.inotify.max_user_instances'):
        FolderWatch(tmp_path)


def test_close_is_repeatable(watch):
    watch.close()
    watch.close()
