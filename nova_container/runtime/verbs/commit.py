# SPDX-License-Identifier: Apache-2.0
"""Make an image of what a container changed."""

import contextlib
import dataclasses
import datetime
import io
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nova_container.engine import health
from nova_container.engine.spec import CommitSpec
from nova_container.engine.state import Change, ChangeKind
from nova_container.image import changes as tree_changes
from nova_container.image import digest, manifest, pack
from nova_container.image.compression import GzipWriter
from nova_container.image.config import ImageConfig
from nova_container.runtime.container import Container
from nova_container.runtime.images import LayerRecord
from nova_container.runtime.parts import Parts
from nova_container.runtime.verbs import images, pause

_MOUNT_POINTS = ('etc/hosts', 'etc/hostname', 'etc/resolv.conf', 'dev/console', '.dockerenv')
_KINDS = {'modified': ChangeKind.MODIFIED, 'added': ChangeKind.ADDED, 'deleted': ChangeKind.DELETED}


def changes(parts: Parts, name: str) -> tuple[Change, ...]:
    """See ``ContainerOps.changes``."""
    container = parts.register.get(name)
    lower = list(reversed(parts.layers.lower(container.record.diff_ids)))
    found = tree_changes.diff_changes(parts.folder(container).upper, lower)
    return tuple(Change(path, _KINDS[kind]) for path, kind in found)


def commit(parts: Parts, name: str, spec: CommitSpec) -> str:
    """See ``ContainerOps.commit``. :raises UnacceptableImage: the configuration that is asked for is none."""
    with images.adding(parts), parts.register.locked(name) as container:
        base = parts.images.get(container.record.image_id)
        with parts.images.blobs.open(base.id) as file:
            below = ImageConfig.parse(file.read())
        ImageConfig.parse(_config(below, container, spec, ()).to_json())  # what was asked for may be none
        with _packed(parts, container, spec.pause) as (plain, packed):
            added = () if packed.diff_id == pack.NOTHING else (_store(parts, plain, packed.diff_id),)
        config = _config(below, container, spec, added)
        content = config.to_json()
        image_id, _ = parts.images.blobs.put(io.BytesIO(content), digest.of_bytes(content))
        info = parts.images.add(image_id, (*base.layers, *added), config.created,
                                [spec.reference] if spec.reference else [])
        parts.publish(container, 'commit', {'imageID': info.id})
    return info.id


@contextlib.contextmanager
def _packed(parts: Parts, container: Container, freeze: bool) -> Iterator[tuple[Path, pack.PackResult]]:
    """The layer as a plain tar in a file that is gone afterwards; the container is frozen only while it is written."""
    path = parts.settings.staging / secrets.token_hex(8)
    try:
        with open(path, 'xb') as file, (pause.frozen(parts, container) if freeze else contextlib.nullcontext()):
            packed = pack.pack_layer(parts.folder(container).upper, file.write, skip=_MOUNT_POINTS)
        yield path, packed
    finally:
        path.unlink(missing_ok=True)


def _store(parts: Parts, plain: Path, diff_id: str) -> LayerRecord:
    """Compress the layer into the blob store."""
    path = parts.settings.staging / secrets.token_hex(8)
    try:
        with open(plain, 'rb') as source, open(path, 'xb') as target:
            writer = GzipWriter(target.write)
            while block := source.read(1 << 20):
                writer.write(block)
            writer.close()
        with open(path, 'rb') as compressed:
            blob, size = parts.images.blobs.put(compressed)
    finally:
        path.unlink(missing_ok=True)
    return LayerRecord(blob_digest=blob, size=size, media_type=manifest.OCI_LAYER_GZIP, diff_id=diff_id)


def _config(base: ImageConfig, container: Container, spec: CommitSpec, added: tuple[LayerRecord, ...]) -> ImageConfig:
    now = datetime.datetime.now(datetime.UTC).isoformat().replace('+00:00', 'Z')
    step = {'created': now, 'created_by': ' '.join(container.record.spec.process.command or ()),
            'author': spec.author, 'comment': spec.comment, 'empty_layer': not added}
    return dataclasses.replace(
        base, created=now, author=spec.author or base.author,
        diff_ids=(*base.diff_ids, *(layer.diff_id for layer in added)),
        config={**base.config, **_of_process(container), **spec.config},
        history=(*base.history, {key: value for key, value in step.items() if value}))


def _of_process(container: Container) -> dict[str, Any]:
    """What the container runs, which may differ from the image's own."""
    spec, process = container.record.spec, container.record.spec.process
    found = {'Entrypoint': list(process.entrypoint or ()) or None, 'Cmd': list(process.command or ()) or None,
             'Env': list(process.env), 'WorkingDir': process.cwd, 'User': process.user,
             'StopSignal': process.stop_signal, 'Shell': list(spec.shell), 'OnBuild': list(spec.on_build),
             'Healthcheck': {'Test': ['NONE']} if spec.no_health else spec.health and health.fields(spec.health)}
    return {key: value for key, value in found.items() if value or key in ('Entrypoint', 'Cmd')}
