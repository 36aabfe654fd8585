# SPDX-License-Identifier: Apache-2.0
"""What unpacking a layer makes, and what it refuses: cases 8 to 24 of the abuse checklist."""

import gzip
import hashlib
import io
import lzma
import os
import stat
import subprocess
import sys
import tarfile
import time
import zlib
from pathlib import Path

import pytest
import zstandard
from isal import igzip

from nova_container import errors
from nova_container.image import unpack, whiteout
from tests.fixtures import children
from tests.functional.image.tars import LIMITS, Tar, listing, raw_header, unpack_into

LIMIT_8M = unpack.UnpackLimits(max_bytes=8 << 20, max_entries=1000, deadline_s=20)


# In between, as a process counts the memory of the one that it was forked from as its own
_TELL_MEMORY = '''
import resource, subprocess, sys
subprocess.run(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
'''


def run_child(root: Path, content: bytes, limits: unpack.UnpackLimits = LIMITS,
              expect: str | None = None) -> unpack.UnpackResult:
    argv = children.argv(unpack.words_for(root, limits, expect_diff_id=expect))
    return unpack.parse_output(subprocess.run(argv, input=content, stdout=subprocess.PIPE, env={}, check=False).stdout)


def mount_overlay(target: Path, *layers_top_first: Path) -> None:
    target.mkdir()
    options = 'lowerdir=' + ':'.join(map(str, layers_top_first))
    subprocess.run(['mount', '-t', 'overlay', 'overlay', '-o', options, target], check=True)


def test_every_kind_of_file_is_made_as_described(tmp_path: Path) -> None:
    moment = '1700000000.123456789'
    tar = (Tar().dir('d', 0o1777, uid=5, gid=6, pax={'mtime': moment})
           .file('d/f', b'content', mode=0o640, uid=3_000_000, gid=7, pax={'mtime': moment})
           .hardlink('d/f', 'h').symlink('d/f', 's').add('p', tarfile.FIFOTYPE, mode=0o600))
    unpack_into(tmp_path / 'r', tar)
    found = {path.removeprefix(f'{tmp_path}/r/'): kept for path, kept in listing(tmp_path / 'r').items()}
    assert found == {
        'd': (stat.S_IFDIR, 0o1777, 5, 6, 0, b''), 'd/f': (stat.S_IFREG, 0o640, 3_000_000, 7, 2, b'content'),
        'h': (stat.S_IFREG, 0o640, 3_000_000, 7, 2, b'content'), 's': (stat.S_IFLNK, 0o777, 0, 0, 1, b'd/f'),
        'p': (stat.S_IFIFO, 0o600, 0, 0, 1, b'')}
    assert (tmp_path / 'r' / 'd').stat().st_mtime_ns == (tmp_path / 'r/d/f').stat().st_mtime_ns == 1700000000123456789


@pytest.mark.parametrize('pack', [bytes, gzip.compress, igzip.compress, zstandard.compress])
def test_plain_gzip_and_zstd_layers_unpack_to_the_same_diff_id(tmp_path: Path, pack) -> None:
    content = Tar().file('f', b'x' * 3_000_000).bytes()
    diff_id = 'sha256:' + hashlib.sha256(content).hexdigest()
    assert run_child(tmp_path, pack(content), expect=diff_id) == unpack.UnpackResult(diff_id, len(content), 1)
    assert (tmp_path / 'f').stat().st_size == 3_000_000


def test_bytes_after_the_end_of_the_tar_count_for_the_diff_id(tmp_path: Path) -> None:
    content = Tar().file('f').bytes() + bytes(9000)
    assert unpack_into(tmp_path, content).diff_id == 'sha256:' + hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize('form', [tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_of_every_format_are_read(tmp_path: Path, form: int) -> None:
    name = '/'.join(['component' * 4] * (3 if form == tarfile.USTAR_FORMAT else 9)) + '/file'
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode='w', format=form) as tar:
        info = tarfile.TarInfo(name)
        info.size = 3
        tar.addfile(info, io.BytesIO(b'abc'))
    unpack_into(tmp_path, packed.getvalue())
    assert (tmp_path / name).read_bytes() == b'abc'


@pytest.mark.parametrize('form', ['--format=gnu', '--sparse-version=0.0', '--sparse-version=0.1',
                                  '--sparse-version=1.0'])
def test_sparse_files_of_gnu_tar_stay_sparse(tmp_path: Path, form: str) -> None:
    source, root = tmp_path / 'source', tmp_path / 'root'
    source.mkdir()
    with open(source / 'sparse', 'wb') as file:
        for index in range(30):
            file.seek(index * 100_000)
            file.write(b'data%d' % index)
        file.truncate(40 << 20)
    flags = [form] if form == '--format=gnu' else ['--format=posix', form]
    packed = subprocess.run(['tar', '-C', source, '--sparse', *flags, '-c', 'sparse'], capture_output=True,
                            check=True).stdout
    unpack_into(root, packed)
    assert (root / 'sparse').read_bytes() == (source / 'sparse').read_bytes()
    assert (root / 'sparse').stat().st_blocks * 512 < 2 << 20


def test_a_whiteout_of_a_link_to_a_directory_removes_the_link_and_keeps_its_target(tmp_path: Path) -> None:
    unpack_into(tmp_path / 'low', Tar().dir('real').file('real/f', b'kept').symlink('real', 'x').file('y', b'y'))
    unpack_into(tmp_path / 'high', Tar().file('.wh.x'))
    merged = tmp_path / 'merged'
    mount_overlay(merged, tmp_path / 'high', tmp_path / 'low')
    try:
        assert sorted(path.name for path in merged.iterdir()) == ['real', 'y']
        assert (merged / 'real/f').read_bytes() == b'kept'
    finally:
        subprocess.run(['umount', merged], check=True)


def test_an_opaque_directory_hides_the_layers_below_and_nothing_of_its_own(tmp_path: Path) -> None:
    unpack_into(tmp_path / 'low', Tar().dir('d').file('d/old').dir('e').file('e/old').dir('r').file('r/old'))
    unpack_into(tmp_path / 'high', Tar().dir('d').file('d/new').file('d/.wh..wh..opq')
                .file('.wh.e').dir('e').file('e/new').dir('r').file('r/new').file('.wh.r'))
    merged = tmp_path / 'merged'
    mount_overlay(merged, tmp_path / 'high', tmp_path / 'low')
    try:
        assert {name: os.listdir(merged / name) for name in 'der'} == {'d': ['new'], 'e': ['new'], 'r': ['new']}
    finally:
        subprocess.run(['umount', merged], check=True)


def test_a_layer_that_hides_all_below_says_so_because_overlayfs_ignores_the_mark_on_a_root(tmp_path: Path) -> None:
    assert run_child(tmp_path / '.', Tar().file('.wh..wh..opq').file('f').bytes()).hides_below
    assert not run_child(tmp_path / '.', Tar().file('d/.wh..wh..opq').bytes()).hides_below


def test_a_whiteout_beside_a_file_of_the_same_layer_leaves_the_file(tmp_path: Path) -> None:
    unpack_into(tmp_path, Tar().file('a', b'a').file('.wh.a').file('.wh.b').file('b', b'b'))
    assert ((tmp_path / 'a').read_bytes(), (tmp_path / 'b').read_bytes()) == (b'a', b'b')


def test_the_data_of_aufs_are_ignored(tmp_path: Path) -> None:
    unpack_into(tmp_path, Tar().file('.wh..wh.aufs').dir('.wh..wh.plnk').file('.wh..wh.plnk/1.2').file('f'))
    assert os.listdir(tmp_path) == ['f']


def test_100000_opaque_whiteouts_of_one_directory_take_linear_time(tmp_path: Path,
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    marked: list[int] = []
    really_mark = whiteout.mark_opaque
    monkeypatch.setattr(whiteout, 'mark_opaque', lambda directory: (marked.append(directory), really_mark(directory)))
    one = Tar().file('d/.wh..wh..opq').bytes()[:-1024]
    started = time.monotonic()
    unpack_into(tmp_path, Tar().dir('d').raw(one * 100_000).bytes())
    assert time.monotonic() - started < 10
    assert os.getxattr(tmp_path / 'd', 'trusted.overlay.opaque') == b'y'
    assert len(marked) == 1


def test_a_character_device_0_0_is_refused_and_is_no_deletion(tmp_path: Path) -> None:
    with pytest.raises(errors.UnacceptableImage, match='character device 0:0'):
        unpack_into(tmp_path, Tar().device('x', tarfile.CHRTYPE, 0, 0))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize('kind', [tarfile.BLKTYPE, tarfile.CHRTYPE])
def test_device_nodes_are_not_made(tmp_path: Path, kind: bytes) -> None:
    unpack_into(tmp_path, Tar().device('sda', kind, 8, 0).file('f'))
    assert os.listdir(tmp_path) == ['f']


def test_a_hard_link_to_a_whiteout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.UnacceptableImage, match='hard link'):
        unpack_into(tmp_path, Tar().file('.wh.a').hardlink('a', 'b'))


def test_setuid_bits_survive_the_change_of_owner(tmp_path: Path) -> None:
    unpack_into(tmp_path, Tar().file('su', b'#!', mode=0o4755, uid=0).file('games', b'#!', mode=0o2755, uid=5, gid=60))
    assert stat.S_IMODE((tmp_path / 'su').stat().st_mode) == 0o4755
    assert stat.S_IMODE((tmp_path / 'games').stat().st_mode) == 0o2755


def test_only_harmless_extended_attributes_are_kept(tmp_path: Path) -> None:
    capability = b'\1\0\0\2' + b'\0\x20\0\0' + bytes(12)
    pax = {'SCHILY.xattr.' + name: 'y' for name in (
        'trusted.overlay.opaque', 'trusted.overlay.redirect', 'trusted.other', 'user.overlay.opaque', 'user.mine',
        'security.selinux', 'system.posix_acl_access', 'security.ima')}
    pax['SCHILY.xattr.security.capability'] = capability.decode('latin-1')
    tar = Tar().file('f', b'x', pax=pax).dir('d', pax=pax)
    unpack_into(tmp_path, tar)
    assert sorted(os.listxattr(tmp_path / 'f')) == ['security.capability', 'user.mine']
    assert os.getxattr(tmp_path / 'f', 'security.capability') == capability


def test_a_malformed_file_capability_is_not_kept(tmp_path: Path) -> None:
    unpack_into(tmp_path, Tar().file('f', pax={'SCHILY.xattr.security.capability': 'x' * 17}))
    assert os.listxattr(tmp_path / 'f') == []


def test_libarchive_attributes_are_read(tmp_path: Path) -> None:
    unpack_into(tmp_path, Tar().file('f', pax={'LIBARCHIVE.xattr.user.a%20b': 'aGVsbG8='}))
    assert os.getxattr(tmp_path / 'f', 'user.a b') == b'hello'


def test_too_large_attributes_are_the_fault_of_the_image(tmp_path: Path) -> None:
    with pytest.raises(errors.UnacceptableImage, match='attributes'):
        unpack_into(tmp_path, Tar().file('f', pax={f'SCHILY.xattr.user.{index}': 'x' * 60_000 for index in range(9)}))


def test_a_fifo_is_made_and_never_opened(tmp_path: Path) -> None:
    tar = Tar().add('p', tarfile.FIFOTYPE).file('p', b'over it').add('q', tarfile.FIFOTYPE).dir('q').file('q/f')
    started = time.monotonic()
    run_child(tmp_path, tar.bytes(), LIMIT_8M)
    assert time.monotonic() - started < 5
    assert (tmp_path / 'p').read_bytes() == b'over it'
    assert (tmp_path / 'q' / 'f').exists()


def test_a_gzip_bomb_of_10_gb_stops_at_the_limit_with_little_memory(tmp_path: Path) -> None:
    header = raw_header(size=b'%011o\0' % (32 << 20))
    zeros = igzip.compress(bytes(64 << 20), 1)
    bomb = igzip.compress(header) + zeros * 160
    assert len(bomb) < 40 << 20
    started = time.monotonic()
    argv = children.argv(unpack.words_for(tmp_path, LIMITS))
    said = subprocess.run([sys.executable, '-c', _TELL_MEMORY, *argv], input=bomb, capture_output=True, check=False)
    with pytest.raises(errors.UnacceptableImage, match='more than the allowed'):
        unpack.parse_output(said.stdout)
    assert time.monotonic() - started < 10
    assert int(said.stderr.split()[-1]) < 400 << 10
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= LIMITS.max_bytes


def test_a_zstd_frame_with_a_window_of_2_gib_is_refused(tmp_path: Path) -> None:
    frame = b'\x28\xb5\x2f\xfd' + b'\0' + bytes([21 << 3]) + b'\1\0\0'
    with pytest.raises(errors.UnacceptableImage, match='window of 2147483648'):
        run_child(tmp_path, frame)


def test_a_second_zstd_frame_with_a_huge_window_is_refused_too(tmp_path: Path) -> None:
    frame = b'\x28\xb5\x2f\xfd' + b'\0' + bytes([21 << 3]) + b'\1\0\0'
    with pytest.raises(errors.Corrupt):
        run_child(tmp_path, zstandard.compress(Tar().file('f').bytes()) + frame)


def test_an_xz_stream_with_a_huge_dictionary_is_refused(tmp_path: Path) -> None:
    content = bytearray(lzma.compress(Tar().file('f').bytes(), filters=[{'id': lzma.FILTER_LZMA2, 'dict_size': 4096}]))
    size = (content[12] + 1) * 4
    content[content.index(b'\x21\x01', 12) + 2] = 40
    content[12 + size - 4:12 + size] = zlib.crc32(content[12:12 + size - 4]).to_bytes(4, 'little')
    with pytest.raises(errors.UnacceptableImage, match='memory'):
        run_child(tmp_path, bytes(content))


def test_millions_of_empty_files_stop_at_the_entry_limit(tmp_path: Path) -> None:
    tar = b''.join(raw_header(b'f%d' % index) for index in range(3000))
    with pytest.raises(errors.UnacceptableImage, match='more than 1000 entries'):
        run_child(tmp_path, tar, LIMIT_8M)
    assert len(os.listdir(tmp_path)) <= 1000


def test_headers_that_make_no_file_count_as_entries_too(tmp_path: Path) -> None:
    with pytest.raises(errors.UnacceptableImage, match='more than 1000 entries'):
        unpack_into(tmp_path, raw_header(kind=b'g') * 3000, LIMIT_8M)


EIGHT_EIB = b'\x80\0\0\0\x7f' + b'\xff' * 7
IMPOSSIBLE: dict[str, bytes] = {
    'a size of 8 EiB': raw_header(size=EIGHT_EIB),
    'a negative size': raw_header(size=b'\xff' * 12),
    'a size with a sign': raw_header(size=b'-0000000012\0'),
    'an old sparse file of 8 EiB': raw_header(kind=b'S', magic=b'ustar  \0', tail=bytes(138) + EIGHT_EIB),
    'a sparse file of 32 MiB over the limit of a file': Tar().file('f', pax={
        'GNU.sparse.size': str(32 << 20), 'GNU.sparse.map': ''}).bytes(),
    'sparse segments beyond the end': Tar().file('f', b'x' * 512, pax={
        'GNU.sparse.size': '600', 'GNU.sparse.map': '100,512'}).bytes(),
    'sparse segments that overlap': Tar().file('f', b'x' * 20, pax={
        'GNU.sparse.size': '600', 'GNU.sparse.map': '100,10,105,10'}).bytes(),
    'sparse segments in number beyond the data': Tar().file('f', b'1000000\n'.ljust(512, b'\0'), pax={
        'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '600'}).bytes(),
    'a sparse map with a negative number': Tar().file('f', b'1\n-5\n5\n'.ljust(512, b'\0'), pax={
        'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '600'}).bytes(),
    'a PAX size that is negative': Tar().file('f', pax={'size': '-1'}).bytes(),
    'a PAX record of length 0': raw_header(kind=b'x', size=b'00000000024\0') + b'0 path=a\n'.ljust(512, b'\0'),
    'a PAX record longer than its header': raw_header(kind=b'x', size=b'00000000012\0') + b'99 path=a\n'.ljust(512),
    'a PAX header of 2 MiB': raw_header(kind=b'x', size=b'%011o\0' % (2 << 20)) + bytes(2 << 20),
    'an owner of 2**32': Tar().file('f', pax={'uid': str(1 << 32)}).bytes(),
    'an unknown type': raw_header(kind=b'Q'),
    'a wrong checksum': raw_header().replace(b'0000644', b'0000645'),
    'data after the first block of the end': bytes(512) + raw_header(),
}


@pytest.mark.parametrize('case', IMPOSSIBLE)
def test_a_tar_with_impossible_numbers_is_refused_at_once(tmp_path: Path, case: str) -> None:
    started = time.monotonic()
    with pytest.raises(errors.UnacceptableImage):
        unpack_into(tmp_path, IMPOSSIBLE[case], LIMIT_8M)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize('length', [100, 512 + 100, 512 * 3])
def test_a_tar_that_is_cut_short_is_corrupt(tmp_path: Path, length: int) -> None:
    with pytest.raises(errors.Corrupt):
        unpack_into(tmp_path, Tar().file('f', b'x' * 2000).bytes()[:length])


def test_a_compressed_layer_that_is_cut_short_is_corrupt(tmp_path: Path) -> None:
    content = os.urandom(100_000)
    with pytest.raises(errors.Corrupt):
        run_child(tmp_path, gzip.compress(Tar().file('f', content).bytes())[:50_000])
    with pytest.raises(errors.Corrupt):
        run_child(tmp_path, zstandard.compress(Tar().file('f', content).bytes())[:50_000])


@pytest.mark.parametrize('name', ['new\nline', '\udcff\udcfe invalid', 'tab\t\x1b[31m', 'ünïcode'])
def test_odd_names_are_bytes_like_any_other(tmp_path: Path, name: str) -> None:
    unpack_into(tmp_path, Tar().file(name, b'x'))
    assert os.listdir(os.fsencode(tmp_path)) == [os.fsencode(name)]


@pytest.mark.parametrize('name', ['a' * 300, 'ab/' * 2000 + 'c', 'a/' * 600 + 'b'])
def test_names_that_no_file_system_holds_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(errors.UnacceptableImage, match='cannot be made') as caught:
        run_child(tmp_path, Tar().file(name).bytes())
    assert len(str(caught.value)) < 400


def test_a_name_with_a_nul_is_refused_and_shown_escaped(tmp_path: Path) -> None:
    record = b'18 path=evil\0\x1b[2J\n'
    record = b'%d %s' % (len(record), record.partition(b' ')[2])
    header = raw_header(kind=b'x', size=b'%011o\0' % len(record)) + record.ljust(512, b'\0') + raw_header()
    with pytest.raises(errors.UnacceptableImage, match='NUL') as caught:
        unpack_into(tmp_path, header)
    assert str(caught.value).isprintable()


def test_an_empty_stream_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(errors.Corrupt, match='empty'):
        unpack_into(tmp_path, b'')


def test_a_wrong_diff_id_is_a_mismatch(tmp_path: Path) -> None:
    with pytest.raises(errors.DigestMismatch, match='expected sha256:0000'):
        run_child(tmp_path, gzip.compress(Tar().file('f').bytes()), expect='sha256:' + '0' * 64)


def test_an_archive_that_comes_too_slowly_is_given_up(tmp_path: Path) -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            time.sleep(0.05)
            return super().read(512)

    with pytest.raises(errors.Exhausted, match=r'longer than 0\.3 s'):
        unpack.unpack_layer(Slow(Tar().file('f', bytes(100_000)).bytes()), tmp_path,
                            unpack.UnpackLimits(1 << 20, 100, 0.3))


def test_a_full_disk_is_exhaustion_and_no_fault_of_the_image(tmp_path: Path) -> None:
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', tmp_path], check=True)
    try:
        with pytest.raises(errors.Exhausted, match='No space left'):
            run_child(tmp_path, Tar().file('f', bytes(2 << 20)).bytes())
    finally:
        subprocess.run(['umount', tmp_path], check=True)


def test_a_child_that_was_killed_is_a_failure_of_the_host() -> None:
    with pytest.raises(errors.HostFailure, match='killed'):
        unpack.parse_output('')


def test_the_descriptors_are_all_closed_again(tmp_path: Path) -> None:
    before = len(os.listdir('/proc/self/fd'))
    tar = Tar()
    for index in range(300):
        tar.file(f'd{index}/e/f').symlink('/d1', f's{index}').dir(f's{index}')
    unpack_into(tmp_path / 'a', tar)
    with pytest.raises(errors.UnacceptableImage):
        unpack_into(tmp_path / 'b', tar.file('../x'))
    assert len(os.listdir('/proc/self/fd')) == before
