# SPDX-License-Identifier: Apache-2.0
"""Freeze and thaw a container."""

import contextlib
from collections.abc import Iterator

from nova_container.engine.state import Status
from nova_container.engine.undo import undo_on_error
from nova_container.runtime.container import Container
from nova_container.runtime.parts import Parts


def pause(parts: Parts, name: str) -> None:
    """See ``ContainerOps.pause``."""
    with parts.register.locked(name) as container:
        if container.status is Status.PAUSED:
            return
        container.must_be(container.status.may_pause, 'pause')
        with undo_on_error() as undo:
            undo('record', lambda: container.save(pause_wanted=False))
            container.save(pause_wanted=True)
            parts.cgroup(container).freeze()
        container.paused = True
        container.tell()
        parts.publish(container, 'pause')


def unpause(parts: Parts, name: str) -> None:
    """See ``ContainerOps.unpause``."""
    with parts.register.locked(name) as container:
        if container.status is Status.RUNNING:
            return
        container.must_be(container.status is Status.PAUSED, 'unpause')
        thaw(parts, container)
        parts.publish(container, 'unpause')


def thaw(parts: Parts, container: Container) -> None:
    """Let a paused container's processes go on; its lock is held."""
    parts.cgroup(container).thaw()
    container.paused = False
    container.save(pause_wanted=False)


@contextlib.contextmanager
def frozen(parts: Parts, container: Container) -> Iterator[None]:
    """Keep a running container frozen while the block runs; one in another state is left as it is."""
    if container.status is not Status.RUNNING:
        yield
        return
    try:
        parts.cgroup(container).freeze()
        yield
    finally:
        parts.cgroup(container).thaw()
