# SPDX-License-Identifier: Apache-2.0
"""What clients of a listener may ask for, decided on the contract's values by lists of what is allowed. Pure.

The levels are those of the Kubernetes Pod Security Standards: privileged is everything, baseline keeps a container from
its host, restricted asks for less than Docker's defaults. A field that no rule names must have its default: what the
contract learns tomorrow is not allowed today.
"""

import dataclasses
import enum
from collections.abc import Callable, Iterable, Mapping

from nova_container import errors
from nova_container.engine import (
    ContainerInfo, ContainerSpec, ExecSpec, Mount, MountKind, NetworkMode, NetworkSpec, Resources, Security, Sharing)
from nova_container.engine.network import Endpoint, Network
from nova_container.engine.registry import BuildSpec
from nova_container.engine.volume import Volume, VolumeInfo


class Level(enum.Enum):
    """What a listener lets its clients do."""

    RESTRICTED = 'restricted'
    BASELINE = 'baseline'
    PRIVILEGED = 'privileged'


# Docker's defaults (moby profiles, oci/caps/defaults.go)
CAPABILITIES = frozenset((
    'CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID', 'SETUID', 'SETFCAP', 'SETPCAP',
    'NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE'))
# Safe ones by the Pod Security Standards: each is of the container's own namespace
SYSCTLS = frozenset((
    'kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.ip_unprivileged_port_start',
    'net.ipv4.tcp_syncookies', 'net.ipv4.ping_group_range', 'net.ipv4.ip_local_reserved_ports',
    'net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl',
    'net.ipv4.tcp_keepalive_probes'))
ULIMITS = frozenset(('rtprio', 'rttime', 'nice'))
"""Never: by these a process goes before those of the host (setrlimit(2)), whatever its control group."""
MEMORY_OPTIONS = frozenset((
    'rw', 'ro', 'noexec', 'nosuid', 'nodev', 'noatime', 'nodiratime', 'relatime', 'strictatime', 'size', 'mode', 'uid',
    'gid', 'nr_inodes', 'nr_blocks'))
"""Of a tmpfs."""
LOG_OPTIONS = frozenset(('labels', 'env', 'tag'))
"""No regular expressions: one that takes for ever to match would hold up the engine for all."""
NETWORK_OPTIONS = frozenset((
    'com.docker.network.driver.mtu', 'com.docker.network.bridge.enable_icc',
    'com.docker.network.bridge.enable_ip_masquerade'))


def _any(spec: ContainerSpec) -> bool:
    return True


_BASELINE: Mapping[str, Callable[[ContainerSpec], bool]] = {
    **dict.fromkeys((
        'name', 'image', 'process', 'hostname', 'domainname', 'restart', 'labels', 'shm_bytes',
        'init', 'auto_remove', 'health', 'no_health', 'volumes_from', 'volumes', 'exposed_ports', 'shell',
        'on_build'), _any),
    'log': lambda spec: spec.log.options.keys() <= LOG_OPTIONS,
    'resources': lambda spec: _resources(spec.resources), 'mounts': lambda spec: all(map(_mount, spec.mounts)),
    'security': lambda spec: _security(spec.security), 'network': lambda spec: _network(spec.network),
    'sharing': lambda spec: _sharing(spec.sharing), 'sysctls': lambda spec: spec.sysctls.keys() <= SYSCTLS,
    'oom_score_adj': lambda spec: spec.oom_score_adj >= 0,
    'ulimits': lambda spec: not {limit.name for limit in spec.ulimits} & ULIMITS,
}
"""What a container may be by ``baseline``. Never here: devices, device rules, control groups, runtimes, annotations."""

_RESTRICTED: Mapping[str, Callable[[ContainerSpec], bool]] = {
    **_BASELINE,
    'security': lambda spec: _security(spec.security) and spec.security.no_new_privileges and not (
        spec.security.cap_add or spec.security.groups),
    'network': lambda spec: _network(spec.network) and not (spec.network.ports or spec.network.publish_all),
    'sharing': lambda spec: spec.sharing == Sharing(), 'volumes_from': lambda spec: not spec.volumes_from,
    'sysctls': lambda spec: not spec.sysctls, 'oom_score_adj': lambda spec: spec.oom_score_adj == 0,
}
_RULES = {Level.BASELINE: _BASELINE, Level.RESTRICTED: _RESTRICTED}
_DEFAULT = ContainerSpec(name='', image='')


def check_container(level: Level, spec: ContainerSpec) -> None:
    """:raises Denied: the text names the field."""
    if level is Level.PRIVILEGED:
        return
    rules = _RULES[level]
    for field in dataclasses.fields(spec):
        allowed = rules.get(field.name)
        value = getattr(spec, field.name)
        if not (value == getattr(_DEFAULT, field.name) if allowed is None else allowed(spec)):
            raise errors.Denied(f'{field.name}: the policy {level.value} of this listener does not allow it'
                                f'{_why(spec, field.name)}')


def check_running(level: Level, info: ContainerInfo) -> None:
    """Whether a container that is there may be entered, joined or changed. :raises Denied:"""
    if level is Level.PRIVILEGED:
        return
    check_container(level, info.spec)
    if any(mount.kind is MountKind.BIND for mount in info.mounts):
        raise errors.Denied(f'mounts: container {info.name} sees a folder of the host, which the policy {level.value} '
                            'of this listener does not allow')


def check_volume(level: Level, volume: Volume) -> None:
    """:raises Denied: it would show something of the host or the network."""
    if level is not Level.PRIVILEGED and not _volume(volume):
        raise errors.Denied(f'volume: the policy {level.value} of this listener allows no driver but local, and no '
                            'type but tmpfs')


def check_known_volume(level: Level, info: VolumeInfo) -> None:
    """Whether a volume that is there may be mounted. :raises Denied:"""
    check_volume(level, info.spec)


def check_network(level: Level, network: Network) -> None:
    """:raises Denied: it would take over an interface of the host."""
    if level is Level.PRIVILEGED:
        return
    if network.driver != 'bridge' or not network.options.keys() <= NETWORK_OPTIONS:
        raise errors.Denied(f'network: the policy {level.value} of this listener allows the driver bridge only, and of '
                            f'its options {", ".join(sorted(NETWORK_OPTIONS))}')
    if network.config_only or network.config_from:
        raise errors.Denied(f'network: the policy {level.value} of this listener allows no configuration of networks, '
                            'as it may hold other options')


def check_endpoint(level: Level, endpoint: Endpoint) -> None:
    """:raises Denied:"""
    if level is not Level.PRIVILEGED and not _endpoint(endpoint):
        raise errors.Denied(f'endpoint: the policy {level.value} of this listener allows no options of drivers, and no '
                            'link-local addresses, by which a container could answer for a metadata service')


def check_exec(level: Level, spec: ExecSpec) -> None:
    """:raises Denied: it would have more privileges than its container."""
    if level is not Level.PRIVILEGED and spec.privileged:
        raise errors.Denied(f'privileged: the policy {level.value} of this listener allows no privileged exec')


def check_build(level: Level, spec: BuildSpec) -> None:
    """:raises Denied: its steps would be in the network of the host, or there is to be no build."""
    if level is Level.RESTRICTED or (level is Level.BASELINE and spec.network not in ('', 'default', 'none')):
        raise errors.Denied(f'build: the policy {level.value} of this listener does not allow it')


def check_limits(level: Level, limits: Resources) -> None:
    """:raises Denied:"""
    if level is not Level.PRIVILEGED and not _resources(limits):
        raise errors.Denied(f'resources: the policy {level.value} of this listener allows neither real-time scheduling '
                            'nor a container that cannot be killed')


def _resources(limits: Resources) -> bool:
    return not (limits.oom_kill_disable or limits.realtime_runtime_us or limits.realtime_period_us
                or (limits.pids_limit is not None and limits.pids_limit <= 0))  # dockerd: 0 is no limit


def _mount(mount: Mount) -> bool:
    if mount.kind is MountKind.VOLUME:
        return mount.volume is None or _volume(mount.volume)
    return mount.kind is MountKind.TMPFS and _words(mount.options) <= MEMORY_OPTIONS


def _volume(volume: Volume) -> bool:
    return volume.driver in ('', 'local') and (
        not volume.options or (volume.options.get('type') == 'tmpfs' and volume.options.get('device') == 'tmpfs'
                               and not {'bind', 'rbind', 'move', 'remount', 'suid', 'dev', 'exec', 'loop'}
                               & _words((volume.options.get('o', ''),))))


def _words(options: Iterable[str]) -> set[str]:
    """The names of options, of which one text may hold several."""
    return {word.partition('=')[0].strip() for option in options for word in option.split(',')}


def _security(security: Security) -> bool:
    added = {name.upper().removeprefix('CAP_') for name in security.cap_add}
    plain = dataclasses.replace(
        security, cap_add=(), cap_drop=(), no_new_privileges=True, read_only_root=False, groups=())
    return plain == Security() and added <= CAPABILITIES


def _network(network: NetworkSpec) -> bool:
    return network.mode is not NetworkMode.HOST and all(map(_endpoint, network.endpoints))


def _endpoint(endpoint: Endpoint) -> bool:
    return not (endpoint.options or endpoint.link_local)


def _sharing(sharing: Sharing) -> bool:
    joined = dataclasses.replace(sharing, pid='', ipc='', cgroup='')
    return joined == Sharing() and 'host' not in (sharing.pid, sharing.ipc, sharing.cgroup)


def _why(spec: ContainerSpec, field: str) -> str:
    """What is wrong in the fields that hold much."""
    if field == 'mounts' and any(mount.kind is MountKind.BIND for mount in spec.mounts):
        return ': it binds a folder of the host; use a volume'
    if field == 'security' and spec.security.privileged:
        return ': it is privileged'
    if field == 'network' and spec.network.mode is NetworkMode.HOST:
        return ': it shares the network of the host'
    if field == 'network' and any(endpoint.link_local for endpoint in spec.network.endpoints):
        return ': by a link-local address it could answer for a metadata service'
    return ''
