# SPDX-License-Identifier: Apache-2.0
"""The location of an image in a container store.

The URI is ``container://<image id>/<hex of the record's digest>``, see ``nova_container.image.stored``: no host, no
path, no credentials. Whatever a user writes there, only the one place an operator configured is ever asked, and a
location of an image that the user does not have cannot be guessed.

The metadata that Glance keeps beside it (all values are text; absent where they say nothing):

``store``
    The id of the store, as in ``enabled_backends``: with several stores only.
``repository``
    The repository that holds the blobs, such as ``glance``. With a local directory it is absent.
``registry``
    The domain of the registry, ``host`` or ``host:port``. With a local directory it is absent.
``manifest``
    The digest of the OCI manifest by which the image can be pulled: its configuration and layers are blobs of the same
    repository (or directory: ``blobs/sha256/<hex>``). Absent if the data is not exactly one container image, or is
    compressed as a whole; then there is only Glance's stream.

Who takes the fast path must take registry, repository and credentials from the operator's own configuration of the
store ``store``, never from the metadata, which a user allowed to set locations can write. Before believing
``manifest``, read it from the record that the URI names (``stored.Place.parse(uri).record``, then
``stored.Record.parse`` and ``stored.Recipe.parse``, each verified by its digest) and see that the record's image id is
that of the image: who knows the URI may read the image, who knows only a manifest's digest may not.
"""

from glance_store import location

from glance_store_container import failures
from nova_container.image import stored


class StoreLocation(location.StoreLocation):
    """A place in a container store. ``place`` is None until it is parsed."""

    place: stored.Place | None = None

    def process_specs(self) -> None:
        self.place = stored.Place(self.specs['image_id'], self.specs['record'])

    def get_uri(self) -> str:
        assert self.place is not None
        return self.place.uri

    def parse_uri(self, uri: str) -> None:
        """Read a URI. :raises BadStoreUri: it is not of the one form there is."""
        with failures.as_glance():
            self.place = stored.Place.parse(uri)
