# SPDX-License-Identifier: Apache-2.0
"""Remove a container and all it owns."""

from nova_container import errors
from nova_container.host import netns
from nova_container.runtime.container import Container
from nova_container.runtime.parts import Parts
from nova_container.runtime.records import Phase
from nova_container.runtime.verbs import mounting, start, stop


def remove(parts: Parts, name: str, *, force: bool, volumes: bool = True) -> None:
    """See ``ContainerOps.remove``."""
    try:
        with parts.register.locked(name) as container:
            container.must_be(force or not container.status.active, 'remove: stop it first, or force')
            if container.status.alive:
                stop.end_process(parts, container, 0)
            container.restarting = False
            container.save(phase=Phase.REMOVING)
            finish(parts, container, volumes=volumes)
    except errors.ContainerNotFound:
        return


def finish(parts: Parts, container: Container, *, volumes: bool) -> None:
    """Take away a container that is not alive, and tell. Repeatable after a failure."""
    take_away(parts, container, volumes=volumes)
    parts.publish(container, 'destroy')


def take_away(parts: Parts, container: Container, *, volumes: bool = True) -> None:
    """Everything of a container that is not alive; its record last, so that what is left has a name."""
    start.clear(parts, container)
    parts.networks.leave(container)
    namespace = parts.namespace(container)
    if namespace is not None:
        netns.remove(namespace)
    parts.disk_limits.free(parts.folder(container).upper)
    parts.folder(container).remove()
    for exec_id in [key for key, each in parts.executions.items() if each.container_id == container.id]:
        parts.executions.pop(exec_id, None)
    mounting.give_back(parts, container, volumes=volumes)
