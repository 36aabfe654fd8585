# SPDX-License-Identifier: Apache-2.0
"""Glance as the user of clouds.yaml or OS_* sees it, through python-glanceclient."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import IO, Any

import glanceclient
import openstack
from glanceclient import exc as glance_errors
from keystoneauth1 import exceptions as keystone_errors
from openstack import exceptions as sdk_errors

from nova_container import errors
from nova_container.cmd.image.progress import Count

_ARCHITECTURES = {'amd64': 'x86_64', 'arm64': 'aarch64', 'arm': 'armv7l', '386': 'i686'}


@contextlib.contextmanager
def sentences() -> Iterator[None]:
    """What OpenStack's clients raise, as our errors."""
    try:
        yield
    except glance_errors.HTTPException as error:
        raise errors.Unavailable(f'Glance answered: {error}') from error
    except (keystone_errors.ClientException, sdk_errors.SDKException, glance_errors.BaseException) as error:
        raise errors.Unavailable(f'OpenStack cannot be used: {error}') from error


class Images:
    """Glance's images."""

    def __init__(self, cloud: str | None) -> None:
        with sentences():
            connection = openstack.connect(cloud=cloud)
            self._glance = glanceclient.Client(
                '2', session=connection.session, region_name=connection.config.get_region_name() or None,
                interface=connection.config.get_interface('image'))

    def find(self, name: str) -> Any:
        """One image by id or name. :raises ImageNotFound: :raises InvalidRequest: several have the name."""
        with sentences():
            with contextlib.suppress(glance_errors.HTTPNotFound):
                return self._glance.images.get(name)
            found = list(self._glance.images.list(filters={'name': name}))
        if len(found) > 1:
            raise errors.InvalidRequest(f'{len(found)} images are named {name}: give an id, '
                                        f'{", ".join(sorted(image.id for image in found)[:5])}')
        if not found:
            error = errors.ImageNotFound(name)
            error.args = (f'There is no image {name} in Glance',)
            raise error
        return found[0]

    def add(self, name: str, pieces: Iterator[bytes], size: int | None, architecture: str,
            properties: Mapping[str, str], count: Count) -> Any:
        """Upload an archive as a new image; nothing stays of one that fails."""
        with sentences():
            image = self._glance.images.create(name=name, container_format='docker', disk_format='raw', **{
                'img_hv_type': 'docker', 'hw_vm_mode': 'exe',
                'hw_architecture': _ARCHITECTURES.get(architecture, architecture), **properties})
            try:
                self._glance.images.upload(image.id, _Stream(pieces, count), image_size=size)
            except BaseException:
                with contextlib.suppress(glance_errors.HTTPException):
                    self._glance.images.delete(image.id)
                raise
            return self._glance.images.get(image.id)

    def read(self, image_id: str, count: Count) -> IO[bytes]:
        """The data of an image as a stream, which Glance's client checks against its hash."""
        with sentences():
            data = self._glance.images.data(image_id)
        if data.wrapped is None:
            raise errors.InvalidRequest(f'Image {image_id} has no data yet')
        return _Stream(iter(data), count)  # type: ignore[return-value]


class _Stream:
    """Pieces as a file that is read once, counted."""

    def __init__(self, pieces: Iterator[bytes], count: Count) -> None:
        self._pieces, self._count = pieces, count
        self._rest, self._position = b'', 0

    def read(self, size: int = -1) -> bytes:
        with sentences():
            while size < 0 or not self._rest:
                piece = next(self._pieces, None)
                if piece is None:
                    break
                self._rest += piece
        taken = self._rest if size < 0 else self._rest[:size]
        self._rest = self._rest[len(taken):]
        self._position += len(taken)
        self._count.reach(self._position)
        return taken
