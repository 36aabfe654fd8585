# SPDX-License-Identifier: Apache-2.0
"""The glance_store driver: container images by their layers, in a directory or a registry.

Named in ``enabled_backends``, alone or with others. ``[glance_store] stores``, deprecated since Rocky, loads it too,
but ``default_store`` beside it accepts only glance_store's own drivers: images can then be read and deleted, not added.
"""

import logging
from collections.abc import Iterator
from typing import Any

import glance_store
from glance_store import capabilities
from glance_store import driver

from glance_store_container import failures, packaging, settings
from glance_store_container.backend import Backend
from glance_store_container.intake import Intake
from glance_store_container.location import StoreLocation
from glance_store_container.reading import Reading
from glance_store_container.remote import Remote
from nova_container.image import stored

LOG = logging.getLogger(__name__)


class Store(driver.Store):
    """Keeps images; safe for many threads."""

    _CAPABILITIES = (capabilities.BitMasks.READ_RANDOM | capabilities.BitMasks.WRITE_ACCESS
                     | capabilities.BitMasks.DRIVER_REUSABLE)
    OPTIONS = settings.OPTIONS
    EXAMPLE_URL = f'{stored.SCHEME}://<image id>/<hex digest>'

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.store_location_class = StoreLocation
        self._backend: Backend | None = None

    def get_schemes(self) -> tuple[str, ...]:
        return (stored.SCHEME,)

    def configure_add(self) -> None:
        """Open the back end. :raises BadStoreConfiguration:"""
        options = getattr(self.conf, self.backend_group or 'glance_store')
        self._url_prefix = f'{stored.SCHEME}://'
        self._backend = settings.backend(options)
        if options.container_store_read_only:
            self.unset_capabilities(capabilities.BitMasks.WRITE_ACCESS)

    def update_capabilities(self) -> None:
        """They do not change while Glance runs."""

    @capabilities.check
    def get(self, location: Any, offset: int = 0, chunk_size: int | None = None,
            context: Any = None) -> tuple[Iterator[bytes], int]:
        """The bytes of an image from ``offset`` on, and how many they are.

        :raises NotFound: there is no such image, or part of it is lost.
        """
        with failures.as_glance():
            reading = Reading(self._opened(), location.store_location.place)
            return failures.while_read(reading.chunks(offset, chunk_size)), chunk_size or reading.size

    def get_size(self, location: Any, context: Any = None) -> int:
        """:raises NotFound:"""
        with failures.as_glance():
            return Reading(self._opened(), location.store_location.place).size

    @driver.back_compat_add
    @capabilities.check
    def add(self, image_id: str, image_file: Any, image_size: int | None, hashing_algo: str, context: Any = None,
            verifier: Any = None) -> tuple[str, int, str, str, dict[str, str]]:
        """Take an image apart and keep it.

        :raises Duplicate: it is there already.  :raises StorageFull:  :raises StorageWriteDenied:
        """
        backend = self._opened()
        with (failures.as_glance(), backend.staging() as stage,
              Intake(image_file, image_size, hashing_algo, verifier) as intake):
            package = packaging.pack(stored.check_image_id(image_id), intake, stage)
            intake.check_whole()
            place = backend.keep(package)
        LOG.debug('Image %s kept: %d bytes in %d blobs', image_id, intake.size, len(package.record.all_blobs))
        return place.uri, intake.size, intake.checksum, intake.multihash, self._metadata(package)

    @capabilities.check
    def delete(self, location: Any, context: Any = None) -> None:
        """Remove an image, and what no other one shares of it. :raises NotFound: there is no such image."""
        with failures.as_glance():
            self._opened().remove(location.store_location.place)

    def _opened(self) -> Backend:
        if self._backend is None:
            raise glance_store.BadStoreConfiguration(store_name='container', reason='it could not be configured')
        return self._backend

    def _metadata(self, package: packaging.Package) -> dict[str, str]:
        """What ``location.py`` tells of."""
        found = {'store': self.backend_group, 'manifest': package.manifest}
        if isinstance(self._backend, Remote):
            found |= {'registry': self._backend.domain, 'repository': self._backend.path}
        return {name: value for name, value in found.items() if value}
