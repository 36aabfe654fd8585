# SPDX-License-Identifier: Apache-2.0
"""A pod comes to be, changes member by member, and goes."""

import dataclasses
import threading
from collections.abc import Mapping
from typing import Any

from heat.engine import resource as heat_resource

from heat_container import names, ownership
from heat_container.resources.base import DockerResource
from heat_container.resources.container import making, waiting
from heat_container.resources.container.steps import Waits, beside
from heat_container.resources.pod import members, replacement
from heat_container.schema.container.properties import RESOURCES
from heat_container.translate import limits, networks
from heat_container.translate import pod as translate
from nova_container import errors
from nova_container.engine import ContainerInfo, Engine, Resources
from nova_container.engine.network import Endpoint

Properties = Mapping[str, Any]


def make(pod: DockerResource, props: Properties) -> Waits:
    """What holds the shared, then the init containers in order, then the members."""
    engine = pod.engine()
    infra = yield from members.make_infra(pod, props)
    replacement.make_way(pod)
    engine.start(infra)
    yield from _fill(pod, props, engine.inspect(infra))


def change(pod: DockerResource, before: Properties, after: Properties) -> Waits:
    """Make anew what differs or is gone; if what holds the shared does not run, everything that shares it."""
    engine = pod.engine()
    members.check_networks(pod, after)
    infra = engine.inspect(pod.resource_id)
    pod.check_owner(infra.labels)
    _change_networks(engine, infra, networks.endpoints_of(_joined(before)), networks.endpoints_of(_joined(after)))
    restart = translate.infra_restart(after)
    if restart != infra.spec.restart:
        engine.update(infra.id, Resources(), restart)
    there = members.of(pod)
    wanted = {one['name'] for one in (*after['init_containers'], *after['containers'])}
    for name in there.keys() - wanted - {members.INFRA}:
        yield from _remove(pod, there[name])
    if not infra.status.alive:
        for name in there.keys() & wanted:
            yield from _remove(pod, there[name])
        engine.start(infra.id)
        yield from _fill(pod, after, engine.inspect(infra.id))
        return
    yield from _members(pod, after, infra, {one['name']: one for one in before['containers']})


def remove(pod: DockerResource, props: Properties) -> Waits:
    """Members, then what held the shared, then its volumes; silent about what is gone."""
    engine, there = pod.engine(), members.of(pod)
    infra = there.pop(members.INFRA, None)
    for info in there.values():
        yield from _remove(pod, info)
    if infra is not None:
        engine.remove(infra.id, force=True)
    name = props['name'] or pod.physical_name()
    if any(info.name == name for info in engine.list()):
        return  # the pod that replaces this one has its name, and so its volumes
    for volume in props['volumes']:
        engine.remove_volume(translate.volume_name(name, volume))


def is_well(member: Properties, info: ContainerInfo | None) -> str:
    """'' if a member is as it should be; else a sentence about what is wrong."""
    if info is None:
        return f'Container {member["name"]} of the pod is gone.'
    wrong = waiting.as_it_should_be(info, started=True, expected=member['expected_exit_codes'])
    return f'{member["name"]}: {wrong}' if wrong else ''


def _fill(pod: DockerResource, props: Properties, infra: ContainerInfo) -> Waits:
    """Run the init containers, and make and start the members."""
    for one in props['init_containers']:
        member = translate.member_properties(props, one, init=True)
        made = yield from members.make(pod, props, member, infra)
        yield from making.start(pod, made, member, _secret(pod, member))
    yield from _members(pod, props, infra, {})


def _members(pod: DockerResource, props: Properties, infra: ContainerInfo, before: Mapping[str, Properties]) -> Waits:
    """All are started before the first is waited for, as they may need each other."""
    engine, there = pod.engine(), members.of(pod)
    started = []
    for one in props['containers']:
        member = translate.member_properties(props, one)
        info = there.get(one['name'])
        if info is not None and not is_well(member, info) and _is_changed_in_place(pod, before, member, info):
            continue
        if info is not None:
            yield from _remove(pod, info)
        made = yield from members.make(pod, props, member, infra)
        engine.start(made)
        started.append((made, member))
    yield
    for made, member in started:
        yield from making.wait(pod, made, member, _secret(pod, member))


def _is_changed_in_place(pod: DockerResource, before: Mapping[str, Properties], member: Properties,
                         info: ContainerInfo) -> bool:
    """Whether it is what it should be now: it was, or its limits could be changed."""
    if members.digests(pod).get(member['name']) != translate.digest_of(member):
        return False
    wanted, restart = limits.resources_of(member), limits.restart_of(member)
    changed = _changed(wanted, info.spec.resources)
    if _lost(before.get(member['name'], {}), member):
        return False
    if not changed and restart == info.spec.restart:
        return True
    engine = pod.engine()
    engine.update(info.id, Resources(**changed), restart if restart != info.spec.restart else None)
    found = engine.inspect(info.id)
    return not _changed(wanted, found.spec.resources) and found.spec.restart == restart


def _changed(wanted: Resources, found: Resources) -> dict[str, Any]:
    """What is asked for and is not there."""
    return {field.name: getattr(wanted, field.name) for field in dataclasses.fields(Resources)
            if getattr(wanted, field.name) not in (None, (), False)
            and getattr(wanted, field.name) != getattr(found, field.name)}


def _lost(before: Properties, after: Properties) -> bool:
    """Whether a limit is taken away, which no engine can do."""
    return any(before.get(name) is not None and after[name] is None for name in RESOURCES)


def _remove(pod: DockerResource, info: ContainerInfo) -> Waits:
    """Stop it as it asked to be, and remove it."""
    engine = pod.engine()

    def work(given_up: threading.Event) -> None:
        try:
            engine.stop(info.id)
        except errors.ContainerNotFound:
            return
        engine.remove(info.id, force=True)
    yield from beside(pod, work)
    members.forget(pod, info.labels.get(names.POD_MEMBER, ''))


def _secret(pod: DockerResource, member: Properties) -> tuple[str, ...]:
    return tuple(members.secrets_of(pod, member).values())


def _joined(props: Properties) -> dict[str, Any]:
    return {'networks': props['networks'], 'links': None}


def _change_networks(engine: Engine, infra: ContainerInfo, before: tuple[Endpoint, ...],
                     after: tuple[Endpoint, ...]) -> None:
    """Leave what is wanted no more or otherwise, join what is new; networks that others joined are left alone."""
    inside = {one.network_id for one in infra.endpoints}
    wanted = {engine.inspect_network(one.network).id: one for one in after}
    for one in before:
        try:
            found = engine.inspect_network(one.network).id
        except errors.NetworkNotFound:
            continue
        now = wanted.get(found)
        if found in inside and (now is None or dataclasses.replace(now, network=one.network) != one):
            engine.disconnect(infra.id, found)
            inside.discard(found)
    for network_id, one in wanted.items():
        if network_id not in inside:
            engine.connect(infra.id, dataclasses.replace(one, network=network_id))
    lacking = wanted.keys() - {one.network_id for one in engine.inspect(infra.id).endpoints}
    if lacking:
        raise heat_resource.UpdateReplace(infra.name)


def check_labels(props: Properties) -> None:
    """:raises InvalidSpec: a label says whose something is."""
    for one in (props, *props['init_containers'], *props['containers']):
        ownership.merged({str(name): str(value) for name, value in (one['labels'] or {}).items()},
                         {name: '' for name in names.OWN_LABELS})
