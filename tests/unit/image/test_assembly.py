# SPDX-License-Identifier: Apache-2.0
"""The recipe of an archive that nobody wrote makes the very bytes that the writer gives."""

import io

import pytest

from nova_container.image import archive_writer, assembly
from nova_container.image import digest as digests
from nova_container.image.blobs import BlobStore
from nova_container.image.config import ImageConfig
from nova_container.image.loaded import LoadedImage, LoadedLayer
from nova_container.image.manifest import OCI_LAYER
from nova_container.image.stored import Recipe

IMAGE = '961973d8-3360-4364-919e-2c197825dbb4'


def an_image(blobs, *contents, references=('snapshot/one:latest',)):
    layers = []
    for content in contents:
        digest, size = blobs.put(io.BytesIO(content))
        layers.append(LoadedLayer(digest, size, OCI_LAYER, digest))
    config = ImageConfig('amd64', 'linux', {'Cmd': ['true']}, tuple(layer.diff_id for layer in layers))
    content = config.to_json()
    return LoadedImage(config, digests.of_bytes(content), content, tuple(layers), references)


@pytest.mark.parametrize('contents', [(), (b'',), (b'a' * 511,), (b'b' * 100_000, b'a' * 512), (b'same', b'same')])
def test_put_together_it_is_the_archive(tmp_path, contents):
    blobs = BlobStore(tmp_path)
    image = an_image(blobs, *contents)
    made = assembly.assemble(IMAGE, image)
    left, parts = io.BytesIO(made.literals), []
    for piece in made.recipe.pieces:
        with blobs.open(piece.digest) if piece.digest else left as file:
            parts.append(file.read())
            if not piece.digest:
                left = io.BytesIO(parts[-1][piece.size:])
                parts[-1] = parts[-1][:piece.size]
    assert b''.join(parts) == b''.join(archive_writer.write_archive([image], blobs))
    assert made.recipe.size == archive_writer.total_size([image], blobs)


def test_the_record_names_all_that_is_needed(tmp_path):
    image = an_image(BlobStore(tmp_path), b'b' * 100_000, b'own')
    made = assembly.assemble(IMAGE, image)
    documents = {digests.of_bytes(content): len(content) for content in made.documents}
    layers = {layer.blob_digest: layer.size for layer in image.layers}
    assert made.record.all_blobs == {**documents, **layers, image.config_digest: len(image.config_bytes)}
    assert Recipe.parse(made.documents[0]) == made.recipe
    assert made.recipe.manifest == digests.of_bytes(archive_writer.manifest_of(image).to_json())
