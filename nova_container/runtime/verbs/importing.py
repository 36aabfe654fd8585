# SPDX-License-Identifier: Apache-2.0
"""Make an image of one layer from a tar of a file system."""

import datetime
import io
import secrets
from pathlib import Path
from typing import BinaryIO

from nova_container.engine.spec import CommitSpec
from nova_container.host import files
from nova_container.image import compression, digest, manifest, oci_layout
from nova_container.image.compression import Decompressed
from nova_container.image.config import ImageConfig
from nova_container.image.digest import DigestReader
from nova_container.runtime.images import LayerRecord, normal
from nova_container.runtime.parts import Parts
from nova_container.runtime.verbs import images

_CHUNK = 1 << 20


def import_image(parts: Parts, archive: BinaryIO, spec: CommitSpec) -> str:
    """See ``RegistryOps.import_image``."""
    names = [normal(spec.reference)] if spec.reference else []
    folder = parts.settings.staging / f'import-{secrets.token_hex(8)}'
    folder.mkdir(mode=0o700)
    try:
        with images.adding(parts), images.damage_is_the_senders():
            layer = _layer(parts, archive, folder / 'layer')
            parts.images.unpack((layer,))
            content = _config(spec, layer.diff_id).to_json()
            image_id, _ = parts.images.blobs.put(io.BytesIO(content), digest.of_bytes(content))
            info = parts.images.add(image_id, (layer,), _created(content), names)
    finally:
        files.remove_tree(folder)
    parts.events.publish('image', 'import', info.id, {'name': spec.reference or info.id})
    return info.id


def _layer(parts: Parts, archive: BinaryIO, path: Path) -> LayerRecord:
    """Store the tar compressed, whatever it came as."""
    limit = parts.settings.max_image_bytes
    plain = DigestReader(Decompressed(archive, limit), limit)
    with open(path, 'xb') as file:
        writer = compression.GzipWriter(file.write)
        while chunk := plain.read(_CHUNK):
            writer.write(chunk)
        writer.close()
    with open(path, 'rb') as file:
        blob, size = parts.images.blobs.put(file)
    return LayerRecord(blob_digest=blob, size=size, media_type=manifest.OCI_LAYER_GZIP, diff_id=plain.digest)


def _config(spec: CommitSpec, diff_id: str) -> ImageConfig:
    now = datetime.datetime.now(datetime.UTC).isoformat().replace('+00:00', 'Z')
    return ImageConfig(architecture=oci_layout.host_architecture(), os='linux', config=dict(spec.config),
                       diff_ids=(diff_id,), created=now, author=spec.author,
                       history=({'created': now, 'comment': spec.comment or 'Imported from -'},))


def _created(content: bytes) -> str | None:
    return ImageConfig.parse(content).created
