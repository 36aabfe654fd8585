# SPDX-License-Identifier: Apache-2.0
"""Whatever is uploaded comes back byte for byte, whole and in ranges, and leaves nothing when it is removed."""

import bz2
import gzip
import io
import lzma
import pathlib
import tarfile
import tempfile

import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glance_store_container.layout import Layout
from tests.fixtures import image_archives, image_store

_COMPRESSIONS = {'none': bytes, 'gzip': lambda data: gzip.compress(data, 6),
                 'gzip-1': lambda data: gzip.compress(data, 1), 'zstd': zstandard.ZstdCompressor().compress,
                 'xz': lambda data: lzma.compress(data, preset=0), 'bzip2': bz2.compress}
_SIZES = st.sampled_from([0, 1, 511, 512, 513, 4096, 65535, 65536, 65537, 70_000, 200_000])
_NAMES = st.one_of(
    st.sampled_from(['manifest.json', 'index.json', 'oci-layout', 'a' * 99, 'b/' * 60 + 'long', 'c' * 300, 'ä/ö' * 70,
                     'd/' * 2000, './e', '/f', 'g/../h', 'blobs/sha256/' + '0' * 64, 'blobs/sha512/' + '1' * 64]),
    st.text(st.characters(blacklist_categories=['Cs'], blacklist_characters='\0'), min_size=1, max_size=40))
_KINDS = st.sampled_from(['file', 'file', 'file', 'folder', 'symlink', 'hardlink', 'device', 'sparse', 'old sparse'])
_ENTRIES = st.lists(st.tuples(_NAMES, _SIZES, _KINDS, st.integers(0, 3)), max_size=8)
_FORMATS = st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
_LAYERS = st.lists(st.tuples(_SIZES, st.integers(0, 2)), min_size=1, max_size=5)
_QUICK = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


def any_tar(entries, form):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w', format=form, errors='surrogateescape') as archive:
        for name, size, kind, seed in entries:
            try:
                _add(archive, name, size, kind, seed)
            except ValueError:  # ustar has no room for the name
                continue
    return _old_sparse(buffer.getvalue())


def _add(archive, name, size, kind, seed):
    content = image_archives.noise(size, seed)
    plain = {'folder': tarfile.DIRTYPE, 'symlink': tarfile.SYMTYPE, 'hardlink': tarfile.LNKTYPE,
             'device': tarfile.CHRTYPE}
    if kind in plain:
        image_archives.add(archive, name, b'', type=plain[kind], linkname='target/' * seed * 30)
    elif kind == 'sparse':
        image_archives.add(archive, name, content, pax_headers={
            'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '1000000',
            'GNU.sparse.name': name, 'comment': 'x' * 2000})
    else:
        image_archives.add(archive, name, content, **({'mtime': 7007} if kind == 'old sparse' else {}))


def _old_sparse(archive):
    """Make the files marked by their time old GNU sparse files, with header blocks that go on or not."""
    found = bytearray(archive)
    for start in range(0, len(found), 512):
        block = found[start:start + 512]
        if block[136:147] == b'00000015537' and block[257:262] == b'ustar':
            block[156:157] = b'S'
            block[148:156] = b' ' * 8
            block[148:156] = b'%06o\0 ' % sum(block)
            found[start:start + 512] = block
    return bytes(found)


def check_round_trip(content, low, high):
    with tempfile.TemporaryDirectory() as folder:
        layout = Layout(pathlib.Path(folder))
        place = image_store.add(layout, content)
        assert image_store.read(layout, place) == content
        start, length = min(low, len(content)), high
        assert image_store.read(layout, place, start, length) == content[start:start + length]
        image_store.check_clean(layout)
        again = image_store.add(layout, content)
        layout.remove(place)
        assert image_store.read(layout, again) == content
        layout.remove(again)
        assert image_store.on_disk(layout) == set()


_RANGE = (st.integers(0, 400_000), st.integers(0, 400_000))


@_QUICK
@given(_ENTRIES, _FORMATS, st.sampled_from(list(_COMPRESSIONS)), st.binary(max_size=600), st.integers(0, 3000), *_RANGE)
def test_any_tar_comes_back(entries, form, compression, more, less, low, high):
    content = any_tar(entries, form)
    content = content[:len(content) - less] if less > 2000 else content
    check_round_trip(_COMPRESSIONS[compression](content) + more, low, high)


@_QUICK
@given(_LAYERS, st.booleans(), st.integers(1, 2), st.sampled_from(list(_COMPRESSIONS)), st.integers(0, 400), *_RANGE)
def test_any_archive_of_images_comes_back(layers, by_digest, images, compression, less, low, high):
    content = image_archives.docker_save(*(image_archives.noise(*layer) for layer in layers), by_digest=by_digest,
                                         images=images)
    content = content[:len(content) - less * 512] if less > 350 else content
    check_round_trip(_COMPRESSIONS[compression](content), low, high)


@_QUICK
@given(st.binary(max_size=3000), *_RANGE)
def test_any_bytes_come_back(content, low, high):
    check_round_trip(content, low, high)
