# SPDX-License-Identifier: Apache-2.0
import hashlib
import io

import pytest

from nova_container import errors
from nova_container.image import digest

HEX = 'ab' * 32

BAD = ['sha256:../../../x', 'md5:' + 'a' * 32, 'sha256:' + HEX.upper(), 'sha256:' + HEX[:-1], 'sha256:' + HEX + 'a',
       'sha256:' + HEX + '\n', HEX, '', 'sha512:' + HEX, 'SHA256:' + HEX, 'sha256:' + 'a' * 63 + '٣',
       None, 5, ['sha256:' + HEX]]


@pytest.mark.parametrize('text', BAD)
def test_a_malformed_digest_is_refused_before_any_path_is_built(text: object) -> None:
    for use in (digest.parse, digest.hex_of, digest.algorithm_of):
        with pytest.raises(errors.InvalidReference, match='Malformed digest'):
            use(text)  # type: ignore[operator]


def test_well_formed_digests_come_back_unchanged() -> None:
    for text in ('sha256:' + HEX, 'sha512:' + HEX * 2):
        assert digest.parse(text) == text
        assert text.endswith(digest.hex_of(text))


def test_a_stream_is_hashed_while_it_is_read() -> None:
    content = bytes(range(256)) * 5000
    reader = digest.DigestReader(io.BytesIO(content), len(content))
    assert reader.read() == content
    assert (reader.digest, reader.size_bytes) == (digest.of_bytes(content), len(content))
    assert reader.digest == 'sha256:' + hashlib.sha256(content).hexdigest()


def test_a_buffered_reader_can_stand_on_it() -> None:
    reader = digest.DigestReader(io.BytesIO(b'one\ntwo\n'), 100, 'sha512')
    assert io.BufferedReader(reader).readlines() == [b'one\n', b'two\n']
    assert reader.digest == 'sha512:' + hashlib.sha512(b'one\ntwo\n').hexdigest()


def test_a_stream_that_is_longer_than_the_limit_is_stopped() -> None:
    reader = digest.DigestReader(io.BytesIO(b'x' * 101), 100)
    with pytest.raises(errors.UnacceptableImage, match='longer than 100 bytes'):
        reader.read()
