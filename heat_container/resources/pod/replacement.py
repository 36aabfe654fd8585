# SPDX-License-Identifier: Apache-2.0
"""A pod makes room for the one that replaces it, and comes back if that fails."""

import json

from heat_container import names
from heat_container.resources.base import DockerResource
from heat_container.resources.container.replacement import has_what_only_one_can_have
from heat_container.resources.pod import members
from nova_container.engine import ContainerInfo, Engine

_KEPT = 'set_aside'
_MARK = '.replaced.'


def set_aside(pod: DockerResource) -> None:
    """Take their names from its containers, and remember who ran. Repeatable."""
    engine, there = pod.engine(), members.of(pod)
    if not there or any(_MARK in info.name for info in there.values()):
        return
    pod.data_set(_KEPT, json.dumps({info.id: [info.name, info.status.alive] for info in there.values()}))
    for info in there.values():
        _rename(engine, info)


def make_way(pod: DockerResource) -> None:
    """Before the new one starts: stop the old one if it has what only one can have."""
    if pod.stack.action == pod.stack.CREATE:
        return
    engine, own = pod.engine(), pod.own_labels()
    old = [info for info in engine.list(labels={key: own[key] for key in (names.STACK_ID, names.RESOURCE)})
           if _MARK in info.name and not pod.is_mine(info.labels)]
    if any(map(has_what_only_one_can_have, old)):
        _stop(engine, old)


def bring_back(pod: DockerResource, *, convergence: bool) -> None:
    """Undo ``set_aside`` after the replacement failed."""
    with pod.replacement(convergence) as (old, failed_id):
        if old is None:
            return
        engine = old.engine()
        failed = _siblings(pod.engine(), failed_id) if failed_id and failed_id != old.resource_id else []
        _stop(pod.engine(), failed)
        for info in failed:
            if _MARK not in info.name:
                _rename(pod.engine(), info)
        kept: dict[str, tuple[str, bool]] = json.loads(old.data().get(_KEPT, '{}'))
        there = [info for _name, info in sorted(members.of(old).items())]  # what holds the shared sorts first
        for info in there:
            if info.id in kept and info.name != kept[info.id][0]:
                engine.rename(info.id, kept[info.id][0])
        for info in there:
            if kept.get(info.id, ('', False))[1]:
                engine.start(info.id)
        old.data_delete(_KEPT)


def _siblings(engine: Engine, infra_id: str) -> list[ContainerInfo]:
    """The containers of the pod that failed."""
    found = [info for info in engine.list() if info.id == infra_id]
    if not found:
        return []
    uuid = found[0].labels.get(names.RESOURCE_UUID, '')
    return list(engine.list(labels={names.RESOURCE_UUID: uuid})) if uuid else found


def _stop(engine: Engine, those: list[ContainerInfo]) -> None:
    """What holds the shared last."""
    for info in sorted(those, key=lambda one: one.labels.get(names.POD_MEMBER) == members.INFRA):
        engine.stop(info.id)


def _rename(engine: Engine, info: ContainerInfo) -> None:
    engine.rename(info.id, f'{info.name[:100]}{_MARK}{info.id[:12]}')
