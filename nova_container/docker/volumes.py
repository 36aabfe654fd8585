# SPDX-License-Identifier: Apache-2.0
"""Verbs over the Docker Engine API: volumes."""

import contextlib
import dataclasses
import json
import re
from typing import Any
from urllib.parse import quote

from nova_container import errors
from nova_container.docker.base import Verbs
from nova_container.docker.wire import volumes as wire
from nova_container.docker.wire.document import Document
from nova_container.engine.volume import ANONYMOUS, Volume, VolumeInfo, VolumeOps

_ANONYMOUS_NAME = re.compile('[0-9a-f]{64}')


class VolumeVerbs(Verbs, VolumeOps):
    """Volumes by name."""

    def create_volume(self, volume: Volume) -> VolumeInfo:
        """Docker returns one that is there whatever its options, so they are compared here."""
        found = self._seen_volume(self.ask('POST', '/volumes/create', document=wire.create_body(volume)).document())
        if volume.name and found.spec.options != dict(volume.options):
            raise errors.AlreadyExists(f'The volume {volume.name} exists with other options')
        return found

    def inspect_volume(self, name: str) -> VolumeInfo:
        return self._seen_volume(self.get(_path(name)))

    def _seen_volume(self, body: Any) -> VolumeInfo:
        if self.is_ours:
            return wire.volume_of(body)
        name = Document(body).text('Name')
        rows = self.get('/containers/json', query={'all': True, 'filters': json.dumps({'volume': [name]})})
        return _marked(wire.volume_of(body, tuple(sorted(Document(row).text('Id') for row in rows))))

    def list_volumes(self, *, sizes: bool = False) -> tuple[VolumeInfo, ...]:
        """Sizes come with a count of all that the engine has, images too."""
        listed = self.get('/system/df', query={'type': 'volume'}) if sizes else self.get('/volumes')
        bodies = Document(listed).documents('Volumes')
        if self.is_ours:
            found = [wire.volume_of(body.fields) for body in bodies]
        else:
            used = self._users()
            found = [_marked(wire.volume_of(body.fields, used.get(body.text('Name'), ()))) for body in bodies]
        return tuple(sorted((info if sizes else dataclasses.replace(info, size_bytes=None) for info in found),
                            key=lambda info: info.name))

    def _users(self) -> dict[str, tuple[str, ...]]:
        used: dict[str, tuple[str, ...]] = {}
        for row in map(Document, self.get('/containers/json', query={'all': True})):
            for mount in row.documents('Mounts'):
                used[mount.text('Name')] = tuple(sorted({*used.get(mount.text('Name'), ()), row.text('Id')}))
        return used

    def remove_volume(self, name: str, *, force: bool = False) -> None:
        with contextlib.suppress(errors.VolumeNotFound):
            self.do('DELETE', _path(name), query={'force': force})

    def prune_volumes(self, *, all_unused: bool = False) -> tuple[tuple[str, ...], int]:
        """Docker before API 1.42 removes all that are unused, so the anonymous ones are then removed one by one."""
        if not self.is_ours and not all_unused:
            return self._prune_anonymous()
        filters = {'all': ['true']} if all_unused and self.is_ours else {}
        body = Document(self.ask('POST', '/volumes/prune', query={'filters': json.dumps(filters)},
                                 timeout_s=0).document())
        return tuple(sorted(body.texts('VolumesDeleted'))), body.integer('SpaceReclaimed') or 0

    def _prune_anonymous(self) -> tuple[tuple[str, ...], int]:
        gone, freed = [], 0
        for info in self.list_volumes(sizes=True):
            if info.anonymous and not info.used_by:
                with contextlib.suppress(errors.WrongState):
                    self.remove_volume(info.name)
                    gone.append(info.name)
                    freed += info.size_bytes or 0
        return tuple(gone), freed


def _marked(info: VolumeInfo) -> VolumeInfo:
    """Docker before 23 has no label for anonymous volumes: it is told by the name."""
    if _ANONYMOUS_NAME.fullmatch(info.name) and not info.anonymous:
        return dataclasses.replace(info, spec=dataclasses.replace(
            info.spec, labels={**info.spec.labels, ANONYMOUS: ''}))
    return info


def _path(name: str) -> str:
    """:raises VolumeNotFound: nothing could have such a name."""
    if not name or name in ('.', '..'):
        raise errors.VolumeNotFound(name)
    return f'/volumes/{quote(name, safe="")}'
