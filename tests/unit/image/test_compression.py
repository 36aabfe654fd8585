# SPDX-License-Identifier: Apache-2.0
import bz2
import gzip
import io
import lzma
import os
import tracemalloc

import pytest
import zstandard

from nova_container import errors
from nova_container.image.compression import Decompressed, GzipWriter, detect

CONTENT = os.urandom(200_000) + b'text ' * 100_000


def read_all(packed: bytes, limit: int = 1 << 30) -> bytes:
    stream = Decompressed(io.BytesIO(packed), limit)
    return b''.join(iter(lambda: stream.read(100_000), b''))


@pytest.mark.parametrize(('name', 'packed'), [
    ('none', CONTENT), ('gzip', gzip.compress(CONTENT)), ('zstd', zstandard.compress(CONTENT)),
    ('gzip', gzip.compress(CONTENT[:9]) + gzip.compress(CONTENT[9:])),
    ('zstd', zstandard.compress(CONTENT[:9]) + zstandard.compress(CONTENT[9:])),
    ('zstd', b'\x50\x2a\x4d\x18\x03\0\0\0abc' + zstandard.compress(CONTENT)), ('xz', lzma.compress(CONTENT, preset=0)),
    ('bzip2', bz2.compress(CONTENT)),
    ('bzip2', bz2.compress(CONTENT[:9]) + bz2.compress(b'') + bz2.compress(CONTENT[9:]))])
def test_the_first_bytes_tell_how_to_read(name: str, packed: bytes) -> None:
    assert detect(packed[:512]) == name
    assert Decompressed(io.BytesIO(packed), 1).compression == name
    assert read_all(packed) == CONTENT


def test_a_name_may_begin_as_a_compressed_stream_does() -> None:
    assert detect(b'BZh9 is a name') == 'none'


def test_an_empty_stream_is_empty() -> None:
    assert read_all(b'') == b''


@pytest.mark.parametrize('pack', [bytes, gzip.compress, zstandard.compress, lzma.compress, bz2.compress])
def test_output_beyond_the_limit_is_refused_and_the_limit_itself_is_not(pack) -> None:
    assert len(read_all(pack(bytes(5_000_000)), 5_000_000)) == 5_000_000
    with pytest.raises(errors.UnacceptableImage, match='more than the allowed 4999999 bytes'):
        read_all(pack(bytes(5_000_000)), 4_999_999)


@pytest.mark.parametrize('pack', [gzip.compress, zstandard.compress, lzma.compress, bz2.compress])
def test_a_bomb_needs_little_memory_for_each_read(pack) -> None:
    stream = Decompressed(io.BytesIO(pack(bytes(60 << 20))), 1 << 30)
    tracemalloc.start()
    try:
        while stream.read(1 << 20):
            pass
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize('packed', [
    gzip.compress(CONTENT)[:-9], lzma.compress(CONTENT, preset=0)[:-30], gzip.compress(CONTENT)[:-8] + b'12345678',
    gzip.compress(CONTENT) + b'garbage', b'\x1f\x8b' + bytes(500), b'\x28\xb5\x2f\xfd' + b'\xff' * 500,
    b'\xfd7zXZ\0' + b'x' * 500, bz2.compress(CONTENT)[:-30], b'BZh91AY&SY' + b'x' * 500, bz2.compress(CONTENT) + b'x'])
def test_damaged_bytes_are_corrupt(packed: bytes) -> None:
    with pytest.raises(errors.Corrupt, match='stream is damaged'):
        read_all(packed)


def test_what_is_compressed_here_is_the_same_each_time_and_readable_everywhere() -> None:
    packed = []
    for _ in range(2):
        out = io.BytesIO()
        writer = GzipWriter(out.write)
        for start in range(0, len(CONTENT), 65_536):
            writer.write(CONTENT[start:start + 65_536])
        writer.close()
        packed.append(out.getvalue())
    assert packed[0] == packed[1]
    assert gzip.decompress(packed[0]) == CONTENT
    assert len(packed[0]) < len(CONTENT) / 2
