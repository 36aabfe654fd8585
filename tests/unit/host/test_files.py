# SPDX-License-Identifier: Apache-2.0
"""Files written whole or not at all, locks, trees removed to the last level and not beyond."""

import os
import subprocess
import sys

import pytest

from nova_container import errors
from nova_container.host import files, mounts


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize('durable', [True, False])
def test_a_file_is_replaced_whole_with_its_mode(tmp_path, durable):
    path = tmp_path / 'file'
    path.write_text('old')
    files.write_atomically(path, b'new', mode=0o640, durable=durable)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b'new', 0o640)
    assert names(tmp_path) == ['file']


def test_a_failed_write_leaves_the_old_file_alone(tmp_path, monkeypatch):
    path = tmp_path / 'file'
    path.write_text('old')
    monkeypatch.setattr(os, 'fsync', lambda _: (_ for _ in ()).throw(OSError(28, 'No space left on device')))
    with pytest.raises(OSError, match='No space'):
        files.write_atomically(path, b'new')
    assert (path.read_text(), names(tmp_path)) == ('old', ['file'])


def test_a_lock_that_another_holds_is_refused_with_its_pid(tmp_path):
    with files.exclusive_lock(tmp_path / 'lock'), \
            pytest.raises(errors.AlreadyExists, match=f'process {os.getpid()}'), \
            files.exclusive_lock(tmp_path / 'lock'):
        pass
    with files.exclusive_lock(tmp_path / 'lock'):
        assert (tmp_path / 'lock').read_text() == str(os.getpid())


def test_a_lock_ends_with_its_process(tmp_path):
    script = ('import os, pathlib, sys; from nova_container.host import files; '
              'files.exclusive_lock(pathlib.Path(sys.argv[1])).__enter__(); os._exit(0)')
    subprocess.run([sys.executable, '-c', script, str(tmp_path / 'lock')], check=True, timeout=30)
    with files.exclusive_lock(tmp_path / 'lock'):
        pass


def test_a_tree_is_removed_with_all_kinds_of_files(tmp_path):
    outside = tmp_path / 'outside'
    outside.mkdir()
    (outside / 'kept').touch()
    tree = tmp_path / 'tree'
    (tree / 'a/b/c').mkdir(parents=True)
    (tree / 'a/b/file').write_text('x')
    (tree / 'a/link').symlink_to(outside)
    (tree / 'a/b/dangling').symlink_to('nowhere')
    os.mkfifo(tree / 'a/fifo')
    (tree / 'closed').mkdir(mode=0)
    os.mkdir(os.fsencode(tree) + b'/\xff\xfe')
    files.remove_tree(tree)
    assert names(tmp_path) == ['outside']
    assert names(outside) == ['kept']


def test_a_tree_that_is_not_there_is_removed_already(tmp_path):
    files.remove_tree(tmp_path / 'none')
    assert names(tmp_path) == []


def test_a_tree_of_any_depth_is_removed(tmp_path):
    """A tenant makes it with ``while mkdir d; do cd d; done``."""
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(5000):
        os.mkdir('d', dir_fd=here)
        below = os.open('d', os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    files.remove_tree(tmp_path / 'd')
    assert names(tmp_path) == []


def test_a_wide_tree_is_removed(tmp_path):
    for folder in range(30):
        for below in range(30):
            (tmp_path / f'tree/{folder}/{below}').mkdir(parents=True)
            (tmp_path / f'tree/{folder}/{below}/file').touch()
    files.remove_tree(tmp_path / 'tree')
    assert names(tmp_path) == []


def test_a_file_is_no_tree(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(errors.HostFailure, match='Not a directory'):
        files.remove_tree(tmp_path / 'file')
    (tmp_path / 'link').symlink_to(tmp_path)
    with pytest.raises(errors.HostFailure):
        files.remove_tree(tmp_path / 'link')
    assert names(tmp_path) == ['file', 'link']


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason='mounts need root')
@pytest.mark.parametrize('place', ['tree/mount', 'tree/a/mount', 'tree/a/b/mount'])
def test_what_is_mounted_in_a_tree_is_never_emptied(tmp_path, place):
    precious = tmp_path / 'precious'
    precious.mkdir()
    (precious / 'data').write_text('kept')
    (tmp_path / place).mkdir(parents=True)
    mounts.bind(precious, tmp_path / place)  # on the same file system, so that the device does not tell
    try:
        with pytest.raises(errors.HostFailure, match='busy'):
            files.remove_tree(tmp_path / 'tree')
    finally:
        for mount in mounts.below(tmp_path):
            mounts.unmount(mount)
    assert (precious / 'data').read_text() == 'kept'
    files.remove_tree(tmp_path / 'tree')
    assert names(tmp_path) == ['precious']


def test_disk_usage_adds_up(tmp_path):
    total, used, free = files.disk_usage(tmp_path)
    assert 0 < used + free <= total


def test_a_file_system_that_is_not_there_cannot_be_synced(tmp_path):
    files.sync_filesystem(tmp_path)
    with pytest.raises(OSError, match='No such file'):
        files.sync_filesystem(tmp_path / 'none')
