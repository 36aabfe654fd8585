# SPDX-License-Identifier: Apache-2.0
"""Properties of DockerInc::Docker::Container -> those of OS::Docker::Container. Pure.

The old words are those of docker-py 0.x, which it passed on: what that took is taken here.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from nova_container import errors

_SPEC = re.compile(r'(?:(?:(?P<ip>[0-9.]+):)?(?P<host>[0-9]*):)?(?P<port>[0-9]+)(?:/(?P<protocol>tcp|udp))?')
Json = dict[str, Any]


def modern(props: Mapping[str, Any]) -> Json:
    """What OS::Docker::Container would be asked for. :raises InvalidSpec: a port or a volume is in no known form."""
    if not props['image']:
        raise errors.InvalidSpec('image: name one')
    published, exposed = _ports(props['port_specs'] or (), props['port_bindings'] or {})
    mounts, anonymous = _volumes(props['volumes'] or {})
    restart = props['restart_policy'] or {}
    found = {
        'image': props['image'], 'name': props['name'] or None, 'hostname': props['hostname'] or None,
        'user': props['user'] or None, 'memory': props['memory'] or None, 'ports': published, 'exposed_ports': exposed,
        'privileged': props['privileged'], 'tty': props['tty'], 'open_stdin': props['open_stdin'],
        'stdin_once': props['stdin_once'], 'environment': dict(_variable(text) for text in props['env'] or ()),
        'command': list(props['cmd'] or ()) or None, 'dns': props['dns'], 'mounts': mounts,
        'anonymous_volumes': anonymous, 'volumes_from': list(filter(None, props['volumes_from'] or ())),
        'links': [f'{container}:{alias}' for container, alias in (props['links'] or {}).items()],
        'cap_add': props['cap_add'], 'cap_drop': props['cap_drop'], 'read_only': props['read_only'],
        'cpu_shares': props['cpu_shares'] or None, 'cpuset_cpus': props['cpu_set'] or None,
        'devices': [] if props['privileged'] else [
            {name: value for name, value in device.items() if value is not None} for device in props['devices'] or ()],
        'no_new_privileges': False, 'suspend_mode': 'stop', 'log_lines': 10000,
    }
    if restart.get('Name'):
        found['restart_policy'] = {'name': restart['Name'], 'maximum_retry_count': restart['MaximumRetryCount'] or 0}
    return {name: value for name, value in found.items() if value is not None}


def _variable(text: str) -> tuple[str, str]:
    name, _, value = text.partition('=')
    return name, value


def _ports(specs: Iterable[Any], bindings: Mapping[str, Any]) -> tuple[list[Json], list[str]]:
    """Those that the host shows, and those that are only exposed."""
    published: list[Json] = []
    exposed = []
    for spec in map(str, specs):
        found = _parsed(spec)
        exposed.append(f'{found["port"]}/{found["protocol"] or "tcp"}')
        if ':' in spec:
            published.append(_published(found, found['host'] or None, found['ip']))
    for inner, outer in bindings.items():
        found = _parsed(str(inner))
        for one in outer if isinstance(outer, list) else [outer]:
            published.append(_published(found, *_outer(one)))
    return published, list(dict.fromkeys(exposed))


def _parsed(spec: str) -> Mapping[str, str | None]:
    found = _SPEC.fullmatch(spec)
    if found is None:
        raise errors.InvalidSpec(f'port_specs, port_bindings: {spec[:80]} is not like 80, 53/udp or 8080:80')
    return found.groupdict()


def _published(found: Mapping[str, str | None], host_port: Any, host_ip: str | None) -> Json:
    port: Json = {'container_port': int(found['port'] or 0), 'protocol': found['protocol'] or 'tcp'}
    if host_port:
        port['host_port'] = int(host_port)
    if host_ip:
        port['host_ip'] = host_ip
    return port


def _outer(binding: Any) -> tuple[Any, str | None]:
    """A port of the host, and an address: ``8080``, ``127.0.0.1:8080``, or Docker's own words."""
    if isinstance(binding, Mapping):
        return binding.get('HostPort'), binding.get('HostIp')
    ip, _, port = str('' if binding is None else binding).rpartition(':')
    if port and not port.isdigit():
        raise errors.InvalidSpec(f'port_bindings: {port[:80]} is not a port of the host')
    return port, ip or None


def _volumes(wanted: Mapping[str, Any]) -> tuple[list[Json], list[str]]:
    """Mounts, and paths that get a new volume."""
    mounts: list[Json] = []
    anonymous = []
    for source, target in wanted.items():
        if not target:
            anonymous.append(source)
            continue
        how = target if isinstance(target, Mapping) else {'bind': target}
        if not isinstance(how.get('bind'), str):
            raise errors.InvalidSpec(f'volumes: {source[:80]} is to be a path inside, or a map with bind')
        mount: Json = {'target': how['bind'], 'read_only': bool(how.get('ro')) or how.get('mode') == 'ro'}
        mounts.append(mount | ({'type': 'bind', 'source': source, 'create_source': True} if source.startswith('/')
                               else {'type': 'volume', 'volume': source}))
    return mounts, anonymous
