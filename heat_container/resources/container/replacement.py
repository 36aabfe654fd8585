# SPDX-License-Identifier: Apache-2.0
"""A container makes room for the one that replaces it, and comes back if that fails.

Heat makes the new one first. So the old one gives up its name at once, and, just before the new one starts, what only
one can have: it is stopped. It keeps its files, and so is as it was when it is started again.
"""

import json
import re
from typing import Any

from heat_container import names
from heat_container.resources.base import DockerResource
from nova_container import errors
from nova_container.engine import ContainerInfo, Engine, MountKind

_KEPT = 'set_aside'
_ASIDE = re.compile(r'\.replaced\.[0-9a-f]{12}$')


def set_aside(resource: DockerResource) -> None:
    """Take its name from it, and remember how it was. Repeatable; silent if it is gone."""
    info = _find(resource.engine(), resource.resource_id)
    if info is None or _ASIDE.search(info.name):
        return
    resource.data_set(_KEPT, json.dumps({'name': info.name, 'alive': info.status.alive}))
    resource.engine().rename(info.id, f'{info.name[:100]}.replaced.{info.id[:12]}')


def make_way(resource: DockerResource, strategy: str) -> None:
    """Before a new one starts: stop those that it replaces, if the strategy says so."""
    if resource.stack.action == resource.stack.CREATE or strategy == 'create_first':
        return
    engine, own = resource.engine(), resource.own_labels()
    labels = {key: own[key] for key in (names.STACK_ID, names.RESOURCE)}
    for info in engine.list(labels=labels):
        if info.status.alive and _ASIDE.search(info.name) and not resource.is_mine(info.labels) and (
                strategy == 'stop_first' or has_what_only_one_can_have(info)):
            engine.stop(info.id)


def bring_back(resource: DockerResource, *, convergence: bool) -> None:
    """Undo ``set_aside`` after the replacement failed: the old one gets its name back and runs as before."""
    old, failed_id = resource.replacement(convergence)
    engine = resource.engine()
    before = _find(old.engine(), old.resource_id) if old is not None else None
    failed = _find(engine, failed_id)
    if failed is not None and (before is None or failed.id != before.id):
        if before is not None:
            engine.stop(failed.id)
        if not _ASIDE.search(failed.name):
            engine.rename(failed.id, f'{failed.name[:100]}.replaced.{failed.id[:12]}')
    if old is not None and before is not None:
        _restore(old.engine(), old, before)


def has_what_only_one_can_have(info: ContainerInfo) -> bool:
    """A port of the host, a fixed address, or a volume that it writes to."""
    wanted = info.spec.network
    return (any(port.host_port for port in wanted.ports)
            or any(one.ipv4 or one.ipv6 or one.mac for one in _asked(info))
            or any(mount.kind is MountKind.VOLUME and mount.source and not mount.read_only
                   for mount in info.spec.mounts))


def _asked(info: ContainerInfo) -> tuple[Any, ...]:
    """What it wanted of networks when it was made, and later."""
    return (*info.spec.network.endpoints, *(one.wanted for one in info.endpoints if one.wanted is not None))


def _restore(engine: Engine, old: DockerResource, info: ContainerInfo) -> None:
    kept: dict[str, Any] = json.loads(old.data().get(_KEPT, '{}'))
    if not kept:
        return
    if info.name != kept['name']:
        engine.rename(info.id, kept['name'])
    if kept['alive']:
        engine.start(info.id)
    old.data_delete(_KEPT)


def _find(engine: Engine, container: str | None) -> ContainerInfo | None:
    try:
        return engine.inspect(container) if container else None
    except errors.ContainerNotFound:
        return None
