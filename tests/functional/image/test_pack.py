# SPDX-License-Identifier: Apache-2.0
"""Layers and trees packed from what containers wrote, and unpacked again."""

import io
import os
import socket
import stat
import subprocess
import tarfile
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nova_container import errors
from nova_container.image import compression, pack, tree, unpack
from tests.functional.image.tars import LIMITS, Tar, listing, unpack_into


def packed(upper: Path, **options: object) -> bytes:
    written = io.BytesIO()
    pack.pack_layer(upper, written, **options)  # type: ignore[arg-type]
    return written.getvalue()


def names(content: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return tar.getnames()


def test_deletions_of_an_upper_directory_become_whiteouts(tmp_path: Path) -> None:
    (tmp_path / 'd').mkdir()
    os.setxattr(tmp_path / 'd', 'trusted.overlay.opaque', b'y')
    os.mknod(tmp_path / 'd' / 'gone', stat.S_IFCHR, 0)
    os.mknod(tmp_path / 'away', stat.S_IFCHR, 0)
    content = packed(tmp_path)
    assert names(content) == ['.wh.away', 'd', 'd/.wh..wh..opq', 'd/.wh.gone']
    assert b'trusted' not in content


def test_the_result_tells_digest_and_size_and_goes_through_a_compressor(tmp_path: Path) -> None:
    (tmp_path / 'f').write_bytes(b'x' * 100_000)
    small = io.BytesIO()
    writer = compression.GzipWriter(small.write)
    told = pack.pack_layer(tmp_path, writer)
    writer.close()
    unpacked = unpack_into(tmp_path / 'again', small.getvalue())
    assert (told.diff_id, told.size) == (unpacked.diff_id, unpacked.size_bytes)
    assert len(small.getvalue()) < 2000


def test_a_file_that_a_container_named_like_a_whiteout_is_left_out(tmp_path: Path) -> None:
    for name in ('.wh.passwd', '.wh..', '.wh..wh..opq', 'kept'):
        (tmp_path / name).write_bytes(b'')
    assert names(packed(tmp_path)) == ['kept']


def test_sockets_and_empty_placeholders_of_the_runtime_are_left_out(tmp_path: Path) -> None:
    (tmp_path / 'etc').mkdir()
    (tmp_path / 'etc/hosts').write_bytes(b'')
    (tmp_path / 'etc/hostname').write_bytes(b'written by the tenant')
    (tmp_path / '.dockerenv').write_bytes(b'')
    listener = socket.socket(socket.AF_UNIX)
    here = os.open(tmp_path, os.O_RDONLY)
    listener.bind(f'/proc/self/fd/{here}/socket')
    os.close(here)
    listener.close()
    assert names(packed(tmp_path, skip=['etc/hosts', '/etc/hostname', '.dockerenv'])) == ['etc', 'etc/hostname']


def test_the_order_of_creation_does_not_show(tmp_path: Path) -> None:
    for folder, order in (('one', 'abc'), ('two', 'cab')):
        (tmp_path / folder).mkdir()
        for name in order:
            (tmp_path / folder / name).write_text(name)
            os.utime(tmp_path / folder / name, ns=(5, 5))
    assert packed(tmp_path / 'one') == packed(tmp_path / 'two')


def test_a_file_of_a_terabyte_of_holes_packs_small_and_comes_back(tmp_path: Path) -> None:
    (tmp_path / 'u').mkdir()
    with open(tmp_path / 'u' / 'sparse', 'wb') as file:
        file.seek(1 << 39)
        file.write(b'middle')
        file.truncate(1 << 40)
    content = packed(tmp_path / 'u')
    assert len(content) < 100_000
    unpack_into(tmp_path / 'r', content, unpack.UnpackLimits(max_bytes=1 << 41, max_entries=10, deadline_s=20))
    with open(tmp_path / 'r' / 'sparse', 'rb') as file:
        file.seek(1 << 39)
        assert file.read(10) == b'middle\0\0\0\0'
    assert (tmp_path / 'r/sparse').stat().st_size == 1 << 40


def test_gnu_tar_reads_what_is_packed(tmp_path: Path) -> None:
    upper, root = tmp_path / 'u', tmp_path / 'r'
    (upper / ('d' * 120)).mkdir(parents=True)
    (upper / ('d' * 120) / 'f').write_bytes(b'content')
    os.chown(upper / ('d' * 120) / 'f', 4_000_000, 7)
    os.link(upper / ('d' * 120) / 'f', upper / 'hard')
    os.symlink('x' * 150, upper / 'soft')
    with open(upper / 'sparse', 'wb') as file:
        file.truncate(1 << 20)
        file.seek(500_000)
        file.write(b'data')
    root.mkdir()
    subprocess.run(['tar', '-C', root, '--numeric-owner', '-x'], input=packed(upper), check=True)
    relative = [{path.removeprefix(str(top)): kept for path, kept in listing(top).items()} for top in (upper, root)]
    assert relative[0] == relative[1]


def test_a_redirected_directory_is_refused_because_its_content_is_elsewhere(tmp_path: Path) -> None:
    (tmp_path / 'd').mkdir()
    os.setxattr(tmp_path / 'd', 'trusted.overlay.redirect', b'/old')
    with pytest.raises(errors.HostFailure, match='redirect_dir=off'):
        packed(tmp_path)


def test_a_tree_that_is_too_deep_is_refused_without_running_out_of_descriptors(tmp_path: Path) -> None:
    before, home = len(os.listdir('/proc/self/fd')), os.getcwd()
    try:
        os.chdir(tmp_path)
        for _ in range(1500):
            os.mkdir('d')
            os.chdir('d')
    finally:
        os.chdir(home)
    try:
        with pytest.raises(errors.UnacceptableImage, match='too deep'):
            packed(tmp_path)
        assert len(os.listdir('/proc/self/fd')) == before
    finally:
        subprocess.run(['rm', '-rf', tmp_path / 'd'], check=True)


def test_a_file_swapped_for_a_link_or_a_fifo_after_it_was_seen_is_left_out(tmp_path: Path) -> None:
    (tmp_path / 'outside').write_bytes(b'SECRET')
    (tmp_path / 'upper').mkdir()
    top = os.open(tmp_path / 'upper', os.O_RDONLY)
    try:
        for swap in (lambda path: path.symlink_to(tmp_path / 'outside'), os.mkfifo, lambda path: path.mkdir()):
            path = tmp_path / 'upper' / 'f'
            path.write_bytes(b'x')
            found = next(walked := tree.walk(top))
            path.unlink()
            swap(path)
            assert found.open_file() is None
            walked.close()  # type: ignore[attr-defined]
            path.rmdir() if path.is_dir() else path.unlink()
    finally:
        os.close(top)


def test_a_directory_swapped_for_a_link_after_it_was_seen_is_left_out(tmp_path: Path,
                                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / 'outside').mkdir()
    (tmp_path / 'outside' / 'secret').write_bytes(b'SECRET')
    (tmp_path / 'upper' / 'd').mkdir(parents=True)
    really_look = os.lstat

    def look_and_swap(*args: object, **options: object) -> os.stat_result:
        seen = really_look(*args, **options)  # type: ignore[arg-type]
        if stat.S_ISDIR(seen.st_mode) and args[0] == b'd':
            (tmp_path / 'upper' / 'd').rmdir()
            (tmp_path / 'upper' / 'd').symlink_to(tmp_path / 'outside')
        return seen

    monkeypatch.setattr(os, 'lstat', look_and_swap)
    content = packed(tmp_path / 'upper')
    monkeypatch.undo()
    assert names(content) == []
    assert (tmp_path / 'upper' / 'd').is_symlink()


def test_a_container_that_changes_files_meanwhile_breaks_nothing(tmp_path: Path) -> None:
    outside, upper = tmp_path / 'outside', tmp_path / 'upper'
    outside.mkdir()
    (outside / 'secret').write_bytes(b'SECRET' * 1000)
    upper.mkdir()
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            for make in (lambda: (upper / 'x').mkdir(), lambda: (upper / 'x').symlink_to(outside),
                         lambda: os.mkfifo(upper / 'x'), lambda: (upper / 'x').write_bytes(os.urandom(70_000))):
                make()
                with open(upper / 'grows', 'ab') as file:
                    file.write(b'y' * 5000)
                    file.truncate(0 if file.tell() > 300_000 else file.tell())
                (upper / 'x').rmdir() if (upper / 'x').is_dir() and not (upper / 'x').is_symlink() else os.unlink(
                    upper / 'x')

    worker = threading.Thread(target=churn)
    worker.start()
    try:
        for turn in range(150):
            content = packed(upper)
            assert b'SECRET' not in content
            unpack_into(tmp_path / f'r{turn}', content)
    finally:
        stop.set()
        worker.join()


def test_a_layer_of_a_real_overlay_gives_the_same_tree_on_the_same_base(tmp_path: Path) -> None:
    base, upper, merged, again = (tmp_path / name for name in ('base', 'upper', 'merged', 'again'))
    unpack_into(base, Tar().dir('etc').file('etc/a', b'a').file('etc/b', b'b').dir('var').file('var/old', b'x')
                .dir('gone').file('gone/f').symlink('etc', 'link'))
    for place in (upper, merged, tmp_path / 'work'):
        place.mkdir()
    options = f'lowerdir={base},upperdir={upper},workdir={tmp_path}/work,redirect_dir=off,metacopy=off'
    subprocess.run(['mount', '-t', 'overlay', 'overlay', '-o', options, merged], check=True)
    try:
        (merged / 'etc/a').write_bytes(b'changed')
        (merged / 'etc/b').unlink()
        subprocess.run(['rm', '-r', merged / 'var', merged / 'gone', merged / 'link'], check=True)
        (merged / 'var').mkdir()
        (merged / 'var/new').write_bytes(b'new')
        (merged / 'link').mkdir()
        wanted = {path.removeprefix(str(merged)): kept for path, kept in listing(merged).items()}
        changes = dict(pack.diff_changes(upper, [base]))
    finally:
        subprocess.run(['umount', merged], check=True)
    unpack_into(again, packed(upper))
    subprocess.run(['mount', '-t', 'overlay', 'o', '-o', f'lowerdir={again}:{base}', merged], check=True)
    try:
        assert {path.removeprefix(str(merged)): kept for path, kept in listing(merged).items()} == wanted
    finally:
        subprocess.run(['umount', merged], check=True)
    assert changes == {'/etc': 'modified', '/etc/a': 'modified', '/etc/b': 'deleted', '/gone': 'deleted',
                       '/link': 'modified', '/var': 'modified', '/var/new': 'added', '/var/old': 'deleted'}


def test_changes_look_below_no_link_of_a_layer(tmp_path: Path) -> None:
    unpack_into(tmp_path / 'base', Tar().symlink('/etc', 'a'))
    unpack_into(tmp_path / 'upper', Tar().dir('a').file('a/passwd'))
    assert dict(pack.diff_changes(tmp_path / 'upper', [tmp_path / 'base'])) == {'/a': 'modified', '/a/passwd': 'added'}


def test_changes_know_what_middle_layers_deleted(tmp_path: Path) -> None:
    unpack_into(tmp_path / '0', Tar().dir('d').file('d/f').file('g').dir('o').file('o/f'))
    unpack_into(tmp_path / '1', Tar().file('d/.wh.f').file('.wh.g').dir('o').file('o/.wh..wh..opq'))
    unpack_into(tmp_path / '2', Tar().dir('d').file('d/f').file('g').dir('o').file('o/f'))
    changes = dict(pack.diff_changes(tmp_path / '2', [tmp_path / '0', tmp_path / '1']))
    assert changes == {'/d': 'modified', '/d/f': 'added', '/g': 'added', '/o': 'modified', '/o/f': 'added'}


NAME = st.binary(min_size=1, max_size=130).map(lambda name: name.replace(b'/', b'_').replace(b'\0', b'-')).filter(
    lambda name: name not in (b'.', b'..') and not name.startswith(b'.wh.'))
MODE = st.integers(0, 0o7777)
OWNER = st.one_of(st.integers(0, 70_000), st.integers(0, (1 << 32) - 2))
TIME = st.integers(-(1 << 31) * 10**9, ((1 << 33) - 1) * 10**9)
LEAF = st.one_of(
    st.tuples(st.just('file'), st.binary(max_size=2000), MODE, OWNER, TIME, st.dictionaries(
        st.text('abc%\n\u00e9', min_size=1, max_size=5), st.binary(min_size=1, max_size=50), max_size=2)),
    st.tuples(st.just('holes'), st.lists(st.integers(0, 40), unique=True, max_size=4), st.integers(1, 500_000)),
    st.tuples(st.just('symlink'), st.binary(min_size=1, max_size=200).filter(lambda text: b'\0' not in text)),
    st.tuples(st.just('fifo'), st.integers(0, 0o777)), st.tuples(st.just('whiteout')), st.tuples(st.just('hardlink')))
TREE = st.recursive(st.dictionaries(NAME, LEAF, max_size=5), lambda inner: st.dictionaries(
    NAME, st.one_of(LEAF, inner), max_size=4), max_leaves=12)


def plant(top: bytes, tree: dict, files: list[bytes]) -> None:
    for name, what in tree.items():
        path = os.path.join(top, name)
        if isinstance(what, dict):
            os.mkdir(path)
            plant(path, what, files)
            if len(what) == 2:
                os.setxattr(path, 'trusted.overlay.opaque', b'y')
        elif what[0] == 'hardlink':
            if files:
                os.link(files[0], path)
        else:
            PLANTERS[what[0]](path, *what[1:])
            files += [path] if what[0] != 'whiteout' else []


def plant_holes(path: bytes, places: list[int], size: int) -> None:
    with open(path, 'wb') as file:
        for place in places:
            file.seek(place * 70_000)
            file.write(b'data')
        file.truncate(max(file.tell(), size))


def plant_file(path: bytes, content: bytes, mode: int, owner: int, time_ns: int, xattrs: dict[str, bytes]) -> None:
    with open(path, 'wb') as file:
        file.write(content)
    os.chown(path, owner, owner)
    os.chmod(path, mode)
    for name, value in xattrs.items():
        os.setxattr(path, f'user.{name}', value)
    os.utime(path, ns=(time_ns, time_ns))


PLANTERS = {'file': plant_file, 'holes': plant_holes, 'fifo': os.mkfifo,
            'symlink': lambda path, target: os.symlink(target, path),
            'whiteout': lambda path: os.mknod(path, stat.S_IFCHR, 0)}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=TREE)
def test_any_tree_survives_packing_and_unpacking(tmp_path_factory: pytest.TempPathFactory, tree: dict) -> None:
    top = tmp_path_factory.mktemp('tree')
    (top / 'upper').mkdir()
    plant(os.fsencode(top / 'upper'), tree, [])
    first = packed(top / 'upper')
    unpack_into(top / 'again', first)
    assert packed(top / 'again') == first
    assert listing(top / 'again') == {path.replace('/upper/', '/again/', 1): kept
                                      for path, kept in listing(top / 'upper').items()}


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=st.binary(max_size=3000), place=st.integers(0, 6000), filler=st.binary(min_size=1, max_size=40))
def test_any_damage_of_a_tar_is_a_refusal_and_never_a_crash(tmp_path_factory: pytest.TempPathFactory, content: bytes,
                                                            place: int, filler: bytes) -> None:
    good = Tar().dir('d').file('d/f', content, pax={'mtime': '1.5'}).hardlink('d/f', 'h').bytes()
    bad = (good[:place] + filler + good[place + len(filler):])[:len(good)]
    try:
        unpacked = unpack_into(tmp_path_factory.mktemp('damage'), bad, LIMITS)
    except (errors.UnacceptableImage, errors.Corrupt):
        return
    assert unpacked.size_bytes == len(bad)
