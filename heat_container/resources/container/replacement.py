# SPDX-License-Identifier: Apache-2.0
"""A container makes room for the one that replaces it, and comes back if that fails.

Heat makes the new one first. So the old one gives up its name at once, and, just before the new one is made, what only
one can have: it is stopped, and leaves the networks in which it has a fixed address. It keeps its files, and so is as
it was when it is started again.
"""

import contextlib
import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

from heat_container import names
from heat_container.resources.base import DockerResource
from nova_container import errors
from nova_container.engine import ContainerInfo, Engine, MountKind
from nova_container.engine.network import Endpoint

_KEPT = 'set_aside'
_ASIDE = re.compile(r'\.replaced\.[0-9a-f]{12}$')


def set_aside(resource: DockerResource) -> None:
    """Take its name from it, and remember how it was. Repeatable; silent if it is gone."""
    info = _find(resource.engine(), resource.resource_id)
    if info is None or _ASIDE.search(info.name):
        return
    resource.data_set(_KEPT, json.dumps({'name': info.name, 'alive': info.status.alive, 'endpoints': [
        dataclasses.asdict(one) for one in _asked(info)]}))
    resource.engine().rename(info.id, _aside(info))


def make_way(resource: DockerResource, strategy: str) -> None:
    """Before a new one is made: stop those that it replaces, if the strategy says so."""
    if resource.stack.action == resource.stack.CREATE or strategy == 'create_first':
        return
    engine, own = resource.engine(), resource.own_labels()
    labels = {key: own[key] for key in (names.STACK_ID, names.RESOURCE)}
    for info in engine.list(labels=labels):
        if _ASIDE.search(info.name) and not resource.is_mine(info.labels) and (
                strategy == 'stop_first' or has_what_only_one_can_have(info)):
            _leave(engine, info)


def bring_back(resource: DockerResource, *, convergence: bool) -> None:
    """Undo ``set_aside`` after the replacement failed: the old one gets its name back and runs as before."""
    with resource.replacement(convergence) as (old, failed_id):
        before = _find(old.engine(), old.resource_id) if old is not None else None
        failed = _find(resource.engine(), failed_id)
        if failed is not None and (before is None or failed.id != before.id):
            if before is not None:
                _leave(resource.engine(), failed)
            if not _ASIDE.search(failed.name):
                resource.engine().rename(failed.id, _aside(failed))
        if old is not None and before is not None:
            _restore(old.engine(), old, before)


def has_what_only_one_can_have(info: ContainerInfo) -> bool:
    """A port of the host, a fixed address, or a volume that it writes to."""
    return (any(port.host_port for port in info.spec.network.ports) or any(map(_is_fixed, _asked(info)))
            or any(mount.kind is MountKind.VOLUME and mount.source and not mount.read_only
                   for mount in info.spec.mounts))


def _leave(engine: Engine, info: ContainerInfo) -> None:
    """Stop it; addresses that are its own are free then."""
    engine.stop(info.id)
    for one in filter(_is_fixed, _asked(info)):
        with contextlib.suppress(errors.NotFound):
            engine.disconnect(info.id, one.network)


def _restore(engine: Engine, old: DockerResource, info: ContainerInfo) -> None:
    kept: dict[str, Any] = json.loads(old.data().get(_KEPT, '{}'))
    if not kept:
        return
    if info.name != kept['name']:
        engine.rename(info.id, kept['name'])
    inside = {one.network_id for one in info.endpoints}
    for one in map(_endpoint, kept['endpoints']):
        if one.network not in inside:
            with contextlib.suppress(errors.NetworkNotFound):
                engine.connect(info.id, one)
    if kept['alive']:
        engine.start(info.id)
    old.data_delete(_KEPT)


def _asked(info: ContainerInfo) -> tuple[Endpoint, ...]:
    """What it wants of each network that it is in, by the network's id."""
    return tuple(dataclasses.replace(one.wanted or Endpoint(network=one.network_id, aliases=one.aliases),
                                     network=one.network_id) for one in info.endpoints)


def _is_fixed(endpoint: Endpoint) -> bool:
    return bool(endpoint.ipv4 or endpoint.ipv6 or endpoint.mac)


def _endpoint(kept: Mapping[str, Any]) -> Endpoint:
    return Endpoint(**{**kept, 'aliases': tuple(kept['aliases']), 'links': tuple(kept['links'])})


def _aside(info: ContainerInfo) -> str:
    return f'{info.name[:100]}.replaced.{info.id[:12]}'


def _find(engine: Engine, container: str | None) -> ContainerInfo | None:
    try:
        return engine.inspect(container) if container else None
    except errors.ContainerNotFound:
        return None
