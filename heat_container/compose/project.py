# SPDX-License-Identifier: Apache-2.0
"""What services of a compose file refer to: networks, volumes, files, variables and each other. Pure."""

from collections.abc import Mapping
from typing import Any

from heat_container import names
from heat_container.compose.interpolation import Variables
from heat_container.compose.values import flag, known, pairs, said, table, text, texts, whole, wrong

DEFAULT = 'default'
_FOLDERS = {'configs': '/', 'secrets': '/run/secrets/'}


def name_of(kind: str, name: str, number: int | None = None) -> str:
    """The name of a resource."""
    return f'{kind}_{name}' if number is None else f'{kind}_{name}_{number}'


class Project:
    """A compose file with its variables filled in.

    :param files: texts by the paths that the file names them with.
    """

    def __init__(self, document: Mapping[str, Any], variables: Variables, files: Mapping[str, str], endpoint: Any,
                 profiles: frozenset[str]) -> None:
        self.variables, self.files, self.endpoint = variables, files, endpoint
        self.services = {name: table(item, f'services.{name}') for name, item in table(
            document.get('services'), 'services').items() if not name.startswith('x-')}
        self.networks = {DEFAULT: None, **table(document.get('networks'), 'networks')}
        self.volumes = table(document.get('volumes'), 'volumes')
        self.sources = {kind: table(document.get(kind), kind) for kind in _FOLDERS}
        self.active = [name for name, item in self.services.items() if not item.get('profiles') or profiles & set(
            texts(item['profiles'], f'services.{name}.profiles'))]
        self.hidden: dict[str, str] = {}
        """Hidden parameters of the nested stack, and their values."""
        self.used_networks: set[str] = set()
        self.used_volumes: set[str] = set()
        self.waited: Mapping[str, str] = {}
        self.counts: Mapping[str, int] = {}

    @staticmethod
    def type_name(kind: str) -> str:
        return names.type_name(kind)

    def placed(self, props: Mapping[str, Any]) -> dict[str, Any]:
        """With the endpoint."""
        return {**props, **({'endpoint': self.endpoint} if self.endpoint else {})}

    def parameter(self, variable: str) -> str:
        """The hidden parameter of the nested stack that holds a secret variable."""
        name = f'secret_{variable}'
        self.hidden[name] = self.variables.secret[variable]
        return name

    def containers_of(self, service: str) -> list[str]:
        """The names of its resources."""
        return [name_of('service', service, number) for number in range(1, self.counts[service] + 1)]

    def joined(self, service: str, where: str, form: str) -> dict[str, Any]:
        """``form`` with the id of the container of another service."""
        if service not in self.active:
            raise wrong(where, f'there is no service {service}')
        found = self.containers_of(service)
        if len(found) != 1:
            raise wrong(where, f'{service} has {len(found)} containers, and not one')
        return {'str_replace': {'template': form.replace('{}', '%id%'), 'params': {
            '%id%': {'get_resource': found[0]}}}}

    def endpoints_of(self, service: str, value: Any, where: str) -> list[dict[str, Any]]:
        """The property ``networks``: every container is found by the name of its service."""
        wanted = dict.fromkeys(texts(value, where)) if isinstance(value, list) else dict(table(value, where))
        found = []
        for name, item in sorted((wanted or {DEFAULT: None}).items(), key=lambda pair: -_priority(pair[1], where)):
            given = known(item, f'{where}.{name}', (
                'aliases', 'ipv4_address', 'ipv6_address', 'mac_address', 'link_local_ips', 'driver_opts', 'priority',
                'gw_priority'))
            endpoint: dict[str, Any] = {'network': self.network_ref(name, where), 'aliases': [
                service, *texts(given.get('aliases'), f'{where}.{name}.aliases')]}
            for key in ('ipv4_address', 'ipv6_address', 'mac_address'):
                if given.get(key):
                    endpoint[key] = text(given[key], f'{where}.{name}.{key}')
            if given.get('link_local_ips'):
                endpoint['link_local_ips'] = texts(given['link_local_ips'], f'{where}.{name}.link_local_ips')
            if given.get('gw_priority'):
                endpoint['gateway_priority'] = whole(given['gw_priority'], f'{where}.{name}.gw_priority')
            if given.get('driver_opts'):
                endpoint['driver_options'] = said(pairs(given['driver_opts'], f'{where}.{name}.driver_opts'))
            found.append(endpoint)
        return found

    def network_ref(self, name: str, where: str) -> Any:
        return _reference('network', self.networks, self.used_networks, name, where)

    def volume_ref(self, name: str, where: str) -> Any:
        return _reference('volume', self.volumes, self.used_volumes, name, where)

    def file_of(self, kind: str, value: Any, where: str) -> dict[str, Any]:
        """One of the property ``files``."""
        given = known({'source': value} if isinstance(value, str) else value, where, (
            'source', 'target', 'uid', 'gid', 'mode'))
        source = text(given.get('source', ''), where)
        if source not in self.sources[kind]:
            raise wrong(where, f'{source!r} is not among the {kind} of the file')
        target = text(given.get('target', source), where)
        found: dict[str, Any] = {'path': target if target.startswith('/') else _FOLDERS[kind] + target,
                                 'content': self._content(kind, source)}
        for key in ('uid', 'gid'):
            if key in given:
                found[key] = whole(given[key], f'{where}.{key}')
        mode = given.get('mode', '0444')
        return {**found, 'mode': f'{mode:04o}' if isinstance(mode, int) else text(mode, where)}

    def env_file(self, path: str, required: bool, where: str) -> dict[str, str]:
        """NAME=VALUE lines; a comment begins with #, quotes around a value go."""
        if path not in self.files:
            if not required:
                return {}
            raise wrong(where, f'{path!r} is not among the files of the resource')
        found = {}
        for line in self.files[path].splitlines():
            name, equals, value = line.strip().removeprefix('export ').partition('=')
            if not name or name.startswith('#'):
                continue
            value = value.strip()
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in '\'"'
            if equals:
                found[name.strip()] = value[1:-1] if quoted else value.partition(' #')[0].rstrip()
            elif (known_value := self.variables.value(name)) is not None:
                found[name] = known_value
        return found

    def _content(self, kind: str, name: str) -> Any:
        where = f'{kind}.{name}'
        given = known(self.sources[kind][name], where, ('file', 'content', 'environment', 'name'))
        sources = [key for key in ('file', 'content', 'environment') if given.get(key) is not None]
        if len(sources) != 1:
            raise wrong(where, 'one of file, content and environment is needed')
        value = text(given[sources[0]], where)
        if sources == ['content']:
            return {'get_param': self.parameter(found)} if (found := self.variables.named(value)) else value
        if sources == ['file']:
            if value not in self.files:
                raise wrong(f'{where}.file', f'{value!r} is not among the files of the resource')
            return self._hidden_file(name, value) if kind == 'secrets' else self.files[value]
        if value in self.variables.secret:
            return {'get_param': self.parameter(value)}
        if kind == 'secrets':
            raise wrong(f'{where}.environment', f'{value} is to be in secret_environment of the resource, which Heat '
                                                'keeps encrypted')
        plain = self.variables.value(value)
        if plain is None:
            raise wrong(f'{where}.environment', f'the variable {value} is not set')
        return plain

    def _hidden_file(self, name: str, path: str) -> dict[str, str]:
        self.hidden[f'file_{name}'] = self.files[path]
        return {'get_param': f'file_{name}'}


def _priority(item: Any, where: str) -> int:
    given = item.get('priority', 0) if isinstance(item, Mapping) else 0
    return whole(given, f'{where}.priority')


def _reference(kind: str, known: Mapping[str, Any], used: set[str], name: str, where: str) -> Any:
    """What stands for a network or volume of the file, which is used now; an external one is its own name."""
    if name not in known:
        raise wrong(where, f'the {kind} {name} is not among the {kind}s of the file')
    given = table(known[name], f'{kind}s.{name}')
    if _is_external(given, f'{kind}s.{name}'):
        return text(given.get('name', name), f'{kind}s.{name}.name')
    used.add(name)
    return {'get_resource': name_of(kind, name)}


def _is_external(given: Mapping[str, Any], where: str) -> bool:
    return flag(given.get('external', False), f'{where}.external')
