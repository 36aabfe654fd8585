# SPDX-License-Identifier: Apache-2.0
"""Reading image archives: cases 22 to 34 of the abuse checklist, as far as they are about archives."""

import dataclasses
import gzip
import io
import json
import lzma
import socket
import tarfile
from pathlib import Path
from typing import Any

import pytest
import zstandard

from nova_container import errors
from nova_container.image import archive
from nova_container.image.blobs import BlobStore
from tests.unit.image.archives import Layout, config_of, descriptor, digest, layer, old_docker_save, tar_of

A, B = layer('a'), layer('b')


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / 'blobs')


def read(blobs: BlobStore, content: bytes, **options: Any) -> tuple[archive.LoadedImage, ...]:
    return archive.read_archive(io.BytesIO(content), blobs, architecture='amd64', **options).images


def refuse(blobs: BlobStore, content: bytes, sentence: str, kind: type[Exception] = errors.InvalidRequest,
           **options: Any) -> None:
    """Check that the archive is refused with a sentence, and that nothing of it stays in the store."""
    with pytest.raises(kind, match=sentence):
        read(blobs, content, **options)
    assert [path for path in blobs.root.rglob('*') if path.is_file() or path.parent.name == 'incoming'] == []


def test_an_archive_of_old_docker_is_read(blobs: BlobStore) -> None:
    image, = read(blobs, tar_of(old_docker_save(A, B)))
    assert image.references == ('demo:1',)
    assert image.config_digest == digest(image.config_bytes) == digest(config_of(A, B))
    assert [(one.blob_digest, one.diff_id, one.size) for one in image.layers] == [
        (digest(one), digest(one), len(one)) for one in (A, B)]
    assert set(blobs.all()) == {digest(A), digest(B), image.config_digest}


@pytest.mark.parametrize('pack', [bytes, gzip.compress, zstandard.compress, lzma.compress])
def test_an_archive_may_be_compressed_as_a_whole(tmp_path: Path, blobs: BlobStore, pack: Any) -> None:
    (tmp_path / 'archive').write_bytes(pack(tar_of(old_docker_save(A))))
    image, = archive.read_archive(tmp_path / 'archive', blobs).images
    assert image.references == ('demo:1',)


@pytest.mark.parametrize('kind', [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_layer_that_two_images_of_old_docker_share_is_a_link(blobs: BlobStore, kind: bytes) -> None:
    files = old_docker_save(A, A)
    files['id1/layer.tar'] = (kind, '../id0/layer.tar' if kind == tarfile.SYMTYPE else 'id0/layer.tar')
    image, = read(blobs, tar_of(files))
    assert [one.blob_digest for one in image.layers] == [digest(A)] * 2


def test_a_link_that_leads_in_circles_or_outside_is_a_missing_layer(blobs: BlobStore) -> None:
    for target in ('layer.tar', '../../../../etc/passwd', '/etc/passwd'):
        files = old_docker_save(A) | {'id0/layer.tar': (tarfile.SYMTYPE, target)}
        refuse(blobs, tar_of(files), "layer 'id0/layer.tar' is not in the archive")


def test_an_archive_with_several_images_lists_them_all(blobs: BlobStore) -> None:
    one, two = old_docker_save(A, tags=('a:1', 'quay.io/x/a:2')), old_docker_save(B, tags=())
    listed = json.loads(one['manifest.json']) + json.loads(two['manifest.json'].replace(b'id0', b'id9'))
    files = one | two | {'id0/layer.tar': A, 'id9/layer.tar': B, 'manifest.json': json.dumps(listed).encode()}
    images = read(blobs, tar_of(files))
    assert [image.references for image in images] == [('a:1', 'quay.io/x/a:2'), ()]
    assert [image.layers[0].blob_digest for image in images] == [digest(A), digest(B)]


@pytest.mark.parametrize(('pack', 'suffix'), [(bytes, ''), (gzip.compress, '+gzip'), (zstandard.compress, '+zstd')])
def test_layers_may_be_plain_gzip_or_zstd_and_the_bytes_tell(blobs: BlobStore, pack: Any, suffix: str) -> None:
    layout = Layout()
    manifest = layout.image(A, pack=pack)
    image, = read(blobs, layout.tar(descriptor(manifest)))
    assert image.layers == (archive.LoadedLayer(digest(pack(A)), len(pack(A)),
                                                'application/vnd.oci.image.layer.v1.tar' + suffix, digest(A)),)


def test_a_layer_compressed_with_xz_is_refused(blobs: BlobStore) -> None:
    layout = Layout()
    refuse(blobs, layout.tar(descriptor(layout.image(A, pack=lzma.compress))), 'compressed with xz')


@pytest.mark.parametrize(('annotations', 'references'), [
    ({'io.containerd.image.name': 'docker.io/library/a:1', 'org.opencontainers.image.ref.name': '1'}, ('a:1',)),
    ({'org.opencontainers.image.ref.name': 'quay.io/a/b:2'}, ('quay.io/a/b:2',)),
    ({'org.opencontainers.image.ref.name': 'latest'}, ()), ({'org.opencontainers.image.ref.name': 'NOT A NAME:/'}, ())])
def test_a_layout_names_its_images_by_annotations(blobs: BlobStore, annotations: dict[str, str],
                                                  references: tuple[str, ...]) -> None:
    layout = Layout()
    image, = read(blobs, layout.tar(descriptor(layout.image(A), annotations=annotations)))
    assert image.references == references


def test_a_nested_index_gives_the_image_of_this_machine(blobs: BlobStore) -> None:
    layout = Layout()
    amd, arm = layout.image(A), layout.image(B, architecture='arm64')
    inner = layout.index(descriptor(arm, platform={'os': 'linux', 'architecture': 'arm64'}),
                         descriptor(amd, platform={'os': 'linux', 'architecture': 'amd64'}),
                         descriptor(layout.blob(b'{}'), platform={'os': 'unknown', 'architecture': 'unknown'}))
    content = layout.tar(descriptor(inner, 'application/vnd.oci.image.index.v1+json'))
    assert read(blobs, content)[0].layers[0].diff_id == digest(A)
    found, = archive.read_archive(io.BytesIO(content), blobs, architecture='arm64').images
    assert found.config.architecture == 'arm64'
    with pytest.raises(errors.UnacceptableImage, match='no image for linux/s390x'):
        archive.read_archive(io.BytesIO(content), blobs, architecture='s390x')


def test_signatures_beside_an_image_are_passed_over(blobs: BlobStore) -> None:
    layout = Layout()
    empty = layout.blob(b'{}')
    signature = layout.blob(json.dumps({'schemaVersion': 2, 'layers': [descriptor(empty)], 'config': descriptor(
        empty, 'application/vnd.oci.empty.v1+json')}).encode())
    assert len(read(blobs, layout.tar(descriptor(signature), descriptor(layout.image(A))))) == 1


def test_130_layers_are_read_and_501_are_refused(blobs: BlobStore) -> None:
    layers = [layer(str(index)) for index in range(501)]
    assert len(read(blobs, tar_of(old_docker_save(*layers[:130])))[0].layers) == 130
    with pytest.raises(errors.UnacceptableImage, match='501 layers, more than 500'):
        read(blobs, tar_of(old_docker_save(*layers)))


def test_a_layer_with_one_flipped_byte_is_a_mismatch_and_is_not_kept(blobs: BlobStore) -> None:
    flipped = A[:600] + bytes([A[600] ^ 1]) + A[601:]
    refuse(blobs, tar_of(old_docker_save(A) | {'id0/layer.tar': flipped}), digest(A), errors.DigestMismatch)
    layout = Layout()
    content = layout.tar(descriptor(layout.image(A)))
    place = content.index(gzip.compress(A)[20:40])
    refuse(blobs, content[:place] + bytes([content[place] ^ 1]) + content[place + 1:], 'match', errors.DigestMismatch)


def test_a_configuration_that_is_not_what_its_name_says_is_a_mismatch(blobs: BlobStore) -> None:
    files = old_docker_save(A)
    name = next(name for name in files if name.endswith('.json'))
    refuse(blobs, tar_of(files | {name: files[name] + b' '}), 'configuration', errors.DigestMismatch)


def test_a_descriptor_with_a_wrong_size_is_a_mismatch(blobs: BlobStore) -> None:
    layout = Layout()
    refuse(blobs, layout.tar(descriptor(layout.image(A)) | {'size': 5}), 'size of the manifest', errors.DigestMismatch)


def test_layers_and_diff_ids_that_differ_in_number_are_refused(blobs: BlobStore) -> None:
    refuse(blobs, tar_of(old_docker_save(A, B, Layers=['id0/layer.tar'])), '1 layers, the configuration 2')


@pytest.mark.parametrize('bad', ['sha256:../../../x', 'md5:' + 'a' * 32, digest(A).upper(), digest(A)[:-1]])
def test_a_malformed_digest_in_a_layout_is_refused(blobs: BlobStore, bad: str) -> None:
    layout = Layout()
    refuse(blobs, layout.tar(descriptor(layout.image(A)) | {'digest': bad}), 'Malformed digest')


def test_an_index_nested_too_deep_or_too_wide_is_refused(blobs: BlobStore) -> None:
    layout = Layout()
    deep = layout.image(A)
    for _ in range(10):
        deep = layout.index(descriptor(deep))
    refuse(blobs, layout.tar(descriptor(deep)), 'nested deeper than 4')
    wide = Layout()
    inner = wide.index(*[descriptor(wide.image(A))] * 100)
    middle = wide.index(*[descriptor(inner)] * 100)
    refuse(blobs, wide.tar(*[descriptor(middle)] * 100), 'more than 100 manifests')


def test_an_index_that_lists_itself_comes_to_an_end(blobs: BlobStore) -> None:
    claimed = digest(b'itself')
    content = tar_of({'index.json': json.dumps({'schemaVersion': 2, 'manifests': [
        {'mediaType': 'application/vnd.oci.image.index.v1+json', 'digest': claimed, 'size': 6}]}).encode(),
        'blobs/sha256/' + claimed[7:]: (tarfile.SYMTYPE, '../../index.json')})
    refuse(blobs, content, 'is not in the archive')


def test_a_huge_or_deep_document_is_refused(blobs: BlobStore) -> None:
    files = old_docker_save(A)
    refuse(blobs, tar_of(files | {'manifest.json': b'[' + b' ' * 5_000_000 + b']'}), 'more than 4194304')
    refuse(blobs, tar_of(files | {'manifest.json': b'[' * 100_000}), 'nested deeper')


def test_a_foreign_layer_is_refused_and_its_address_never_asked(blobs: BlobStore,
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise AssertionError('the network was used')

    monkeypatch.setattr(socket.socket, 'connect', forbidden)
    layout = Layout()
    foreign = {'mediaType': 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', 'digest': digest(b'far away'),
               'size': 8, 'urls': ['http://169.254.169.254/']}
    manifest = layout.blob(json.dumps({'schemaVersion': 2, 'layers': [foreign], 'config': descriptor(
        layout.blob(config_of(A)), 'application/vnd.oci.image.config.v1+json')}).encode())
    refuse(blobs, layout.tar(descriptor(manifest)), 'is not in the archive')


FOREIGN_FORMATS = {
    'a qcow2 disk image': b'QFI\xfb\0\0\0\3\0\0\0\0\0\0\x02\0\0\0\0\x0b' + b'/etc/shadow'.rjust(600, b'\0'),
    'a VMDK disk image': b'KDMV' + bytes(600), 'a zip archive': b'PK\x03\x04' + bytes(600),
    'an empty archive or raw disk': bytes(2048), 'a raw disk image': b'\xeb' + bytes(509) + b'\x55\xaa' + bytes(600),
    'a JSON document': b'{"schemaVersion":2}', 'nothing': b'', 'unknown bytes': b'\x01\x02\x03' * 300,
    'a script': b'#!/bin/sh\n' * 100, 'a gzip stream inside another': gzip.compress(gzip.compress(b'x' * 999)),
    'a squashfs': b'hsqs' + bytes(600)}


@pytest.mark.parametrize('name', FOREIGN_FORMATS)
def test_something_else_is_named_and_what_is_accepted_is_told(blobs: BlobStore, name: str) -> None:
    refuse(blobs, FOREIGN_FORMATS[name], f'^Found {name}.*expected a docker save or OCI layout')


def test_a_tar_that_is_no_image_is_told_from_an_archive(blobs: BlobStore) -> None:
    refuse(blobs, tar_of({'etc/passwd': b'root'}), 'without manifest.json and index.json')


def test_a_bomb_of_an_archive_stops_at_the_limit(blobs: BlobStore) -> None:
    limits = archive.ArchiveLimits(max_bytes=1 << 20)
    refuse(blobs, gzip.compress(tar_of(old_docker_save(A) | {'big': bytes(50 << 20)})), 'more than the allowed',
           limits=limits)
    many = tar_of({f'f{index}': b'' for index in range(30)})
    refuse(blobs, many, 'more than 20 entries', limits=archive.ArchiveLimits(max_entries=20))


def test_two_entries_of_one_name_are_refused(blobs: BlobStore) -> None:
    content = tar_of(old_docker_save(A))
    refuse(blobs, tar_of({'./manifest.json': b'[]'})[:1024] + content, "two entries of the name 'manifest.json'")


@pytest.mark.parametrize('cut', [0.3, 0.6, 0.9])
def test_an_archive_that_is_cut_short_leaves_nothing(blobs: BlobStore, cut: float) -> None:
    content = gzip.compress(tar_of(old_docker_save(A)))
    refuse(blobs, content[:int(len(content) * cut)], 'damaged|cut short', errors.Corrupt)


def test_a_failed_load_leaves_the_blobs_that_were_there_before(blobs: BlobStore) -> None:
    read(blobs, tar_of(old_docker_save(A)))
    before = blobs.all()
    with pytest.raises(errors.DigestMismatch):
        read(blobs, tar_of(old_docker_save(A, B) | {'id1/layer.tar': A}))
    assert blobs.all() == before


def test_an_invalid_tag_is_refused(blobs: BlobStore) -> None:
    refuse(blobs, tar_of(old_docker_save(A, tags=('Bad Tag',))), 'Invalid image name')


def test_what_is_written_is_read_back_as_the_same(blobs: BlobStore, tmp_path: Path) -> None:
    layout = Layout()
    names = {'io.containerd.image.name': 'docker.io/library/demo:1'}
    images = read(blobs, layout.tar(descriptor(layout.image(A, B), annotations=names), descriptor(layout.image(A))))
    content = b''.join(archive.write_archive(images, blobs))
    assert archive.total_size(images, blobs) == len(content)
    assert b''.join(archive.write_archive(images, blobs)) == content
    other = BlobStore(tmp_path / 'other')
    assert read(other, content) == images
    assert other.all() == blobs.all()


def test_what_is_written_is_a_layout_too(blobs: BlobStore) -> None:
    images = read(blobs, tar_of(old_docker_save(A, tags=('demo:1', 'quay.io/x/demo:2'))))
    with tarfile.open(fileobj=io.BytesIO(b''.join(archive.write_archive(images, blobs)))) as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]
        assert all((member.uid, member.mtime) == (0, 0) for member in tar)
    del files['manifest.json']
    again, = read(blobs, tar_of(files))
    assert again == images[0]


def test_an_archive_of_a_missing_layer_is_not_begun(blobs: BlobStore) -> None:
    images = read(blobs, tar_of(old_docker_save(A)))
    blobs.remove(digest(A))
    with pytest.raises(errors.BlobNotFound):
        archive.total_size(images, blobs)
    with pytest.raises(errors.BlobNotFound):
        b''.join(archive.write_archive(images, blobs))


def test_a_layer_that_changed_its_size_in_the_store_is_noticed(blobs: BlobStore) -> None:
    images = read(blobs, tar_of(old_docker_save(A)))
    blobs.path(digest(A)).write_bytes(A + b'x')
    with pytest.raises(errors.Corrupt):
        b''.join(archive.write_archive(images, blobs))


def test_the_length_of_a_layer_above_8_gib_is_written_whole(blobs: BlobStore) -> None:
    image = read(blobs, tar_of(old_docker_save(A)))[0]
    with open(blobs.path(digest(A)), 'r+b') as file:
        file.truncate(9 << 30)
    large = dataclasses.replace(image.layers[0], size=9 << 30)
    pieces = archive.write_archive([dataclasses.replace(image, layers=(large,))], blobs)
    head = b''.join(piece for piece, _ in zip(pieces, range(40), strict=False))
    with tarfile.open(fileobj=io.BytesIO(head), mode='r|') as tar:
        sizes = {}
        for member in tar:
            sizes[member.name] = member.size
            if member.size == 9 << 30:
                break
    assert sizes[f'blobs/sha256/{digest(A)[7:]}'] == 9 << 30
