# SPDX-License-Identifier: Apache-2.0
"""A compose file -> a Heat template of our types, by the Compose Specification (compose-spec/compose-spec). Pure.

What one engine and a stack cannot express is refused: the text names the key.
"""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from heat_container import names
from heat_container.compose import document, service
from heat_container.compose.interpolation import Variables
from heat_container.compose.project import Project, name_of
from heat_container.compose.values import flag, known, listed, pairs, said, table, text, wrong
from nova_container import errors

_TOP = ('version', 'name', 'services', 'networks', 'volumes', 'configs', 'secrets')
_NETWORK = ('name', 'driver', 'driver_opts', 'internal', 'attachable', 'enable_ipv6', 'ipam', 'labels', 'external')
_VOLUME = ('name', 'driver', 'driver_opts', 'labels', 'external')
_POOL = ('subnet', 'ip_range', 'gateway', 'aux_addresses')
_TOLD = ('id', 'name', 'ip_address', 'ports')
_VERSION = '2021-04-16'


@dataclasses.dataclass(frozen=True, slots=True)
class Nested:
    """A template, and the values of its hidden parameters."""

    template: Mapping[str, Any]
    parameters: Mapping[str, str]


def nested(content: str, *, variables: Mapping[str, str] | None = None, secrets: Mapping[str, str] | None = None,
           files: Mapping[str, str] | None = None, profiles: Collection[str] = (),
           endpoint: str | None = None) -> Nested:
    """The stack that a compose file describes.

    :param variables: for what the file leaves open.
    :param secrets: such as do not get into the text of the template.
    :param files: texts by the paths that the file names.
    :param endpoint: of every resource; None is the operator's default.
    :raises InvalidRequest: it is no compose file, or a key cannot be expressed.
    """
    given = Variables(variables or {}, secrets)
    wanted = known(given.filled(document.parsed(content), ''), '', _TOP)
    project = Project(wanted, given, files or {}, endpoint, frozenset(profiles))
    if not project.active:
        raise errors.InvalidRequest('services: the compose file has none that is active')
    project.counts = {name: service.count_of(project, name) for name in project.active}
    project.waited = service.waited_for(project)
    resources: dict[str, Any] = {}
    for name in project.active:
        resources.update(service.resources_of(project, name))
    for name in sorted(project.used_networks):
        resources[name_of('network', name)] = _network(project, name)
    for name in sorted(project.used_volumes):
        resources[name_of('volume', name)] = _volume(project, name)
    return Nested(_template(project, resources), project.hidden)


def _template(project: Project, resources: Mapping[str, Any]) -> dict[str, Any]:
    hidden = {name: {'type': 'string', 'hidden': True} for name in sorted(project.hidden)}
    services = {name: [{told: {'get_attr': [one, told]} for told in _TOLD} for one in project.containers_of(name)]
                for name in project.active}
    kinds = {'networks': ('network', project.used_networks), 'volumes': ('volume', project.used_volumes)}
    made = {output: {name: {'get_resource': name_of(kind, name)} for name in sorted(used)}
            for output, (kind, used) in kinds.items()}
    outputs = {name: {'value': value} for name, value in {'services': services, **made}.items()}
    return {'heat_template_version': _VERSION, **({'parameters': hidden} if hidden else {}),
            'resources': resources, 'outputs': outputs}


def _network(project: Project, name: str) -> dict[str, Any]:
    where = f'networks.{name}'
    given = known(project.networks[name], where, _NETWORK)
    props: dict[str, Any] = {}
    for key in ('name', 'driver'):
        if given.get(key):
            props[key] = text(given[key], f'{where}.{key}')
    for key in ('internal', 'attachable', 'enable_ipv6'):
        if key in given:
            props[key] = flag(given[key], f'{where}.{key}')
    if given.get('driver_opts'):
        props['options'] = said(pairs(given['driver_opts'], f'{where}.driver_opts'))
    ipam = known(given.get('ipam'), f'{where}.ipam', ('driver', 'config'))
    if ipam.get('driver', 'default') != 'default':
        raise wrong(f'{where}.ipam.driver', 'a stack knows the driver default')
    pools = [_pool(item, f'{where}.ipam.config') for item in listed(ipam.get('config'), f'{where}.ipam.config')]
    if pools:
        props['ipam'] = {'pools': pools}
    return _resource(project, 'Network', {**props, **_labels(given, where)})


def _pool(value: Any, where: str) -> dict[str, Any]:
    given = known(value, where, _POOL)
    if not given.get('subnet'):
        raise wrong(where, 'a range of addresses needs subnet')
    return {key: dict(table(item, where)) if key == 'aux_addresses' else text(item, where)
            for key, item in given.items()}


def _volume(project: Project, name: str) -> dict[str, Any]:
    where = f'volumes.{name}'
    given = known(project.volumes[name], where, _VOLUME)
    props: dict[str, Any] = {key: text(given[key], f'{where}.{key}') for key in ('name', 'driver') if given.get(key)}
    if given.get('driver_opts'):
        props['driver_opts'] = said(pairs(given['driver_opts'], f'{where}.driver_opts'))
    return _resource(project, 'Volume', {**props, **_labels(given, where)})


def _labels(given: Mapping[str, Any], where: str) -> dict[str, Any]:
    labels = said(pairs(given.get('labels'), f'{where}.labels'))
    return {'labels': labels} if labels else {}


def _resource(project: Project, kind: str, props: Mapping[str, Any]) -> dict[str, Any]:
    return {'type': names.type_name(kind), 'properties': project.placed(props)}
