# SPDX-License-Identifier: Apache-2.0
"""Files copied in and out of a container's tree (``docker cp``, export), by the children that the runtime starts."""

import io
import os
import stat
import subprocess
import tarfile
import threading
from pathlib import Path

import pytest

from nova_container import errors
from nova_container.image import pack, treetar, unpack
from tests.fixtures import children
from tests.functional.image.tars import LIMITS, Tar, unpack_into


@pytest.fixture
def root(tmp_path: Path) -> Path:
    unpack_into(tmp_path / 'root', Tar().dir('etc').file('etc/f', b'f').dir('etc/d').file('etc/d/g', b'g')
                .symlink('/etc/d', 'l').symlink('/nowhere', 'dangling').symlink('../../..', 'up'))
    return tmp_path / 'root'


def copy_in(root: Path, into: str, tar: Tar, **options: bool) -> unpack.UnpackResult:
    argv = children.argv(unpack.words_for_tree(root, into, LIMITS, **options))
    ended = subprocess.run(argv, input=tar.bytes(), stdout=subprocess.PIPE, env={}, check=False)
    return unpack.parse_output(ended.stdout)


def copy_out(root: Path, path: str) -> list[str]:
    ended = subprocess.run(children.argv(treetar.words_for(root, path)), capture_output=True, env={}, check=False)
    if ended.returncode:
        treetar.raise_error(ended.stderr)
    assert ended.stderr == b''
    with tarfile.open(fileobj=io.BytesIO(ended.stdout)) as tar:
        return tar.getnames()


def status(root: Path, path: str) -> treetar.PathStat:
    argv = children.argv(treetar.words_for_stat(root, path))
    ended = subprocess.run(argv, stdout=subprocess.PIPE, env={}, check=False)
    return treetar.parse_stat(ended.stdout)


@pytest.mark.parametrize(('into', 'place'), [('/etc', 'etc'), ('l', 'etc/d'), ('/up/etc', 'etc'), ('/', ''),
                                             ('/l/../d/.', 'etc/d')])
def test_a_tar_is_unpacked_at_a_path_resolved_inside_the_root(root: Path, into: str, place: str) -> None:
    copy_in(root, into, Tar().file('new', b'new').dir('sub').file('sub/x', b'x'))
    assert (root / place / 'new').read_bytes() == b'new'
    assert (root / place / 'sub/x').read_bytes() == b'x'


def test_names_of_whiteouts_are_ordinary_in_a_tree(root: Path) -> None:
    copy_in(root, '/etc', Tar().file('.wh.f', b'x'))
    assert (root / 'etc/f').exists() and (root / 'etc/.wh.f').read_bytes() == b'x'


def test_a_missing_destination_is_not_found_and_a_file_is_none(root: Path) -> None:
    with pytest.raises(errors.NotFound, match='nope'):
        copy_in(root, '/nope', Tar().file('x'))
    with pytest.raises(errors.NotFound):
        copy_in(root, '/dangling', Tar().file('x'))
    with pytest.raises(errors.InvalidRequest, match='Not a directory'):
        copy_in(root, '/etc/f', Tar().file('x'))


def test_a_directory_replaces_a_file_only_if_that_is_allowed(root: Path) -> None:
    with pytest.raises(errors.InvalidRequest, match='between a directory and a file'):
        copy_in(root, '/etc', Tar().dir('f'), may_change_kind=False)
    with pytest.raises(errors.InvalidRequest, match='between a directory and a file'):
        copy_in(root, '/etc', Tar().file('d'), may_change_kind=False)
    copy_in(root, '/etc', Tar().dir('f').file('d'))
    assert (root / 'etc/f').is_dir() and (root / 'etc/d').is_file()


@pytest.mark.parametrize('name', ['../../escape', 'up/../../escape'])
def test_a_copied_tar_cannot_leave_its_destination_by_dots(root: Path, name: str) -> None:
    with pytest.raises(errors.InvalidRequest):
        copy_in(root, '/etc/d', Tar().file(name))
    assert not list(root.parent.rglob('escape'))


def test_a_copied_tar_follows_links_inside_the_root_only(root: Path) -> None:
    copy_in(root, '/etc', Tar().symlink('/../../../..', 'x').file('x/landed', b'inside'))
    assert (root / 'landed').read_bytes() == b'inside'


@pytest.mark.parametrize(('path', 'expected'), [
    ('/etc/f', ['f']), ('/etc/d', ['d', 'd/g']), ('/l', ['l']), ('/l/', ['l', 'l/g']), ('/l/.', ['.', './g']),
    ('/up/etc/d', ['d', 'd/g']), ('etc/d/', ['d', 'd/g']), ('/l/../f', ['f'])])
def test_names_in_a_tar_are_those_of_docker(root: Path, path: str, expected: list[str]) -> None:
    assert copy_out(root, path) == expected


def test_the_root_itself_has_names_that_begin_with_a_slash_as_in_docker(root: Path) -> None:
    ended = subprocess.run(children.argv(treetar.words_for(root, '/')), capture_output=True, env={}, check=True)
    with tarfile.open(fileobj=io.BytesIO(ended.stdout)) as tar:
        assert {'/etc', '/etc/f'} <= set(tar.getnames())


def test_an_export_has_names_without_prefix(root: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(b''.join(pack.pack_tree(root, name='')))) as tar:
        assert tar.getnames() == ['dangling', 'etc', 'etc/d', 'etc/d/g', 'etc/f', 'l', 'up']


def test_what_is_not_there_is_not_found(root: Path) -> None:
    for path in ('/nope', '/dangling/', '/etc/f/x'):
        with pytest.raises(errors.NotFound):
            copy_out(root, path)
        with pytest.raises(errors.NotFound):
            status(root, path)
    with pytest.raises(errors.InvalidRequest, match='Not a directory'):
        copy_out(root, '/etc/f/')


def test_the_status_of_a_path_is_that_of_the_file_itself(root: Path) -> None:
    os.utime(root / 'etc/f', ns=(0, 1_700_000_000_120_000_000))
    (root / 'etc/f').chmod(0o4750)
    assert status(root, '/etc/f') == treetar.PathStat('f', 1, stat.S_IFREG | 0o4750, 1_700_000_000_120_000_000, '')
    assert status(root, '/l').link_target == '/etc/d'
    assert stat.S_ISLNK(status(root, '/l').mode)
    assert status(root, '/up').link_target == '/'
    assert stat.S_ISDIR(status(root, '/l/').mode)
    assert status(root, '/').name == '/'


def test_swapping_a_directory_for_a_link_meanwhile_leads_nowhere(tmp_path: Path, root: Path) -> None:
    outside = tmp_path / 'outside'
    outside.mkdir()
    (outside / 'g').write_bytes(b'SECRET')
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            os.rename(root / 'etc/d', root / 'etc/aside')
            (root / 'etc/d').symlink_to(outside)
            os.rename(root / 'etc/d', root / 'etc/link')
            os.rename(root / 'etc/aside', root / 'etc/d')

    worker = threading.Thread(target=churn)
    worker.start()
    tar = Tar().file('landed', b'x').bytes()
    try:
        for _ in range(300):
            try:
                assert b'SECRET' not in b''.join(pack.pack_tree(root, '/etc/d/'))
                unpack.unpack_tree(io.BytesIO(tar), root, '/etc/d', LIMITS)
            except errors.ContainerError:
                continue
    finally:
        stop.set()
        worker.join()
    assert os.listdir(outside) == ['g']
    assert (outside / 'g').read_bytes() == b'SECRET'
