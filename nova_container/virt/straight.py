# SPDX-License-Identifier: Apache-2.0
"""Images straight from the registry in which Glance's container store keeps them: only the layers that are missing.

Glance tells services, and no tenants, where an image is: by a URI that names no host (``nova_container.image.stored``).
Registry and credentials are the operator's, of nova.conf, and the manifest is read from the record that the URI names,
whose bytes its digest proves and which names the image.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from nova_container import errors
from nova_container.engine.registry import Credentials
from nova_container.image import stored
from nova_container.registry import Registry, RegistrySettings
from nova_container.virt.translate.image import GlanceImage


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StorePlace:
    """The repository of the container store: ``domain`` is ``host:port``, ``path`` that of its repository."""

    domain: str
    path: str
    settings: RegistrySettings = RegistrySettings()
    credentials: Credentials | None = None


class Straight:
    """Takes images from one repository into one engine."""

    def __init__(self, engine: Any, locate: Callable[[str], Iterable[str]], place: StorePlace) -> None:
        """:param locate: the URIs of an image by its id; ``locations.Locations`` asks Glance for them."""
        self._engine, self._locate, self._place = engine, locate, place

    def take(self, found: GlanceImage) -> bool:
        """Have the engine fetch an image and give it our reference; False if it is not in that store as an image.

        :raises ContainerError: it could not be fetched, as in ``Engine.pull``.
        """
        record = self._record(found)
        manifest = self._manifest(found, record) if record else ''
        if not manifest:
            return False
        name = f'{self._place.domain}/{self._place.path}@{manifest}'
        image_id = ''
        for line in self._engine.pull(name, credentials=self._place.credentials):
            image_id = line.result or image_id
        self._engine.tag_image(image_id, found.reference)
        self._engine.remove_image(name)
        return True

    def _record(self, found: GlanceImage) -> str:
        """The digest of the record that Glance names; '' if it names none of this image."""
        for url in self._locate(found.id):
            with contextlib.suppress(errors.InvalidRequest):
                place = stored.Place.parse(url)
                if place.image_id == found.id:
                    return place.record
        return ''

    def _manifest(self, found: GlanceImage, digest: str) -> str:
        with contextlib.closing(Registry.connect(
                self._place.domain, self._place.settings, self._place.credentials, reading=True)) as registry:
            repository = registry.repository(self._place.path)
            record = stored.Record.parse(repository.manifest(digest)[0])
            recipe = stored.Recipe.parse(repository.document(record.recipe, 'The recipe of an image of Glance'))
        if not found.id == record.image_id == recipe.image_id:
            raise errors.Corrupt(f'The record {digest} in the registry is of another image than {found.id}')
        return recipe.manifest
