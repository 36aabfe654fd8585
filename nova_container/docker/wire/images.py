# SPDX-License-Identifier: Apache-2.0
"""Images <-> the bodies of GET /images/{name}/json, /images/json and /images/{name}/history."""

import collections
from collections.abc import Iterable, Mapping

from nova_container.docker.wire import units
from nova_container.docker.wire.document import Document, Json
from nova_container.engine import state

_NAMELESS = ('<none>:<none>', '<none>@<none>')


def image_body(info: state.ImageInfo) -> Json:
    """The inspect body. ``History`` and ``LayerSizes`` are ours: they spare our client a second request."""
    return {
        'Id': info.id, 'RepoTags': tags(info), 'RepoDigests': digests(info), 'Parent': '', 'Comment': info.comment,
        'Created': units.timestamp_of(info.created_at), 'DockerVersion': '', 'Author': info.author,
        'Config': dict(info.config), 'Architecture': info.architecture, 'Os': info.os, 'Size': info.size_bytes,
        'GraphDriver': {'Name': '', 'Data': None},
        'RootFS': {'Type': 'layers', 'Layers': list(info.diff_ids)}, 'Metadata': {'LastTagTime': units.ZERO_TIME},
        'History': [dict(step) for step in info.history], 'LayerSizes': list(info.layer_bytes),
    }


def image_of(fields: object) -> state.ImageInfo:
    """The image an inspect body describes; without history if the body has none."""
    body = Document(fields)
    names = (*body.texts('RepoTags'), *body.texts('RepoDigests'))
    return state.ImageInfo(
        id=body.text('Id'), references=tuple(name for name in names if name not in _NAMELESS),
        created_at=units.seconds_of(body.text('Created')) or 0.0, size_bytes=body.integer('Size') or 0,
        diff_ids=body.document('RootFS').texts('Layers'), architecture=body.text('Architecture'),
        os=body.text('Os'), config=dict(body.document('Config').fields), author=body.text('Author'),
        comment=body.text('Comment'), history=tuple(dict(step.fields) for step in body.documents('History')),
        layer_bytes=tuple(int(size) for size in body.fields.get('LayerSizes') or ()))


def image_row(info: state.ImageInfo, containers: int, shared_bytes: int = -1) -> Json:
    """One row of the list; ``containers`` use it, and ``shared_bytes`` of it are in other images too (-1: unknown)."""
    config = info.config.get('Labels')
    return {'Id': info.id, 'ParentId': '', 'RepoTags': tags(info), 'RepoDigests': digests(info),
            'Created': int(info.created_at), 'Size': info.size_bytes, 'SharedSize': shared_bytes,
            'Labels': config, 'Containers': containers}


def shared_bytes(infos: Iterable[state.ImageInfo]) -> Mapping[str, int]:
    """Bytes of the layers that an image has in common with others of these, by the image's id."""
    known = tuple(infos)
    users = collections.Counter(diff_id for info in known for diff_id in set(info.diff_ids))
    return {info.id: sum(size for diff_id, size in _layers(info).items() if users[diff_id] > 1) for info in known}


def layers_bytes(infos: Iterable[state.ImageInfo]) -> int:
    """Bytes of all layers of these images, each counted once."""
    return sum({diff_id: size for info in infos for diff_id, size in _layers(info).items()}.values())


def _layers(info: state.ImageInfo) -> Mapping[str, int]:
    return dict(zip(info.diff_ids, info.layer_bytes, strict=False))


def history_body(info: state.ImageInfo) -> list[Json]:
    """Steps newest first, in Docker's names; only the last has the image's id, as with Docker."""
    sizes, steps = list(info.layer_bytes), []
    for step in info.history:
        created = step.get('created')
        size = sizes.pop(0) if sizes and not step.get('empty_layer') else 0
        steps.append({'Id': '<missing>', 'Created': int(units.seconds_of(created if isinstance(created, str) else '')
                                                        or 0),
                      'CreatedBy': step.get('created_by', ''), 'Tags': None, 'Size': size,
                      'Comment': step.get('comment', '')})
    if steps:
        steps[-1] |= {'Id': info.id, 'Tags': tags(info)}
    return steps[::-1]


def history_of(steps: object) -> list[Json]:
    """Docker's history in the names of an image's configuration, oldest first."""
    rows = Document({'History': steps}).documents('History')
    return [{'created': units.timestamp_of(row.integer('Created')), 'created_by': row.text('CreatedBy'),
             'comment': row.text('Comment')} for row in reversed(rows)]


def tags(info: state.ImageInfo) -> list[str]:
    return [name for name in info.references if '@' not in name]


def digests(info: state.ImageInfo) -> list[str]:
    return [name for name in info.references if '@' in name]
