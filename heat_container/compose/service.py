# SPDX-License-Identifier: Apache-2.0
"""One service of a compose file -> the resources of its containers. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from heat_container.compose import keys, mounts, ports
from heat_container.compose.project import Project, name_of
from heat_container.compose.values import flag, known, listed, number, pairs, size, table, text, texts, whole, wrong

_OWN = ('environment', 'env_file', 'ports', 'volumes', 'tmpfs', 'networks', 'network_mode', 'links', 'volumes_from',
        'depends_on', 'secrets', 'configs', 'deploy', 'scale', 'profiles', 'mac_address')
_MOST = 100
_STATES = {'service_started': 'running', 'service_healthy': 'healthy', 'service_completed_successfully': 'exited'}
_NAMED = re.compile(r'[a-zA-Z0-9._-]+')


def resources_of(project: Project, name: str) -> dict[str, Any]:
    """Each container by the name of its resource. :raises InvalidRequest: a key cannot be expressed."""
    where = f'services.{name}'
    if not _NAMED.fullmatch(name):
        raise wrong(where, 'the name of a service has letters, digits, dots, dashes and underscores')
    given = known(project.services[name], where, (*keys.SIMPLE, *_OWN))
    if not given.get('image'):
        raise wrong(where, 'a service needs image')
    props: dict[str, Any] = {}
    for key, made in keys.SIMPLE.items():
        if given.get(key) is not None:
            props.update(made(given[key], f'{where}.{key}'))
    for part in (_environment, _storage, _network, _files, _deploy):
        props.update(part(project, name, given, where))
    _resolve_joins(project, props, where)
    props['wait_for'] = project.waited.get(name, 'running')
    count = _count(given, where)
    if count > 1:
        _check_alone(given, props, where)
    resource = {'type': project.type_name('Container'), 'properties': project.placed(props)}
    after = sorted({one for other in _before(project, given, where) for one in project.containers_of(other)})
    if after:
        resource['depends_on'] = after
    return {name_of('service', name, number): resource for number in range(1, count + 1)}


def count_of(project: Project, name: str) -> int:
    """How many containers a service has."""
    where = f'services.{name}'
    return _count(table(project.services[name], where), where)


def waited_for(project: Project) -> dict[str, str]:
    """What others wait for, by the service that they wait for. :raises InvalidRequest: two contradict each other."""
    found: dict[str, str] = {}
    for name in project.active:
        where = f'services.{name}.depends_on'
        for other, state in _conditions(project, project.services[name].get('depends_on'), where).items():
            if {found.get(other), state} == {'healthy', 'exited'}:
                raise wrong(where, f'one service waits until {other} is healthy, another until it has ended; '
                                   'a resource completes once')
            if found.get(other, 'running') == 'running':
                found[other] = state
    return found


def _conditions(project: Project, value: Any, where: str) -> dict[str, str]:
    """The state in which each dependency is to be."""
    if isinstance(value, list):
        found = dict.fromkeys(texts(value, where), 'running')
    else:
        found = {}
        for name, item in table(value, where).items():
            given = known(item, f'{where}.{name}', ('condition', 'required'))
            condition = given.get('condition', 'service_started')
            if condition not in _STATES:
                raise wrong(f'{where}.{name}.condition', f'{condition!r} is not {", ".join(_STATES)}')
            if name in project.active or flag(given.get('required', True), f'{where}.{name}.required'):
                found[name] = _STATES[condition]
    for name in found:
        if name not in project.active:
            raise wrong(where, f'there is no service {name}, or its profile is not active')
    return found


def _before(project: Project, given: Mapping[str, Any], where: str) -> set[str]:
    """Services that must be there first."""
    links = {one.partition(':')[0] for one in texts(given.get('links'), where)}
    for one in links - set(project.active):
        raise wrong(f'{where}.links', f'there is no service {one}')
    return set(_conditions(project, given.get('depends_on'), f'{where}.depends_on')) | links


def _environment(project: Project, name: str, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    plain: dict[str, str] = {}
    for path, required in _env_files(given.get('env_file'), f'{where}.env_file'):
        plain.update(project.env_file(path, required, f'{where}.env_file'))
    hidden: dict[str, Any] = {}
    for key, value in pairs(given.get('environment'), f'{where}.environment').items():
        variable = (key if key in project.variables.secret else '') if value is None else project.variables.named(value)
        found = value if value is not None or variable else project.variables.value(key)
        plain.pop(key, None)
        if variable:
            hidden[key] = {'get_param': project.parameter(variable)}
        elif found is not None:
            plain[key] = found
    return {**({'environment': plain} if plain else {}), **({'secret_environment': hidden} if hidden else {})}


def _env_files(value: Any, where: str) -> list[tuple[str, bool]]:
    found = []
    for item in [value] if isinstance(value, str) else listed(value, where):
        if isinstance(item, Mapping):
            given = known(item, where, ('path', 'required'))
            found.append((text(given.get('path', ''), where), flag(given.get('required', True), where)))
        else:
            found.append((text(item, where), True))
    return found


def _storage(project: Project, name: str, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    found, anonymous = mounts.mounts_of(given.get('volumes'), f'{where}.volumes', lambda volume: project.volume_ref(
        volume, f'{where}.volumes'))
    found += mounts.tmpfs_of(given.get('tmpfs'), f'{where}.tmpfs')
    props: dict[str, Any] = {}
    if found:
        props['mounts'] = found
    if anonymous:
        props['anonymous_volumes'] = anonymous
    if given.get('volumes_from'):
        props['volumes_from'] = [_from(project, one, f'{where}.volumes_from')
                                 for one in texts(given['volumes_from'], f'{where}.volumes_from')]
    return props


def _from(project: Project, given: str, where: str) -> Any:
    kind, _, rest = given.partition(':')
    if kind == 'container':
        return rest
    return project.joined(kind, where, '{}' + (f':{rest}' if rest else ''))


def _network(project: Project, name: str, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if given.get('ports'):
        found['ports'] = ports.ports_of(given['ports'], f'{where}.ports')
    mode = given.get('network_mode')
    if mode:
        if given.get('networks'):
            raise wrong(f'{where}.network_mode', 'give this or networks')
        return {**found, **_mode(project, text(mode, where), f'{where}.network_mode')}
    found['networks'] = project.endpoints_of(name, given.get('networks'), f'{where}.networks')
    if given.get('mac_address'):
        found['networks'][0]['mac_address'] = text(given['mac_address'], where)
    links = [one for one in texts(given.get('links'), where) if ':' in one]
    if links:
        found['links'] = [project.joined(one.partition(':')[0], f'{where}.links', '{}:' + one.partition(':')[2])
                          for one in links]
    return found


def _mode(project: Project, mode: str, where: str) -> dict[str, Any]:
    kind, _, other = mode.partition(':')
    if mode == 'bridge':
        return {}
    if mode in ('none', 'host') or kind == 'container':
        return {'network_mode': mode}
    if kind == 'service':
        return {'network_mode': project.joined(other, where, 'container:{}')}
    raise wrong(where, f'{mode!r} is not none, host, bridge, service:NAME or container:NAME')


def _resolve_joins(project: Project, props: dict[str, Any], where: str) -> None:
    for key in ('ipc_mode', 'pid_mode'):
        kind, _, other = str(props.get(key, '')).partition(':')
        if kind == 'service':
            props[key] = project.joined(other, f'{where}.{key.removesuffix("_mode")}', 'container:{}')


def _files(project: Project, name: str, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    found = [project.file_of(kind, item, f'{where}.{kind}') for kind in ('configs', 'secrets')
             for item in listed(given.get(kind), f'{where}.{kind}')]
    return {'files': found} if found else {}


def _deploy(project: Project, name: str, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """What of ``deploy`` is about one engine. Labels of a service have no place: its containers have ``labels``."""
    where = f'{where}.deploy'
    deploy = known(given.get('deploy'), where, ('replicas', 'mode', 'resources', 'restart_policy'))
    if deploy.get('mode', 'replicated') not in ('replicated',):
        raise wrong(f'{where}.mode', 'a stack knows replicated; OS::Docker::Service knows all modes of a swarm')
    resources = known(deploy.get('resources'), f'{where}.resources', ('limits', 'reservations'))
    limits = known(resources.get('limits'), f'{where}.resources.limits', ('cpus', 'memory', 'pids'))
    reserved = known(resources.get('reservations'), f'{where}.resources.reservations', ('memory',))
    found: dict[str, Any] = {}
    for key, form, prop, source in (('cpus', number, 'cpus', limits), ('memory', size, 'memory', limits),
                                    ('pids', whole, 'pids_limit', limits),
                                    ('memory', size, 'memory_reservation', reserved)):
        if key in source:
            found[prop] = form(source[key], f'{where}.resources')
    if 'restart_policy' in deploy:
        found['restart_policy'] = _restart(deploy['restart_policy'], f'{where}.restart_policy')
    return found


def _restart(value: Any, where: str) -> dict[str, Any]:
    given = known(value, where, ('condition', 'max_attempts'))
    names = {'none': 'no', 'on-failure': 'on-failure', 'any': 'always'}
    condition = given.get('condition', 'any')
    if condition not in names:
        raise wrong(f'{where}.condition', f'{condition!r} is not none, on-failure or any')
    found: dict[str, Any] = {'name': names[condition]}
    if 'max_attempts' in given:
        if condition != 'on-failure':
            raise wrong(f'{where}.max_attempts', 'an engine counts with the condition on-failure only')
        found['maximum_retry_count'] = whole(given['max_attempts'], f'{where}.max_attempts')
    return found


def _count(given: Mapping[str, Any], where: str) -> int:
    deploy = table(given.get('deploy'), f'{where}.deploy')
    asked = {whole(value, where) for value in (given.get('scale'), deploy.get('replicas')) if value is not None}
    if len(asked) > 1:
        raise wrong(f'{where}.scale', 'this contradicts deploy.replicas')
    count = asked.pop() if asked else 1
    if not 0 <= count <= _MOST:
        raise wrong(where, f'a service has 0 to {_MOST} containers')
    return count


def _check_alone(given: Mapping[str, Any], props: Mapping[str, Any], where: str) -> None:
    """What only one container can have."""
    if props.get('name'):
        raise wrong(f'{where}.container_name', 'more than one container cannot have it')
    for port in props.get('ports', ()):
        if port.get('host_port') and not port.get('host_port_end'):
            raise wrong(f'{where}.ports', f'more than one container cannot have port {port["host_port"]} of the host; '
                                          'give a range, or leave it to the engine')
    for network in props.get('networks', ()):
        if any(network.get(key) for key in ('ipv4_address', 'ipv6_address', 'mac_address', 'link_local_ips')):
            raise wrong(f'{where}.networks', 'more than one container cannot have one address')
