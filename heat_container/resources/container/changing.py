# SPDX-License-Identifier: Apache-2.0
"""Updates in place: what an engine can change in a container that is there, looked at afterwards."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from heat.common import exception
from heat.common.i18n import _
from heat.engine import resource as heat_resource

from heat_container.resources.base import DockerResource
from heat_container.resources.container import files, making, removal, waiting
from heat_container.resources.container.steps import Waits
from heat_container.schema.container.properties import RESOURCES
from heat_container.translate import limits, networks
from nova_container import errors
from nova_container.engine import ContainerInfo, Engine, NetworkMode, Resources
from nova_container.engine.network import Endpoint
from nova_container.engine.undo import Undo, undo_on_error

Properties = Mapping[str, Any]


def needs_replacement(changed: Iterable[str], after: Properties, before: Properties) -> bool:
    """Whether something is asked for that no engine can do: to take a limit or a file away."""
    names = set(changed)
    if names & RESOURCES and _lost(limits.resources_of(before), limits.resources_of(after)):
        return True
    if 'files' in names:
        kept = {file['path'] for file in after['files'] or ()}
        return bool(after['read_only']) or any(file['path'] not in kept for file in before['files'] or ())
    return 'networks' in names and bool(after['network_mode'] or after['server'])


def change(resource: DockerResource, before: Properties, after: Properties, *, anew: bool) -> Waits:
    """Make the container what the properties say, by what it is and not by what it should have been.

    :param anew: whether files are looked at though they did not change: an update that failed may have written some.
    :raises UpdateReplace: the engine said yes and did not do it.
    """
    engine = resource.engine()
    making.check_versions(resource, after)
    info = engine.inspect(resource.resource_id)
    resource.check_owner(info.labels)
    name = after['name'] or (info.name if not before['name'] else resource.physical_name())
    with undo_on_error() as undo:
        if name != info.name:
            engine.rename(info.id, name)
            undo('name', lambda: engine.rename(info.id, info.name))
        _change_limits(engine, info, after, undo)
        if info.spec.network.mode is NetworkMode.MANAGED:
            _change_networks(engine, info, _endpoints(before), _endpoints(after), undo)
        _check(engine.inspect(info.id), name, after)
    written = [file for file in after['files'] or () if file not in (before['files'] or ())
               or (anew and not files.is_there(engine, info.id, file))]
    files.write(engine, info.id, written)
    if after['start'] and not info.status.alive and not _is_done(resource, info, before, after):
        yield from making.start(resource, info.id, after, tuple(making.secrets_of(
            resource, after['secret_environment']).values()))
    elif not after['start'] and info.status.alive:
        yield from removal.stop(resource, info, after)
    elif after['start'] and anew:
        yield from making.wait(resource, info.id, after)


def live_properties(resource: DockerResource, info: ContainerInfo, known: Properties) -> dict[str, Any]:
    """What the properties that change in place would say of the container: ``known`` where it is as that says."""
    engine, found = resource.engine(), dict[str, Any]()
    if known['name']:
        found['name'] = info.name
    found.update(_live_limits(info.spec.resources, known))
    if limits.restart_of(known) != info.spec.restart:
        found['restart_policy'] = {'name': info.spec.restart.name,
                                   'maximum_retry_count': info.spec.restart.maximum_retries}
    if info.spec.network.mode is NetworkMode.MANAGED and known['networks']:
        found['networks'] = [one for one in known['networks'] if _is_in(engine, info, one['network'])]
    if known['files'] and info.status.alive:
        found['files'] = [file for file in known['files'] if files.is_there(engine, info.id, file)]
    if known['start'] and not info.status.alive and not _is_done(resource, info, known, known):
        found['start'] = False
    elif not known['start'] and info.status.alive:
        found['start'] = True
    return found


def _live_limits(found: Resources, known: Properties) -> dict[str, Any]:
    told, wanted = limits.properties_of(found), limits.resources_of(known)
    mapped = {**limits.FIELDS, **{name: field for name, (field, _unit) in limits.DEVICES.items()}}
    different = {name: told[name] for name, field in mapped.items()
                 if name in RESOURCES and known[name] is not None and getattr(found, field) != getattr(wanted, field)}
    if known['cpus'] is not None and (found.cpu_quota_us, found.cpu_period_us) != (
            wanted.cpu_quota_us, wanted.cpu_period_us):
        different['cpus'] = told['cpus']
    return different


def _is_done(resource: DockerResource, info: ContainerInfo, before: Properties, after: Properties) -> bool:
    """Whether it was to run before as well, did its work, and ended as expected."""
    return bool(before['start'] and making.may_have_ended(resource, before) and info.exit is not None
                and waiting.is_over(info) and info.exit.code in after['expected_exit_codes'])


def _change_limits(engine: Engine, info: ContainerInfo, after: Properties, undo: Undo) -> None:
    wanted, found = limits.resources_of(after), info.spec.resources
    changed = {field.name: getattr(wanted, field.name) for field in dataclasses.fields(Resources)
               if getattr(wanted, field.name) not in (None, (), False)
               and getattr(wanted, field.name) != getattr(found, field.name)}
    restart = limits.restart_of(after)
    if not changed and restart == info.spec.restart:
        return
    if 'memory_bytes' in changed and wanted.memory_swap_bytes is None and (found.memory_swap_bytes or -1) > 0:
        changed['memory_swap_bytes'] = 2 * changed['memory_bytes']  # Docker's default, which it does not move along
    engine.update(info.id, Resources(**changed), restart if restart != info.spec.restart else None)
    undo('limits', lambda: engine.update(info.id, Resources(**{name: getattr(found, name) for name in changed}),
                                         info.spec.restart))


def _change_networks(engine: Engine, info: ContainerInfo, before: tuple[Endpoint, ...], after: tuple[Endpoint, ...],
                     undo: Undo) -> None:
    """Networks that others connected it to are left alone."""
    inside = {one.network_id for one in info.endpoints}
    known = {engine.inspect_network(one.network).id: one for one in before if _network_is_there(engine, one.network)}
    wanted = {engine.inspect_network(one.network).id: one for one in after}
    for network_id, one in known.items():
        if network_id in inside and not _is_same(wanted.get(network_id), one):
            engine.disconnect(info.id, network_id)
            inside.discard(network_id)
            undo('network', lambda network_id=network_id, one=one: engine.connect(  # type: ignore[misc]
                info.id, dataclasses.replace(one, network=network_id)))
    for network_id, one in wanted.items():
        if network_id not in inside:
            engine.connect(info.id, dataclasses.replace(one, network=network_id))
            undo('network', lambda network_id=network_id: engine.disconnect(info.id, network_id))  # type: ignore[misc]


def _check(info: ContainerInfo, name: str, after: Properties) -> None:
    """:raises UpdateReplace: an engine that says yes does not always do it (dockerd drops what it does not know)."""
    wanted = limits.resources_of(after)
    lacking = [field.name for field in dataclasses.fields(Resources)
               if getattr(wanted, field.name) not in (None, (), False)
               and getattr(wanted, field.name) != getattr(info.spec.resources, field.name)]
    if lacking or info.spec.restart != limits.restart_of(after) or info.name != name:
        raise heat_resource.UpdateReplace(name)
    if info.spec.network.mode is NetworkMode.MANAGED and len(info.endpoints) < len(_endpoints(after)):
        raise exception.Error(_('The container is not in all of its networks.'))


def _endpoints(props: Properties) -> tuple[Endpoint, ...]:
    return () if props['network_mode'] or props['server'] else networks.endpoints_of(props)


def _is_same(wanted: Endpoint | None, known: Endpoint) -> bool:
    """Whether the same is asked of a network, whatever it is called."""
    return wanted is not None and dataclasses.replace(wanted, network=known.network) == known


def _network_is_there(engine: Engine, network: str) -> bool:
    try:
        engine.inspect_network(network)
    except errors.NetworkNotFound:
        return False
    return True


def _is_in(engine: Engine, info: ContainerInfo, network: str) -> bool:
    return any(network in (one.network_id, one.network) for one in info.endpoints) or (
        _network_is_there(engine, network)
        and engine.inspect_network(network).id in {one.network_id for one in info.endpoints})


def _lost(before: Resources, after: Resources) -> bool:
    """Whether a limit is taken away, or one of a device."""
    for field in dataclasses.fields(Resources):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if isinstance(old, tuple):
            if {one.device for one in old} - {one.device for one in new}:
                return True
        elif old is not None and new is None:
            return True
    return False
