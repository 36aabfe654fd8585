# SPDX-License-Identifier: Apache-2.0
"""What a spec asks beyond the level of its endpoint, each part by the name of the rule that may allow it. Pure.

A level (nova_container.docker.policy) is a list of what is allowed. A rule ``docker:create:FEATURE`` lets some ask for
more: what it is about is then taken out of the spec that the level judges, and of that only. What no feature names
stays denied.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping

from nova_container import errors
from nova_container.docker import policy
from nova_container.docker.policy import Level
from nova_container.engine import ContainerSpec, ExecSpec, Mount, MountKind, NetworkMode
from nova_container.engine.network import Endpoint, Network
from nova_container.engine.volume import Volume

Without = Callable[[ContainerSpec], ContainerSpec]


def _security(**fields: object) -> Without:
    return lambda spec: dataclasses.replace(spec, security=dataclasses.replace(spec.security, **fields))


def _resources(**fields: object) -> Without:
    return lambda spec: dataclasses.replace(spec, resources=dataclasses.replace(spec.resources, **fields))


def _fields(**fields: object) -> Without:
    return lambda spec: dataclasses.replace(spec, **fields)


def _without_host(spec: ContainerSpec) -> ContainerSpec:
    sharing = dataclasses.replace(spec.sharing, **{
        field.name: '' for field in dataclasses.fields(spec.sharing) if getattr(spec.sharing, field.name) == 'host'})
    network = spec.network
    if network.mode is NetworkMode.HOST:
        network = dataclasses.replace(network, mode=NetworkMode.NAMESPACE)
    return dataclasses.replace(spec, sharing=sharing, network=network)


def _without_binds(spec: ContainerSpec) -> ContainerSpec:
    return dataclasses.replace(spec, mounts=tuple(one for one in spec.mounts if one.kind is not MountKind.BIND))


def _without_options(mount: Mount) -> Mount:
    """Options of tmpfs and drivers of volumes."""
    volume = None if mount.volume is None else dataclasses.replace(mount.volume, driver='local', options={})
    return dataclasses.replace(mount, volume=volume, options=())


def _without_volume_options(spec: ContainerSpec) -> ContainerSpec:
    return dataclasses.replace(spec, mounts=tuple(map(_without_options, spec.mounts)))


def _without_endpoint_options(spec: ContainerSpec) -> ContainerSpec:
    plain = tuple(dataclasses.replace(one, options={}) for one in spec.network.endpoints)
    return dataclasses.replace(spec, network=dataclasses.replace(spec.network, endpoints=plain))


def _without_link_local(spec: ContainerSpec) -> ContainerSpec:
    plain = tuple(dataclasses.replace(one, link_local=()) for one in spec.network.endpoints)
    return dataclasses.replace(spec, network=dataclasses.replace(spec.network, endpoints=plain))


def _without_ports(spec: ContainerSpec) -> ContainerSpec:
    return dataclasses.replace(spec, network=dataclasses.replace(spec.network, ports=(), publish_all=False))


def _without_priorities(spec: ContainerSpec) -> ContainerSpec:
    return dataclasses.replace(spec, ulimits=tuple(one for one in spec.ulimits if one.name not in policy.ULIMITS))


def _without_joins(spec: ContainerSpec) -> ContainerSpec:
    sharing = dataclasses.replace(spec.sharing, **{
        name: '' for name in ('pid', 'ipc') if getattr(spec.sharing, name).startswith('container:')})
    return dataclasses.replace(spec, sharing=sharing, volumes_from=())


CONTAINER: Mapping[str, Without] = {
    'privileged': _security(privileged=False),
    'host_namespace': _without_host,
    'bind_mount': _without_binds,
    'device': _fields(devices=(), device_rules=()),
    'cap_add': _security(cap_add=()),
    'groups': _security(groups=()),
    'security_opt': _security(seccomp_unconfined=False, masked_paths=None, read_only_paths=None,
                              no_new_privileges=True),
    'sysctl_unsafe': _fields(sysctls={}),
    'runtime': _fields(runtime=''),
    'cgroup': _fields(cgroup_parent=''),
    'annotations': _fields(annotations={}),
    'oom': lambda spec: _resources(oom_kill_disable=False)(_fields(oom_score_adj=0)(spec)),
    'realtime': lambda spec: _without_priorities(_resources(realtime_runtime_us=None, realtime_period_us=None)(spec)),
    'unlimited_pids': lambda spec: spec if (spec.resources.pids_limit or 0) > 0 else _resources(pids_limit=None)(spec),
    'volume_driver_opts': _without_volume_options,
    'network_driver': _without_endpoint_options,
    'link_local': _without_link_local,
    'host_port': _without_ports,
    'joining': _without_joins,
}
"""How a spec looks without a feature."""

GIVEN: Mapping[str, str] = {
    'privileged': 'all privileges of its host',
    'host_namespace': 'the network, processes, shared memory, names, users or control groups of its host',
    'bind_mount': 'a folder of its host',
    'device': 'devices of its host',
    'cap_add': "capabilities beyond Docker's own",
    'groups': 'further groups (at the level restricted)',
    'security_opt': 'system calls without a filter, or paths of /proc and /sys that others do not see; at the level '
                    'restricted also programs with set-user-ID',
    'sysctl_unsafe': 'kernel parameters that are not on the list of safe ones',
    'runtime': 'another OCI runtime',
    'cgroup': 'another control group to be in',
    'annotations': 'annotations for the OCI runtime',
    'oom': 'protection when memory is short',
    'realtime': 'real-time scheduling, or a priority before processes of its host',
    'unlimited_pids': 'any number of processes',
    'volume_driver_opts': 'volumes with other drivers, or with options but for memory; and other options of tmpfs',
    'network_driver': 'networks with other drivers or options, by which it may take over an interface of its host',
    'link_local': 'link-local addresses, by which it could answer for a metadata service',
    'host_port': 'ports of its host (at the level restricted)',
    'joining': 'processes, shared memory or volumes of other containers of the project (at the level restricted)',
}
"""What a feature gives."""

OTHERS: Mapping[str, str] = {
    'endpoint': 'use an engine of its own',
    'sidecar': 'put a container beside a server of its own',
    'exec_privileged': 'run a privileged command in a container',
    'build': 'build images where the level does not allow it, and with steps that fetch URLs or have the network of '
             'the engine',
    'swarm': 'make services, secrets and configs of a swarm where the level is not privileged',
}
"""Rules that are about no field of a container."""

ALL = (*CONTAINER, *OTHERS)
Granted = Callable[[str], bool]
"""Whether a rule allows its feature to who asks."""


def check_container(level: Level, spec: ContainerSpec, granted: Granted) -> tuple[str, ...]:
    """The features it has beyond the level. :raises Denied: the text names the field and the rules that would help."""
    if _passes(level, spec):
        return ()
    used = tuple(name for name, without in CONTAINER.items() if without(spec) != spec and _is_beyond(level, spec, name))
    plain = spec
    for name in used:
        if granted(name):
            plain = CONTAINER[name](plain)
    try:
        policy.check_container(level, plain)
    except errors.Denied as error:
        raise errors.Denied(f'{error}{_rules(name for name in used if not granted(name))}') from None
    return used


def _is_beyond(level: Level, spec: ContainerSpec, feature: str) -> bool:
    """Whether the level denies this feature of the spec: nothing else of it counts."""
    rest = spec
    for name, without in CONTAINER.items():
        if name != feature:
            rest = without(rest)
    return not _passes(level, rest)


def _passes(level: Level, spec: ContainerSpec) -> bool:
    try:
        policy.check_container(level, spec)
    except errors.Denied:
        return False
    return True


def check_entry(used: Iterable[str], granted: Granted) -> None:
    """Whether who asks may enter a container that has these features. :raises Denied:"""
    missing = [name for name in used if not granted(name)]
    if missing:
        raise errors.Denied(f'The container has more privileges than its endpoint allows to you{_rules(missing)}')


def check_volume(level: Level, volume: Volume, granted: Granted) -> None:
    """:raises Denied:"""
    if not granted('volume_driver_opts'):
        policy.check_volume(level, volume)


def check_network(level: Level, network: Network, granted: Granted) -> None:
    """:raises Denied:"""
    if not granted('network_driver'):
        policy.check_network(level, network)


def check_endpoint(level: Level, endpoint: Endpoint, granted: Granted) -> None:
    """:raises Denied:"""
    policy.check_endpoint(level, dataclasses.replace(
        endpoint, options={} if granted('network_driver') else endpoint.options,
        link_local=() if granted('link_local') else endpoint.link_local))


def check_exec(level: Level, spec: ExecSpec, granted: Granted) -> None:
    """:raises Denied:"""
    if not granted('exec_privileged'):
        policy.check_exec(level, spec)


def _rules(missing: Iterable[str]) -> str:
    wanted = ', '.join(f'docker:create:{name}' for name in missing)
    return f'; the operator may allow it by {wanted}' if wanted else ''
