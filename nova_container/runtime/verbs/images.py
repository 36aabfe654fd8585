# SPDX-License-Identifier: Apache-2.0
"""Load, tag, remove and prune images."""

import contextlib
from collections.abc import Iterator
from typing import BinaryIO

from nova_container import errors
from nova_container.engine.state import ImageInfo
from nova_container.image import reference as references
from nova_container.runtime.images import ImageRecord, normal
from nova_container.runtime.parts import Parts


def load(parts: Parts, archive: BinaryIO, reference: str | None) -> tuple[ImageInfo, ...]:
    """See ``ImageOps.load``."""
    with adding(parts), damage_is_the_senders():
        loaded = tuple(parts.images.load(archive, reference))
    for info in loaded:
        parts.events.publish('image', 'load', info.id, {'name': info.references[0] if info.references else info.id})
    return loaded


@contextlib.contextmanager
def adding(parts: Parts) -> Iterator[None]:
    """Keep out those who remove while the block adds; what it leaves by a failure is removed as soon as none adds."""
    try:
        with parts.image_gate.shared():
            yield
    except BaseException:
        with parts.image_gate.alone_if_free() as alone:
            if alone:
                collect(parts)
        raise


def collect(parts: Parts) -> int:
    """Remove the blobs and layers that nothing uses; returns the bytes of layers freed. Nobody may add meanwhile."""
    return parts.images.collect({diff_id for container in parts.register.all()
                                 for diff_id in container.record.diff_ids})


@contextlib.contextmanager
def damage_is_the_senders() -> Iterator[None]:
    """An archive that cannot be read will not be better next time."""
    try:
        yield
    except errors.DigestMismatch:
        raise
    except errors.Corrupt as error:
        raise errors.UnacceptableImage(str(error)) from error


def tag(parts: Parts, image: str, reference: str) -> None:
    """See ``ImageOps.tag_image``."""
    with parts.image_gate.shared():
        parts.images.tag(image, reference)
        image_id = parts.images.get(reference).id
    parts.events.publish('image', 'tag', image_id, {'name': normal(reference)})


def remove(parts: Parts, image: str) -> tuple[str, ...]:
    """See ``ImageOps.remove_image``."""
    with parts.image_gate.alone():
        try:
            record = parts.images.get(image)
        except errors.ImageNotFound:
            return ()
        return _remove(parts, record, image)


def _remove(parts: Parts, record: ImageRecord, image: str) -> tuple[str, ...]:
    names = parts.images.references(record.id)
    if not _names_id(record, image) and (gone := _with_digests(normal(image), names)) != set(names):
        for name in sorted(gone):
            parts.images.untag(name)
            parts.events.publish('image', 'untag', record.id, {'name': name})
        return tuple(sorted(gone, key=lambda name: (name != normal(image), name)))
    _must_be_unused(parts, record)
    parts.images.forget(record.id)
    collect(parts)
    parts.events.publish('image', 'delete', record.id, {'name': record.id})
    return (*names, record.id)


def _with_digests(name: str, names: tuple[str, ...]) -> set[str]:
    """A name, and the digests of its repository if that has no other tag left: they name nothing by themselves."""
    repository = references.parse(name).familiar_name()
    beside = {other for other in names if other != name and references.parse(other).familiar_name() == repository}
    return {name} if any('@' not in other for other in beside) else {name, *beside}


def _names_id(record: ImageRecord, image: str) -> bool:
    """Whether ``image`` is the id or a prefix of it, rather than a name."""
    return record.id.removeprefix('sha256:').startswith(image.removeprefix('sha256:'))


def _must_be_unused(parts: Parts, record: ImageRecord) -> None:
    for container in parts.register.all():
        if container.record.image_id == record.id:
            raise errors.WrongState(f'Image {record.id[:19]} is used by container {container.record.spec.name}: '
                                    'remove that first')


def prune(parts: Parts, *, all_unused: bool) -> tuple[tuple[str, ...], int]:
    """See ``ImageOps.prune_images``."""
    with parts.image_gate.alone():
        used = {container.record.image_id for container in parts.register.all()}
        gone = [record for record in parts.images.all() if record.id not in used and (
            all_unused or all('@' in name for name in parts.images.references(record.id)))]
        for record in gone:
            parts.images.forget(record.id)
            parts.events.publish('image', 'delete', record.id, {'name': record.id})
        return tuple(record.id for record in gone), collect(parts)
