# SPDX-License-Identifier: Apache-2.0
"""Images: their names, configurations and blobs. Blobs are kept as they came, so that ``save`` gives the same bytes."""

import dataclasses
import datetime
import logging
import re
import threading
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from nova_container import errors
from nova_container.engine.state import ImageInfo
from nova_container.image import archive
from nova_container.image import reference as references
from nova_container.image.blobs import BlobStore
from nova_container.image.config import ImageConfig
from nova_container.image.special import check_special_directories
from nova_container.runtime import codec
from nova_container.runtime.database import Database
from nova_container.runtime.layers import LayerStore
from nova_container.runtime.settings import Settings

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LayerRecord:
    blob_digest: str
    size: int
    media_type: str
    diff_id: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecord:
    """``id`` is the digest of the configuration, which is a blob; layers are bottom first.

    ``manifest`` is the blob of the manifest it came with from a registry, if its blobs are those that it names.
    """

    id: str
    layers: tuple[LayerRecord, ...]
    created_at: float
    manifest: str = ''

    @property
    def diff_ids(self) -> tuple[str, ...]:
        return tuple(layer.diff_id for layer in self.layers)


class ImageStore:
    """All images of the engine."""

    def __init__(self, settings: Settings, database: Database, layers: LayerStore) -> None:
        self._settings = settings
        self._database = database
        self._layers = layers
        self.blobs = BlobStore(settings.blobs)
        self._lock = threading.RLock()
        self._images = self._read_images()
        self._tags = {reference: image for reference, image in database.rows('SELECT reference, image FROM tags')
                      if image in self._images}
        self._infos: dict[str, ImageInfo] = {}

    def _read_images(self) -> dict[str, ImageRecord]:
        found = {}
        for image_id, text in self._database.rows('SELECT id, record FROM images'):
            try:
                found[image_id] = codec.decode(ImageRecord, text)
            except errors.Corrupt as error:
                LOG.error('The record of image %s is not used: %s', image_id, error)
        return found

    def load(self, stream: BinaryIO, reference: str | None) -> list[ImageInfo]:
        """See ``ImageOps.load``."""
        limits = archive.ArchiveLimits(max_bytes=self._settings.max_image_bytes)
        contents = archive.read_archive(stream, self.blobs, limits=limits)
        if reference is not None and len(contents.images) != 1:
            raise errors.UnacceptableImage(f'The archive holds {len(contents.images)} images; one is needed here: '
                                           'save that image alone')
        return [self._take(image, [reference] if reference else list(image.references)) for image in contents.images]

    def _take(self, image: archive.LoadedImage, references: list[str]) -> ImageInfo:
        layers = tuple(LayerRecord(blob_digest=layer.blob_digest, size=layer.size, media_type=layer.media_type,
                                   diff_id=layer.diff_id) for layer in image.layers)
        self.unpack(layers)
        info = self.add(image.config_digest, layers, image.config.created, references)
        return dataclasses.replace(info, references=tuple(normal(reference) for reference in references))

    def unpack(self, layers: tuple[LayerRecord, ...]) -> None:
        """Have these layers unpacked. :raises UnacceptableImage: what they make together breaks a rule."""
        missing = [layer for layer in layers if not self._layers.has(layer.diff_id)]
        self._layers.ensure_all({layer.diff_id: self.blobs.path(layer.blob_digest) for layer in missing})
        if missing:
            check_special_directories([self._layers.path(layer.diff_id) for layer in layers])

    def add(self, image_id: str, layers: tuple[LayerRecord, ...], created: str | None, references: list[str],
            manifest: str = '') -> ImageInfo:
        """Record an image whose blobs and layers are here, and give it names."""
        record = ImageRecord(id=image_id, layers=layers, created_at=_seconds(created), manifest=manifest)
        names = [normal(reference) for reference in references]
        with self._lock:
            with self._database.transaction() as connection:
                if image_id not in self._images:
                    connection.execute('REPLACE INTO images VALUES (?, ?)', (image_id, codec.encode(record)))
                connection.executemany('REPLACE INTO tags VALUES (?, ?)', [(name, image_id) for name in names])
            self._images.setdefault(image_id, record)
            self._tags.update(dict.fromkeys(names, image_id))
        return self.info(record)

    def get(self, name: str) -> ImageRecord:
        """By reference, id, or unique prefix of an id. :raises ImageNotFound:"""
        with self._lock:
            found = self._find(name)
        if found is None:
            raise errors.ImageNotFound(name)
        return found

    def _find(self, name: str) -> ImageRecord | None:
        if name in self._images:
            return self._images[name]
        if not name.startswith('sha256:'):
            try:
                tagged = self._tags.get(normal(name))
            except errors.InvalidReference:
                tagged = None
            if tagged:
                return self._images[tagged]
        return self._by_prefix(name.removeprefix('sha256:'))

    def _by_prefix(self, prefix: str) -> ImageRecord | None:
        if not re.fullmatch('[0-9a-f]{1,64}', prefix):
            return None
        matches = [record for key, record in self._images.items() if key.startswith('sha256:' + prefix)]
        if len(matches) > 1:
            raise errors.InvalidRequest(f'{prefix} is the beginning of {len(matches)} image ids: give more of it')
        return matches[0] if matches else None

    def layer(self, diff_id: str) -> LayerRecord | None:
        """A layer that is here whole, unpacked and as a blob."""
        with self._lock:
            found = (layer for record in self._images.values() for layer in record.layers)
            match = next((layer for layer in found if layer.diff_id == diff_id), None)
        if match is None or not self._layers.has(diff_id) or not self.blobs.has(match.blob_digest):
            return None
        return match

    def tagged(self, reference: str) -> ImageRecord:
        """The image of exactly this name. :raises ImageNotFound:"""
        with self._lock:
            image_id = self._tags.get(reference)
            if image_id is None:
                error = errors.ImageNotFound(reference)
                error.args = (f'An image does not exist locally with the tag: {reference}',)
                raise error
            return self._images[image_id]

    def references_with(self, diff_id: str) -> list[references.ImageReference]:
        """The names of all images that have a layer."""
        with self._lock:
            holders = {record.id for record in self._images.values() if diff_id in record.diff_ids}
            return [references.parse(name) for name, image in self._tags.items() if image in holders]

    def held(self, diff_id: str) -> LayerRecord:
        """A layer that some image has. :raises BlobNotFound:"""
        found = self.layer(diff_id)
        if found is None:
            raise errors.BlobNotFound(diff_id)
        return found

    def diff_ids(self) -> tuple[str, ...]:
        """All layers that are here whole."""
        with self._lock:
            every = {diff_id for record in self._images.values() for diff_id in record.diff_ids}
        return tuple(diff_id for diff_id in every if self.layer(diff_id))

    def packed(self, diff_id: str) -> tuple[str, int] | None:
        """Digest and size of the compressed form of a layer that is kept plain, if it was sent to a registry once."""
        rows = self._database.rows('SELECT blob, size FROM packed WHERE diff_id = ?', diff_id)
        return (rows[0][0], int(rows[0][1])) if rows else None

    def remember_packed(self, diff_id: str, blob: str, size: int) -> None:
        with self._database.transaction() as connection:
            connection.execute('REPLACE INTO packed VALUES (?, ?, ?)', (diff_id, blob, size))

    def config_of(self, image_id: str) -> Mapping[str, Any]:
        """The ``config`` object of an image's configuration. :raises ImageNotFound:"""
        return self.info(self.get(image_id)).config

    def info(self, record: ImageRecord) -> ImageInfo:
        """What the contract tells of an image."""
        known = self._infos.get(record.id)
        if known is None:
            with self.blobs.open(record.id) as file:
                known = self._infos[record.id] = self._read_info(record, ImageConfig.parse(file.read()))
        return dataclasses.replace(known, references=self.references(record.id))

    def _read_info(self, record: ImageRecord, config: ImageConfig) -> ImageInfo:
        comment = str(config.history[-1].get('comment', '')) if config.history else ''
        layer_bytes = tuple(self._layers.size([diff_id]) for diff_id in record.diff_ids)
        return ImageInfo(id=record.id, references=(), created_at=record.created_at, diff_ids=record.diff_ids,
                         size_bytes=sum(layer_bytes), architecture=config.architecture,
                         os=config.os, config=config.config, author=config.author, comment=comment,
                         history=config.history,
                         layer_bytes=layer_bytes)

    def references(self, image_id: str) -> tuple[str, ...]:
        """Names of an image."""
        with self._lock:
            return tuple(sorted(name for name, image in self._tags.items() if image == image_id))

    def all(self) -> list[ImageRecord]:
        """Newest first."""
        with self._lock:
            return sorted(self._images.values(), key=lambda record: record.created_at, reverse=True)

    def tag(self, name: str, reference: str) -> None:
        """:raises ImageNotFound: :raises InvalidReference:"""
        with self._lock:
            image_id, new = self.get(name).id, normal(reference)
            with self._database.transaction() as connection:
                connection.execute('REPLACE INTO tags VALUES (?, ?)', (new, image_id))
            self._tags[new] = image_id

    def untag(self, reference: str) -> bool:
        """Take a name away; False if no image has it."""
        try:
            name = normal(reference)
        except errors.InvalidReference:
            return False
        with self._lock:
            if name not in self._tags:
                return False
            with self._database.transaction() as connection:
                connection.execute('DELETE FROM tags WHERE reference = ?', (name,))
            del self._tags[name]
        return True

    def forget(self, image_id: str) -> None:
        """Drop an image and its names; ``collect`` frees the room."""
        with self._lock:
            with self._database.transaction() as connection:
                connection.execute('DELETE FROM tags WHERE image = ?', (image_id,))
                connection.execute('DELETE FROM images WHERE id = ?', (image_id,))
            self._tags = {name: image for name, image in self._tags.items() if image != image_id}
            self._images.pop(image_id, None)
            self._infos.pop(image_id, None)

    def collect(self, used_by_containers: set[str]) -> int:
        """Remove blobs and layers that no image and no container uses; returns bytes of layers freed.

        Nobody may add any meanwhile.
        """
        with self._lock:
            self.blobs.discard_incoming()
            blobs = {record.id for record in self._images.values()}
            blobs.update(record.manifest for record in self._images.values())
            diff_ids = set(used_by_containers)
            for record in self._images.values():
                blobs.update(layer.blob_digest for layer in record.layers)
                diff_ids.update(record.diff_ids)
            for digest in set(self.blobs.all()) - blobs:
                self.blobs.remove(digest)
            return self._layers.discard_except(diff_ids)

    def save(self, names: tuple[str, ...]) -> Iterator[bytes]:
        """See ``ImageOps.save``."""
        return archive.write_archive(self._to_write(names), self.blobs)

    def _to_write(self, names: tuple[str, ...]) -> list[archive.LoadedImage]:
        chosen: dict[str, list[str]] = {}
        for name in names:
            record = self.get(name)
            by_id = record.id.removeprefix('sha256:').startswith(name.removeprefix('sha256:'))
            wanted = [name for name in (self.references(record.id) if by_id else (normal(name),)) if '@' not in name]
            chosen.setdefault(record.id, []).extend(wanted)
        return [self._loaded(self._images[image_id], tuple(dict.fromkeys(references)))
                for image_id, references in chosen.items()]

    def _loaded(self, record: ImageRecord, references: tuple[str, ...]) -> archive.LoadedImage:
        with self.blobs.open(record.id) as file:
            content = file.read()
        layers = tuple(archive.LoadedLayer(blob_digest=layer.blob_digest, size=layer.size,
                                           media_type=layer.media_type, diff_id=layer.diff_id)
                       for layer in record.layers)
        return archive.LoadedImage(config=ImageConfig.parse(content), config_digest=record.id, config_bytes=content,
                                   layers=layers, references=references)


def normal(reference: str) -> str:
    """The one spelling under which a name is kept. :raises InvalidReference:"""
    return references.parse(reference).familiar()


def _seconds(created: str | None) -> float:
    try:
        return datetime.datetime.fromisoformat(re.sub(r'(\.\d{6})\d+', r'\1', created or '')).timestamp()
    except ValueError:
        return 0.0
