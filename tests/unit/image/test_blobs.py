# SPDX-License-Identifier: Apache-2.0
import hashlib
import io
import os
import stat
import threading
from pathlib import Path

import pytest

from nova_container import errors
from nova_container.image.blobs import BlobStore


class Breaking(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        raise ConnectionResetError


def digest_of(content: bytes, algorithm: str = 'sha256') -> str:
    return f'{algorithm}:{hashlib.new(algorithm, content).hexdigest()}'


def files(store: BlobStore) -> list[Path]:
    return [path for path in store.root.rglob('*') if not path.is_dir() or path.parent.name == 'incoming']


def test_what_is_put_can_be_opened_under_its_digest(tmp_path: Path) -> None:
    store = BlobStore(tmp_path / 'blobs')
    content = os.urandom(3_000_000)
    assert store.put(io.BytesIO(content)) == (digest_of(content), len(content))
    with store.open(digest_of(content)) as file:
        assert file.read() == content
    assert store.path(digest_of(content)) == tmp_path / 'blobs/sha256' / hashlib.sha256(content).hexdigest()
    assert (store.size(digest_of(content)), store.has(digest_of(content)), store.all()) == (
        len(content), True, (digest_of(content),))
    assert len(files(store)) == 1


def test_putting_again_and_removing_again_are_silent(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    digest, _ = store.put(io.BytesIO(b'x'))
    assert store.put(io.BytesIO(b'x'), digest) == (digest, 1)
    store.remove(digest)
    store.remove(digest)
    assert store.all() == ()


def test_a_longer_algorithm_has_its_own_directory(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    assert store.put(io.BytesIO(b'x'), digest_of(b'x', 'sha512'))[0] == digest_of(b'x', 'sha512')
    assert store.all() == (digest_of(b'x', 'sha512'),)


def test_a_flipped_byte_is_a_mismatch_and_leaves_nothing(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    with pytest.raises(errors.DigestMismatch, match=digest_of(b'good')):
        store.put(io.BytesIO(b'goof'), digest_of(b'good'))
    assert files(store) == []


def test_a_blob_beyond_the_limit_and_a_broken_stream_leave_nothing(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    with pytest.raises(errors.UnacceptableImage, match='longer than 9 bytes'):
        store.put(io.BytesIO(b'x' * 10), None, 9)
    with pytest.raises(ConnectionResetError):
        store.put(Breaking())
    assert files(store) == []


@pytest.mark.parametrize('digest', ['sha256:../../../etc/passwd', '../x', 'sha256:' + 'A' * 64])
def test_a_malformed_digest_reaches_no_path(tmp_path: Path, digest: str) -> None:
    store = BlobStore(tmp_path)
    for use in (store.open, store.path, store.size, store.has, store.remove):
        with pytest.raises(errors.InvalidReference):
            use(digest)
    with pytest.raises(errors.InvalidReference):
        store.put(io.BytesIO(b''), digest)


def test_a_missing_blob_is_not_found(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    for use in (store.open, store.size):
        with pytest.raises(errors.BlobNotFound):
            use(digest_of(b'none'))
    assert not store.has(digest_of(b'none'))


def test_nobody_else_may_look_into_the_store(tmp_path: Path) -> None:
    store = BlobStore(tmp_path / 'a' / 'blobs')
    for directory in (store.root, store.root / 'sha256', store.root / 'incoming'):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_what_an_interrupted_write_left_is_discarded(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    (store.root / 'incoming' / 'tmpabc').mkdir()
    (store.root / 'incoming' / 'tmpabc' / 'incoming').write_bytes(b'half')
    (store.root / 'incoming' / 'stray').write_bytes(b'half')
    digest, _ = store.put(io.BytesIO(b'whole'))
    store.discard_incoming()
    assert files(store) == [store.path(digest)]


def test_what_is_staged_is_seen_only_when_it_is_kept(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    with store.staging() as staged:
        kept, left = staged.put(io.BytesIO(b'kept'), None, 10), staged.put(io.BytesIO(b'left'), None, 10)
        assert store.all() == ()
        staged.keep({kept})
        assert store.all() == (kept,)
        assert staged.size(left) == 4
    assert files(store) == [store.path(kept)]


def test_many_writers_of_one_blob_do_not_disturb_each_other(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    content = os.urandom(300_000)
    failures: list[BaseException] = []

    def write() -> None:
        try:
            for _ in range(10):
                assert store.put(io.BytesIO(content))[1] == len(content)
                assert store.size(digest_of(content)) == len(content)
        except BaseException as error:
            failures.append(error)

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failures == []
    assert files(store) == [store.path(digest_of(content))]
