# SPDX-License-Identifier: Apache-2.0
"""Snapshots straight into the registry in which Glance's container store keeps images: only what is missing there.

The engine sends the blobs that the repository lacks; those of the image that a server was made from are there, and are
neither read nor sent. What makes it an image of Glance are small documents: the archive that Glance gives out is
described by them and never written.
"""

import concurrent.futures
import contextlib
from collections.abc import Iterator
from typing import Any

from oslo_log import log as logging

from nova_container import errors
from nova_container.image import assembly
from nova_container.image import digest as digests
from nova_container.image import manifest as manifests
from nova_container.image.config import ImageConfig
from nova_container.image.loaded import LoadedImage, LoadedLayer
from nova_container.image.manifest import Manifest
from nova_container.image.stored import Place, Recipe, Record
from nova_container.registry import Registry, Repository
from nova_container.registry.download import Halt
from nova_container.registry.shelf import Shelf, tag_of_snapshot
from nova_container.registry.upload import Content, Upload
from nova_container.virt.straight import StorePlace

LOG = logging.getLogger(__name__)
_TYPES = {'application/vnd.docker.image.rootfs.diff.tar': manifests.OCI_LAYER,
          'application/vnd.docker.image.rootfs.diff.tar.gzip': manifests.OCI_LAYER_GZIP}


class Giving:
    """Brings images of one engine into one repository."""

    def __init__(self, engine: Any, place: StorePlace) -> None:
        self._engine, self._place = engine, place

    def give(self, image: str, image_id: str, reference: str) -> Place:
        """Keep an image of the engine for Glance.

        :param image: its id in the engine.  :param image_id: that in Glance.
        :param reference: its name in the archive that Glance gives out.
        :raises ContainerError: it could not be; nothing of it is kept.
        """
        with self._repository() as repository:
            sent, kept = self._sent(repository, image, image_id), ''
            try:
                made = assembly.assemble(image_id, _described(repository, sent, image, reference))
                with concurrent.futures.ThreadPoolExecutor(len(made.documents)) as pool:
                    list(pool.map(lambda content: _have(repository, content), made.documents))
                place, kept = Shelf(repository).keep(made.record, made.manifest), made.recipe.manifest
            finally:
                if sent != kept:
                    self._discard(repository, sent)
            return place

    def take_back(self, place: Place) -> None:
        """Keep an image no more, of which Glance knows nothing; silent if it is gone. Errors are logged."""
        try:
            with self._repository() as repository, contextlib.suppress(errors.NotFound):
                record = Record.parse(repository.manifest(place.record)[0])
                recipe = repository.document(record.recipe, 'The recipe of an image of Glance')
                Shelf(repository).remove(place, Recipe.parse(recipe).manifest)
        except errors.ContainerError as error:
            LOG.warning('Image %s stays in the registry until nova-container-store gc finds it: %s', place.image_id,
                        error)

    @contextlib.contextmanager
    def _repository(self) -> Iterator[Repository]:
        with contextlib.closing(Registry.connect(
                self._place.domain, self._place.settings, self._place.credentials)) as registry:
            yield registry.repository(self._place.path, writing=True)

    def _sent(self, repository: Repository, image: str, image_id: str) -> str:
        """Have the engine send an image; the digest of its manifest."""
        base, tag = f'{self._place.domain}/{self._place.path}', tag_of_snapshot(image_id)
        names = [f'{base}:{tag}']
        self._engine.tag_image(image, names[0])
        try:
            for _ in self._engine.push(names[0], credentials=self._place.credentials):
                pass
            digest = repository.manifest(tag)[1]
            names.append(f'{base}@{digest}')
        finally:
            for name in names:
                self._engine.remove_image(name)
        return digest

    @staticmethod
    def _discard(repository: Repository, digest: str) -> None:
        try:
            repository.delete_manifest(digest)
        except errors.ContainerError as error:
            LOG.warning('The manifest %s stays in the registry until nova-container-store gc finds it: %s', digest,
                        error)


def _described(repository: Repository, digest: str, image: str, reference: str) -> LoadedImage:
    """An image that the repository has. :raises Corrupt: it is another one."""
    sent = Manifest.parse(repository.manifest(digest)[0])
    if image not in (sent.config.digest, digest):
        raise errors.Corrupt(f'The engine sent the image {sent.config.digest} in place of {image}')
    content = repository.document(sent.config.digest, 'The image configuration')
    config = ImageConfig.parse(content)
    manifests.check_agreement(len(sent.layers), config)
    layers = tuple(LoadedLayer(blob.digest, blob.size, _TYPES.get(blob.media_type, blob.media_type), diff_id)
                   for blob, diff_id in zip(sent.layers, config.diff_ids, strict=True))
    return LoadedImage(config, sent.config.digest, content, layers, (reference,))


def _have(repository: Repository, content: bytes) -> None:
    Upload(repository, Content(lambda: iter((content,)), digests.of_bytes(content), len(content)), Halt(),
           lambda _: None).run()
