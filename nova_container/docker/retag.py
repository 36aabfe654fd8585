# SPDX-License-Identifier: Apache-2.0
"""An image archive rewritten for a Docker that believes the names in it.

A tenant chose those names; taken as they are, they would move the tags of other images. The archive is
read and verified into a place of its own, and written again in the form Docker 20.10 takes.
"""

import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from nova_container import errors
from nova_container.docker.infra_image import NAME as INFRA
from nova_container.image import archive as archives
from nova_container.image.blobs import BlobStore


@contextlib.contextmanager
def rewritten(archive: BinaryIO, reference: str | None) -> Iterator[tuple[Iterator[bytes], list[str]]]:
    """The new archive in pieces, and the ids of its images; it needs as much disk as the old one meanwhile.

    :param reference: the one name its one image gets; None keeps the names.
    :raises UnacceptableImage: it breaks a rule, or holds several images where it is to get one name.
    """
    with tempfile.TemporaryDirectory(prefix='nova-container-load-') as folder:
        blobs = BlobStore(Path(folder))
        images = _read(archive, blobs)
        if reference is not None:
            if len(images) != 1:
                raise errors.UnacceptableImage(
                    f'{reference} is to name one image, but the archive holds {len(images)}')
            images = (dataclasses.replace(images[0], references=(reference,)),)
        if any(INFRA in image.references for image in images):
            raise errors.UnacceptableImage(f'The name {INFRA} belongs to nova-container')
        yield archives.write_archive(images, blobs), [image.config_digest for image in images]


def _read(archive: BinaryIO, blobs: BlobStore) -> tuple[archives.LoadedImage, ...]:
    try:
        return archives.read_archive(archive, blobs).images
    except errors.DigestMismatch:
        raise
    except errors.Corrupt as error:
        raise errors.UnacceptableImage(str(error)) from error
