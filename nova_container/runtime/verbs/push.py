# SPDX-License-Identifier: Apache-2.0
"""Send an image to a registry."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from nova_container import errors
from nova_container.engine.registry import Credentials, Progress
from nova_container.image import compression
from nova_container.image import digest as digests
from nova_container.image import manifest as manifests
from nova_container.image import reference as references
from nova_container.image.manifest import Descriptor, Manifest
from nova_container.image.reference import ImageReference
from nova_container.registry import Registry, Repository
from nova_container.registry.upload import Content, Sent, Upload
from nova_container.runtime.images import ImageRecord, LayerRecord
from nova_container.runtime.parts import Parts
from nova_container.runtime.telling import Board, told

_CHUNK = 1 << 20
_MOUNTS = 3
_DOCKER_LAYER = 'application/vnd.docker.image.rootfs.diff.tar.gzip'


def push(parts: Parts, reference: str, credentials: Credentials | None) -> Iterator[Progress]:
    """See ``RegistryOps.push``."""
    wanted = references.parse(reference)
    if wanted.digest or not wanted.tag:
        raise errors.InvalidRequest('cannot push a digest reference: give it a tag')
    record = parts.images.tagged(wanted.familiar())

    def work(board: Board) -> None:
        with contextlib.closing(Registry.connect(wanted.domain, parts.settings.registries, credentials)) as registry:
            repository = registry.repository(wanted.path, writing=True)
            _Push(parts, wanted, record, repository, board).run()

    return told(work, f'push of {wanted.familiar()}')


@dataclasses.dataclass(slots=True)
class _Push:
    parts: Parts
    reference: ImageReference
    record: ImageRecord
    repository: Repository
    board: Board

    def run(self) -> None:
        self.board.say(f'The push refers to repository [{self.reference.domain}/{self.reference.path}]')
        layers = {layer.diff_id: layer for layer in reversed(self.record.layers)}
        for layer in layers.values():
            self.board.say('Preparing', _shown(layer))
        with ThreadPoolExecutor(self.repository.registry.settings.uploads, 'upload') as pool:
            try:
                sent = dict(zip(layers, pool.map(self._send, layers.values()), strict=True))
            except BaseException:
                self.board.halt.end()
                raise
        self._upload(Content(lambda: self._blob(self.record.id), self.record.id,
                             self.parts.images.blobs.size(self.record.id)), lambda position: None, ())
        content, media_type = self._manifest(sent)
        tag = self.reference.tag or references.DEFAULT_TAG
        self.repository.put_manifest(tag, content, media_type)
        digest = digests.of_bytes(content)
        with self.parts.image_gate.shared(), contextlib.suppress(errors.ImageNotFound):
            self.parts.images.tag(self.record.id, f'{self.reference.familiar_name()}@{digest}')
        self.parts.events.publish('image', 'push', self.reference.familiar(),
                                  {'name': self.reference.familiar_name()})
        self.board.say(f'{tag}: digest: {digest} size: {len(content)}', total_bytes=len(content), result=digest)

    def _send(self, layer: LayerRecord) -> Sent:
        size = self._plain_size(layer)
        if layer.media_type == manifests.OCI_LAYER and self.repository.has_blob(layer.blob_digest):
            sent = Sent(layer.blob_digest, layer.size, 'there')
        else:
            sent = self._upload(self._content(layer), lambda position: self.board.count(
                'Pushing', _shown(layer), min(position, size), size), self._elsewhere(layer))
        if sent.how == 'sent' and sent.digest != layer.blob_digest:
            self.parts.images.remember_packed(layer.diff_id, sent.digest, sent.size)
        news = {'there': 'Layer already exists', 'mounted': f'Mounted from {sent.source}', 'sent': 'Pushed'}[sent.how]
        self.board.say(news, _shown(layer))
        return sent

    def _upload(self, content: Content, tell: Callable[[int], None], elsewhere: tuple[str, ...]) -> Sent:
        self.board.halt.check()
        return Upload(self.repository, content, self.board.halt, tell).run(elsewhere)

    def _content(self, layer: LayerRecord) -> Content:
        """A layer that is kept plain travels compressed; the same bytes each time, so that it need not twice.

        With the manifest that the image came with, its blobs are sent as that names them.
        """
        if layer.media_type != manifests.OCI_LAYER or self.record.manifest:
            return Content(lambda: self._blob(layer.blob_digest), layer.blob_digest, layer.size)
        digest, size = self.parts.images.packed(layer.diff_id) or (None, None)
        return Content(lambda: _compressed(self._blob(layer.blob_digest)), digest, size)

    def _plain_size(self, layer: LayerRecord) -> int:
        return self.parts.layers.size([layer.diff_id]) if layer.media_type == manifests.OCI_LAYER else layer.size

    def _elsewhere(self, layer: LayerRecord) -> tuple[str, ...]:
        """Other repositories of the registry that have the layer as far as we know: those with a digest of it."""
        found = dict.fromkeys(
            known.path for known in self.parts.images.references_with(layer.diff_id)
            if known.digest and known.domain == self.reference.domain and known.path != self.reference.path)
        return tuple(found)[:_MOUNTS]

    def _blob(self, digest: str) -> Iterator[bytes]:
        with self.parts.images.blobs.open(digest) as file:
            while chunk := file.read(_CHUNK):
                yield chunk

    def _manifest(self, sent: dict[str, Sent]) -> tuple[bytes, str]:
        """The manifest the image came with, so that its digest stays; a new one if there is none."""
        if self.record.manifest:
            with self.parts.images.blobs.open(self.record.manifest) as file:
                content = file.read()
            return content, manifests.Manifest.parse(content).media_type
        types = [_oci_type(layer, sent[layer.diff_id]) for layer in self.record.layers]
        docker = all(kind.endswith('+gzip') for kind in types)
        config_type, kind = ((manifests.DOCKER_CONFIG, manifests.DOCKER_MANIFEST) if docker
                             else (manifests.OCI_CONFIG, manifests.OCI_MANIFEST))
        made = Manifest(
            Descriptor(config_type, self.record.id, self.parts.images.blobs.size(self.record.id)),
            tuple(Descriptor(_DOCKER_LAYER if docker else type_, sent[layer.diff_id].digest, sent[layer.diff_id].size)
                  for type_, layer in zip(types, self.record.layers, strict=True)), kind)
        return made.to_json(), kind


def _oci_type(layer: LayerRecord, sent: Sent) -> str:
    return layer.media_type if sent.digest == layer.blob_digest else manifests.OCI_LAYER_GZIP


def _compressed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    made: list[bytes] = []
    writer = compression.GzipWriter(made.append)
    for piece in pieces:
        writer.write(piece)
        yield from made
        made.clear()
    writer.close()
    yield from made


def _shown(layer: LayerRecord) -> str:
    return layer.diff_id.partition(':')[2][:12]
