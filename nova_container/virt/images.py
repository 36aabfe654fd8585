# SPDX-License-Identifier: Apache-2.0
"""Images of Glance in the engine: one download for any number of servers, verified before it is taken in."""

import contextlib
import hashlib
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import Any, BinaryIO

from nova import exception
from oslo_log import log as logging

from nova_container import errors
from nova_container.virt.straight import Straight
from nova_container.virt.translate import image as translate

LOG = logging.getLogger(__name__)
_BROKEN = (OSError, exception.GlanceConnectionFailed)
_PAUSE_S = 0.5
_HASHING_S = 300.0


class Images:
    """The images of one engine. Safe to call from many threads."""

    def __init__(self, engine: Any, glance: Any, *, require_hash: bool = True, max_bytes: int = 50 << 30,
                 attempts: int = 4, folder: str | None = None, straight: Straight | None = None) -> None:
        """
        :param glance: ``nova.image.glance.API``.
        :param max_bytes: the longest archive that is downloaded.
        :param attempts: downloads that are begun before a broken one is an error.
        :param folder: where archives are kept while they are verified; None is the system's.
        :param straight: where images are fetched from in place of Glance's stream, if they are there.
        """
        self._engine, self._glance = engine, glance
        self._require_hash, self._max_bytes, self._attempts = require_hash, max_bytes, attempts
        self._folder, self._straight = folder, straight
        self._flights = _Flights()
        self._known: dict[tuple[str, ...], translate.GlanceImage] = {}

    def ensure(self, context: Any, image_meta: Any, trusted_certs: Any = None) -> str:
        """The engine's reference of a Glance image, which is downloaded if it is not there.

        :raises UnacceptableImage: the format is wrong, or there is no hash, or the engine refuses it.
        :raises DigestMismatch: the bytes are not those that Glance promised.
        """
        translate.check_formats(image_meta.container_format, image_meta.disk_format)
        found = self._described(context, image_meta)
        self._fetch(context, found, trusted_certs)
        return found.reference

    def cache(self, context: Any, image_id: str) -> bool:
        """Download an image before a server needs it; False if it was there. Raises as ``ensure``."""
        shown = self._glance.get(context, image_id)
        translate.check_formats(shown.get('container_format'), shown.get('disk_format'))
        return self._fetch(context, translate.glance_image(shown), None)

    def _described(self, context: Any, image_meta: Any) -> translate.GlanceImage:
        """With its hash, which is asked for until it is there: Glance computes it late if it was told a location.

        The data of an image never changes, and neither do these fields.
        """
        key = (image_meta.id, *(str(image_meta.obj_attr_is_set(name) and getattr(image_meta, name))
                                for name in ('checksum', 'size', 'created_at')))
        if key in self._known:
            return self._known[key]
        found = translate.glance_image(self._glance.get(context, image_meta.id))
        if found.hash_value:
            self._known[key] = found
        return found

    def _hashed(self, context: Any, found: translate.GlanceImage) -> translate.GlanceImage:
        """The image with a hash to verify a download by, awaited while Glance computes it."""
        deadline = time.monotonic() + _HASHING_S
        while self._require_hash and not found.hash_value:
            if not found.hash_algorithm or time.monotonic() > deadline:
                raise errors.UnacceptableImage('Glance has no os_hash_value of it, so its bytes cannot be verified; '
                                               'upload it again')
            time.sleep(_PAUSE_S)
            found = translate.glance_image(self._glance.get(context, found.id))
        return found

    def _fetch(self, context: Any, found: translate.GlanceImage, trusted_certs: Any) -> bool:
        with self._flights.alone(found.reference):
            if self._is_here(found.reference):
                return False
            start = time.monotonic()
            if self._taken_straight(found, trusted_certs):
                LOG.info('Image %s taken in by its layers, in %.1f s', found.id, time.monotonic() - start)
                return True
            hashed = self._hashed(context, found)
            with tempfile.TemporaryFile(dir=self._folder, prefix='nova-container-') as archive:
                self._download(context, hashed, archive, trusted_certs)
                archive.seek(0)
                self._engine.load(archive, reference=found.reference)
            LOG.info('Image %s taken in, in %.1f s', found.id, time.monotonic() - start)
            return True

    def _taken_straight(self, found: translate.GlanceImage, trusted_certs: Any) -> bool:
        """Whatever goes wrong, there is Glance's stream. Signatures are of that stream, so they ask for it."""
        if self._straight is None or trusted_certs:
            return False
        try:
            return self._straight.take(found)
        except errors.ContainerError as error:
            LOG.warning('Image %s could not be fetched by its layers, so it is downloaded: %s', found.id, error)
            return False

    def _is_here(self, reference: str) -> bool:
        try:
            self._engine.inspect_image(reference)
        except errors.ImageNotFound:
            return False
        return True

    def _download(self, context: Any, found: translate.GlanceImage, archive: BinaryIO, trusted_certs: Any) -> None:
        for attempt in range(1, self._attempts + 1):
            archive.seek(0)
            archive.truncate()
            sink = _Sink(archive, found, self._max_bytes)
            try:
                self._glance.download(context, found.id, data=sink, trusted_certs=trusted_certs)
                sink.check()
                return
            except (errors.DigestMismatch, *_BROKEN) as error:
                if attempt == self._attempts:
                    raise _given_up(found, error) from error
                LOG.warning('Download %d of image %s broke off: %s', attempt, found.id, error)
                time.sleep(_PAUSE_S)


class _Sink:
    """What Nova writes a download to: hashes it, and bounds it."""

    def __init__(self, archive: BinaryIO, found: translate.GlanceImage, max_bytes: int) -> None:
        self._archive, self._found, self._left = archive, found, max_bytes
        self._hash = _new_hash(found)

    def write(self, data: bytes) -> int:
        self._left -= len(data)
        if self._left < 0:
            raise errors.UnacceptableImage('its archive is longer than image_max_size_gb allows')
        if self._hash is not None:
            self._hash.update(data)
        return self._archive.write(data)

    def truncate(self, size: int | None = None) -> int:
        """Nova does this when a signature is wrong."""
        return self._archive.truncate(size)

    def check(self) -> None:
        """:raises DigestMismatch: these are other bytes."""
        if self._hash is not None and self._hash.hexdigest() != self._found.hash_value:
            raise errors.DigestMismatch(f'image {self._found.id}', self._found.hash_value[:16],
                                        self._hash.hexdigest()[:16])


def _new_hash(found: translate.GlanceImage) -> Any:
    if not found.hash_value:
        return None
    try:
        return hashlib.new(found.hash_algorithm or 'sha512', usedforsecurity=True)
    except ValueError:
        raise errors.UnacceptableImage(f'this host does not know its hash algorithm {found.hash_algorithm}') from None


def _given_up(found: translate.GlanceImage, error: Exception) -> Exception:
    if isinstance(error, errors.ContainerError):
        return error
    return errors.Unavailable(f'Image {found.id} could not be downloaded: {error}')


class _Flights:
    """One lock a name, gone when nobody waits: the first one works, the others then find it done."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, tuple[threading.Lock, int]] = {}

    @contextlib.contextmanager
    def alone(self, name: str) -> Iterator[None]:
        with self._guard:
            lock, waiting = self._locks.get(name, (threading.Lock(), 0))
            self._locks[name] = (lock, waiting + 1)
        try:
            with lock:
                yield
        finally:
            with self._guard:
                lock, waiting = self._locks[name]
                if waiting == 1:
                    del self._locks[name]
                else:
                    self._locks[name] = (lock, waiting - 1)
