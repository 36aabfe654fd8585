# SPDX-License-Identifier: Apache-2.0
"""Make a container ready to start."""

import secrets
import time

from nova_container.engine import validate
from nova_container.engine.spec import ContainerSpec
from nova_container.engine.undo import undo_on_error
from nova_container.host import netns
from nova_container.runtime import bundle
from nova_container.runtime.container import Container
from nova_container.runtime.parts import Parts
from nova_container.runtime.records import ContainerRecord, Phase


def create(parts: Parts, spec: ContainerSpec) -> str:
    """See ``ContainerOps.create``."""
    validate.check(spec)
    with parts.image_gate.shared():
        image = parts.images.get(spec.image)
        parts.images.unpack(image.layers)
        container = parts.register.add(ContainerRecord(
            id=secrets.token_hex(32), spec=spec, image_id=image.id, diff_ids=image.diff_ids, created_at=time.time()))
    with container.lock:
        _prepare(parts, container)
    parts.publish(container, 'create')
    return container.id


def _prepare(parts: Parts, container: Container) -> None:
    folder, namespace = parts.folder(container), parts.namespace(container)
    with undo_on_error() as undo:
        undo('record', lambda: parts.register.forget(container))
        undo('folder', folder.remove)
        folder.make()
        folder.mount(parts.layers.lower(container.record.diff_ids))
        folder.write_etc(container.record.spec, parts.hostname(container))
        if namespace is not None:
            netns.create(namespace)
            undo('network namespace', lambda: netns.remove(namespace))
        bundle.validate_start(parts, container)
        container.save(phase=Phase.IDLE)
