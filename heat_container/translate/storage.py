# SPDX-License-Identifier: Apache-2.0
"""Mounts of a template -> ``Mount``. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from nova_container import errors
from nova_container.engine import Mount, MountKind
from nova_container.engine.volume import Volume

_ONLY: Mapping[str, frozenset[str]] = {
    'volume': frozenset(('volume', 'subpath', 'no_copy', 'volume_driver', 'volume_options', 'volume_labels')),
    'tmpfs': frozenset(('size', 'mode', 'options')), 'bind': frozenset((
        'source', 'propagation', 'create_source', 'non_recursive', 'read_only_non_recursive')),
}
"""What only one kind of mount has."""


def mounts_of(wanted: Iterable[Mapping[str, Any]] | None) -> tuple[Mount, ...]:
    """:raises InvalidSpec: a mount says what its type has not, or lacks what it needs."""
    return tuple(map(_mount, wanted or ()))


def _mount(wanted: Mapping[str, Any]) -> Mount:
    kind = wanted['type'] or 'volume'
    for other, fields in _ONLY.items():
        for field in sorted(fields):
            if other != kind and wanted[field]:
                raise errors.InvalidSpec(f'mounts: {field} is of a {other}, and {wanted["target"]} is a {kind}')
    if kind == 'bind' and not wanted['source']:
        raise errors.InvalidSpec(f'mounts: the bind at {wanted["target"]} needs source, a path on the host')
    return Mount(
        kind=MountKind(kind), target=wanted['target'], source=wanted['source'] or wanted['volume'] or '',
        read_only=bool(wanted['read_only']), propagation=wanted['propagation'] or 'rprivate',
        size_bytes=wanted['size'], mode=int(wanted['mode'], 8) if wanted['mode'] else None,
        options=tuple(wanted['options'] or ()), no_copy=bool(wanted['no_copy']), subpath=wanted['subpath'] or '',
        make_source=bool(wanted['create_source']), volume=_volume(wanted),
        recursive=not wanted['non_recursive'], read_only_below=not wanted['read_only_non_recursive'])


def _volume(wanted: Mapping[str, Any]) -> Volume | None:
    """How to make the volume, if the mount says anything of it."""
    driver, options, labels = wanted['volume_driver'], wanted['volume_options'], wanted['volume_labels']
    if not (driver or options or labels):
        return None
    return Volume(name=wanted['volume'] or '', driver=driver or 'local',
                  options={name: str(value) for name, value in (options or {}).items()},
                  labels={name: str(value) for name, value in (labels or {}).items()})
