# SPDX-License-Identifier: Apache-2.0
"""Connect to the first process of a container, and size its terminal."""

from nova_container.engine.base import Session
from nova_container.runtime.attachment import Attachment
from nova_container.runtime.parts import Parts


def attach(parts: Parts, name: str) -> Session:
    """See ``ContainerOps.attach``."""
    with parts.register.locked(name) as container:
        attachment = Attachment()
        if container.status.alive:
            attachment.connect(parts.bundle(container))
        else:
            container.waiting_attachments.append(attachment)
        return attachment


def resize(parts: Parts, name: str, rows: int, columns: int) -> None:
    """See ``ContainerOps.resize``."""
    container = parts.register.get(name)
    container.must_be(container.status.alive, 'resize its terminal')
    container.must_be(container.record.spec.process.tty, 'resize: it has no terminal')
    parts.monitor.resize(parts.bundle(container), rows, columns)
