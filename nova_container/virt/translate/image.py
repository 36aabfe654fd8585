# SPDX-License-Identifier: Apache-2.0
"""What Glance says of an image: whether we can take it, what we call it, what it wishes."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from nova_container import errors
from nova_container.virt.translate import process

PREFIX = 'glance/'
_CONTAINER_FORMATS, _DISK_FORMAT = ('docker', 'bare'), 'raw'
_HASH_CHARACTERS = 32


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GlanceImage:
    """An image as Glance describes it. ``hash_value`` is hexadecimal, of the whole archive; '' if there is none."""

    id: str
    hash_algorithm: str = ''
    hash_value: str = ''
    checksum: str = ''

    @property
    def reference(self) -> str:
        """What the engine calls it: by id and content, never by a name that a tenant chose."""
        return f'{PREFIX}{self.id}:{(self.hash_value or self.checksum or "unverified")[:_HASH_CHARACTERS]}'


def glance_image(shown: Mapping[str, Any]) -> GlanceImage:
    """From what Nova's image API shows."""
    properties = shown.get('properties') or {}

    def field(name: str) -> str:
        return str(shown.get(name) or properties.get(name) or '')

    return GlanceImage(id=str(shown['id']), hash_algorithm=field('os_hash_algo'), hash_value=field('os_hash_value'),
                       checksum=field('checksum'))


def image_id(reference: str) -> str | None:
    """The Glance id in a reference of ours; None if it is another one."""
    if not reference.startswith(PREFIX):
        return None
    return reference.removeprefix(PREFIX).partition(':')[0]


def check_formats(container_format: str | None, disk_format: str | None) -> None:
    """:raises UnacceptableImage: not an archive of a container image."""
    if container_format not in _CONTAINER_FORMATS or disk_format != _DISK_FORMAT:
        raise errors.UnacceptableImage(
            f'it has container format {container_format} and disk format {disk_format}; upload the archive with '
            '--container-format docker --disk-format raw')


def wish(command_line: str | None) -> process.ProcessWish:
    """Of image property ``os_command_line``, which nova-docker had. :raises InvalidSpec: it is wrong."""
    if not command_line or not command_line.strip():
        return process.ProcessWish()
    return process.ProcessWish(command=process.words('Image property os_command_line', command_line))
