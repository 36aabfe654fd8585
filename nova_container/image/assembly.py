# SPDX-License-Identifier: Apache-2.0
"""An image as a container store keeps it, made of what is known of its blobs: no archive is written or read."""

import dataclasses

from nova_container.image import archive_writer
from nova_container.image import digest as digests
from nova_container.image.archive_writer import Stretch
from nova_container.image.loaded import LoadedImage
from nova_container.image.stored import Piece, Recipe, Record


@dataclasses.dataclass(frozen=True, slots=True)
class Assembly:
    """The recipe of the archive that ``archive_writer.write_archive`` would give, and the small blobs it needs."""

    recipe: Recipe
    record: Record
    literals: bytes
    manifest: bytes

    @property
    def documents(self) -> tuple[bytes, ...]:
        """What must be stored beside configuration and layers."""
        return self.recipe.to_json(), self.literals, self.manifest


def assemble(image_id: str, image: LoadedImage) -> Assembly:
    """Describe an image under the id that Glance has for it; its configuration and layers are blobs of the store."""
    literals, pieces = bytearray(), list[Piece]()
    for stretch in archive_writer.outline([image]):
        if isinstance(stretch, Stretch):
            pieces.append(Piece(stretch.size, stretch.digest))
            continue
        literals += stretch
        if pieces and not pieces[-1].digest:
            pieces[-1] = Piece(pieces[-1].size + len(stretch))
        else:
            pieces.append(Piece(len(stretch)))
    manifest, literal = archive_writer.manifest_of(image).to_json(), bytes(literals)
    recipe = Recipe(image_id, sum(piece.size for piece in pieces), tuple(pieces), digests.of_bytes(literal),
                    digests.of_bytes(manifest))
    blobs = {**{layer.blob_digest: layer.size for layer in image.layers}, image.config_digest: len(image.config_bytes),
             recipe.literals: len(literal), recipe.manifest: len(manifest)}
    return Assembly(recipe, Record.of(recipe, blobs), literal, manifest)
