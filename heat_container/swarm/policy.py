# SPDX-License-Identifier: Apache-2.0
"""What a service may ask of a swarm that projects share, by lists of what is allowed in the produced body. Pure.

Services run on every node and no engine behind keeps projects apart, so the type itself needs the level privileged or
the rule ``docker:create:swarm``. With that rule alone the body is judged still: a key that is on no list is denied.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nova_container import errors
from nova_container.docker import policy
from nova_container.docker.policy import Level

Granted = Callable[[str], bool]
_TASK_FIELDS = frozenset(('ContainerSpec', 'Resources', 'RestartPolicy', 'Placement', 'ForceUpdate', 'Networks'))
_CONTAINER_FIELDS = frozenset((
    'Image', 'Command', 'Args', 'Env', 'Dir', 'User', 'TTY', 'OpenStdin', 'StopSignal', 'StopGracePeriod', 'Init',
    'Hostname', 'Labels', 'ReadOnly', 'Hosts', 'DNSConfig', 'HealthCheck', 'Secrets', 'Configs', 'CapabilityDrop'))
_ALLOWED: Mapping[str, tuple[str, str, Callable[[Any], bool]]] = {
    'CapabilityAdd': ('cap_add', 'cap_add', lambda names: {
        one.upper().removeprefix('CAP_') for one in names} <= policy.CAPABILITIES),
    'Sysctls': ('sysctls', 'sysctl_unsafe', lambda wanted: wanted.keys() <= policy.SYSCTLS),
    'Ulimits': ('ulimits', 'realtime', lambda limits: not {one['Name'] for one in limits} & policy.ULIMITS),
    'Groups': ('group_add', 'groups', lambda groups: False),
}
"""Fields of which a part is allowed to all: the property, the feature that allows the rest, and whether it is that."""
_TOP_FIELDS = frozenset(('Name', 'Labels', 'Mode', 'UpdateConfig', 'RollbackConfig'))


def check_type(level: Level, granted: Granted) -> None:
    """:raises Denied: who asks may make nothing in a swarm."""
    if level is not Level.PRIVILEGED and not granted('swarm'):
        raise errors.Denied(f'The policy {level.value} of this endpoint allows no service, secret or config of a '
                            'swarm; the operator may allow it by docker:create:swarm')


def check_service(level: Level, spec: Mapping[str, Any], granted: Granted, project_id: str,
                  host_ports: range = range(1024, 65536)) -> None:
    """:raises Denied: the text names the field of the body and the rule that would help."""
    check_type(level, granted)
    if level is Level.PRIVILEGED:
        return
    for field, feature in _beyond(spec, project_id, host_ports):
        if not feature or not granted(feature):
            helps = f'; the operator may allow it by docker:create:{feature}' if feature else ''
            raise errors.Denied(f'{field}: the policy {level.value} of this endpoint does not allow it{helps}')


def _beyond(spec: Mapping[str, Any], project_id: str, host_ports: range) -> Iterator[tuple[str, str]]:
    """Each field that is not allowed to all, and the feature that allows it, '' if none does."""
    for name, value in spec.items():
        if name == 'TaskTemplate':
            yield from _task(value, project_id)
        elif name == 'EndpointSpec':
            yield from _ports(value, host_ports)
        elif name not in _TOP_FIELDS:
            yield name, ''


def _task(task: Mapping[str, Any], project_id: str) -> Iterator[tuple[str, str]]:
    for name, value in task.items():
        if name == 'ContainerSpec':
            yield from _container(value, project_id)
        elif name == 'Networks':
            if any(one.keys() - {'Target', 'Aliases'} for one in value):
                yield 'networks.driver_options', 'network_driver'
        elif name not in _TASK_FIELDS:
            yield {'LogDriver': 'log_driver'}.get(name, name), ''
    if task.get('Resources', {}).get('Limits', {}).get('Pids', 1) <= 0:
        yield 'pids_limit', 'unlimited_pids'


def _container(container: Mapping[str, Any], project_id: str) -> Iterator[tuple[str, str]]:
    for name, value in container.items():
        if name in _ALLOWED:
            field, feature, is_allowed = _ALLOWED[name]
            if not is_allowed(value):
                yield field, feature
        elif name == 'Mounts':
            for mount in value:
                yield from _mount(mount, project_id)
        elif name not in _CONTAINER_FIELDS:
            yield name, ''


def _mount(mount: Mapping[str, Any], project_id: str) -> Iterator[tuple[str, str]]:
    """A node makes a named volume that it has not, and shows what it has: names are of projects."""
    kind, known = mount['Type'], {'Type', 'Source', 'Target', 'ReadOnly'}
    if kind == 'tmpfs' and not mount.keys() - known - {'TmpfsOptions'}:
        return
    if kind != 'volume' or mount.keys() - known - {'VolumeOptions'}:
        yield 'mounts', 'bind_mount' if kind == 'bind' else ''
        return
    if mount.get('VolumeOptions', {}).keys() - {'NoCopy', 'Labels'}:
        yield 'mounts.volume_driver', 'volume_driver_opts'
    if mount.get('Source') and not mount['Source'].startswith(f'{project_id}-'):
        yield f'mounts.volume {mount["Source"]} does not begin with {project_id}-', ''


def _ports(endpoint: Mapping[str, Any], allowed: range) -> Iterator[tuple[str, str]]:
    if endpoint.keys() - {'Mode', 'Ports'}:
        yield 'EndpointSpec', ''
    for port in endpoint.get('Ports', ()):
        if not allowed or port.get('PublishedPort', allowed.start) not in allowed:
            yield f'ports: {port.get("PublishedPort", "any")}', 'host_port'
