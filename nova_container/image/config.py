# SPDX-License-Identifier: Apache-2.0
"""The configuration of an image (OCI image-spec, config.md), checked as hostile input.

Limits: an argument or variable is at most 128 KiB (Linux MAX_ARG_STRLEN, so that execve cannot fail later), all of
them together 1 MiB, at most 4096 of each.
"""

import dataclasses
import posixpath
from collections.abc import Mapping
from typing import Any

from nova_container.errors import UnacceptableImage
from nova_container.image import digest as digests
from nova_container.image import document

MAX_LAYERS = 500
MAX_ITEM_BYTES = 128 << 10
MAX_TOTAL_BYTES = 1 << 20
MAX_ITEMS = 4096


@dataclasses.dataclass(frozen=True)
class ImageConfig:
    """What an image says of itself.

    :ivar architecture: GOARCH, ``amd64``.
    :ivar os: GOOS, ``linux``.
    :ivar config: the run defaults as in the document: Entrypoint, Cmd and Env are lists of text here if present.
    :ivar diff_ids: digests of the uncompressed layers, bottom first.
    :ivar history: one mapping for each build step, unchecked but for being mappings.
    :ivar created: RFC 3339 time, or none.
    :ivar variant: CPU variant, ``v8``, or empty.
    :ivar author: free text.
    """

    architecture: str
    os: str
    config: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    diff_ids: tuple[str, ...] = ()
    history: tuple[Mapping[str, Any], ...] = ()
    created: str | None = None
    variant: str = ''
    author: str = ''

    @classmethod
    def parse(cls, content: bytes) -> 'ImageConfig':
        """Read and check a configuration document.

        :raises UnacceptableImage: it breaks a limit or a rule; the sentence says which.
        :raises InvalidReference: a diff_id is malformed.
        """
        fields = document.decode_object(content, 'image configuration')
        rootfs = document.as_object(fields.get('rootfs'), 'rootfs of the image configuration')
        return cls(
            architecture=document.as_text(fields.get('architecture'), 'architecture'),
            os=document.as_text(fields.get('os'), 'os'),
            config=check_run_defaults(document.as_object(fields.get('config'), 'config')),
            diff_ids=_diff_ids(rootfs),
            history=tuple(document.as_object(step, 'history step')
                          for step in document.as_list(fields.get('history'), 'history')),
            created=document.as_text(fields.get('created'), 'created') or None,
            variant=document.as_text(fields.get('variant'), 'variant'),
            author=document.as_text(fields.get('author'), 'author'),
        )

    def to_json(self) -> bytes:
        """Return the document; equal configurations give equal bytes."""
        fields: dict[str, Any] = {
            'architecture': self.architecture, 'os': self.os, 'config': dict(self.config),
            'rootfs': {'type': 'layers', 'diff_ids': list(self.diff_ids)},
            'history': [dict(step) for step in self.history],
        }
        optional = {'created': self.created, 'variant': self.variant, 'author': self.author}
        return document.encode(fields | {name: value for name, value in optional.items() if value})


def check_run_defaults(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy whose Entrypoint, Cmd and Env are lists of text within the limits.

    :raises UnacceptableImage: a limit is broken, an Env entry has no name, WorkingDir is below /proc, or a field is of
        another kind than Docker's.
    """
    checked = dict(config)
    total = 0
    for field in ('Entrypoint', 'Cmd', 'Env'):
        if checked.get(field) is not None:
            checked[field] = _texts(checked[field], field)
            total += sum(len(item.encode('utf-8', 'replace')) + 1 for item in checked[field])
    if total > MAX_TOTAL_BYTES:
        raise UnacceptableImage(f'Entrypoint, Cmd and Env are {total} bytes together, more than {MAX_TOTAL_BYTES}')
    for entry in checked.get('Env') or ():
        if entry.find('=') < 1:
            raise UnacceptableImage(f'The Env entry {entry[:100]!r} is not NAME=value')
    _check_working_directory(document.as_text(checked.get('WorkingDir'), 'WorkingDir'))
    for field in ('Shell', 'OnBuild'):
        _texts(checked.get(field), field)
    for field in ('User', 'StopSignal'):
        document.as_text(checked.get(field), field)
    for field in ('Labels', 'ExposedPorts', 'Volumes', 'Healthcheck'):
        document.as_object(checked.get(field), field)
    for name, value in (checked.get('Labels') or {}).items():
        document.as_text(value, f'label {name[:100]}')
    return checked


def _texts(value: Any, field: str) -> list[str]:
    items = [value] if isinstance(value, str) else document.as_list(value, field)
    if len(items) > MAX_ITEMS:
        raise UnacceptableImage(f'{field} has {len(items)} items, more than {MAX_ITEMS}')
    for item in items:
        if not isinstance(item, str) or '\0' in item:
            raise UnacceptableImage(f'{field} must be a list of strings without NUL')
        if len(item.encode('utf-8', 'replace')) >= MAX_ITEM_BYTES:
            raise UnacceptableImage(f'An item of {field} is longer than {MAX_ITEM_BYTES} bytes')
    return items


def _check_working_directory(text: str) -> None:
    path = posixpath.normpath('/' + text.lstrip('/'))
    # CVE-2024-21626: a working directory of /proc/self/fd/N; /dev/fd is a link to the same place.
    if '\0' in text or any((path + '/').startswith(place) for place in ('/proc/', '/dev/fd/')):
        raise UnacceptableImage(f'WorkingDir {text[:200]!r} is refused: it may not be below /proc')


def _diff_ids(rootfs: Mapping[str, Any]) -> tuple[str, ...]:
    listed = document.as_list(rootfs.get('diff_ids'), 'diff_ids')
    if len(listed) > MAX_LAYERS:
        raise UnacceptableImage(f'The image has {len(listed)} layers, more than {MAX_LAYERS}')
    return tuple(digests.parse(item) for item in listed)
