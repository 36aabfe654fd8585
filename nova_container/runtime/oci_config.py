# SPDX-License-Identifier: Apache-2.0
"""From a ContainerSpec to the OCI runtime's config.json: pure, with Docker's defaults (moby daemon/pkg/oci, 2026-08).

Differences to Docker, on purpose: no_new_privileges and a limit of 2048 processes unless the spec says otherwise,
1024 open files (hard limit 524288) instead of what the engine has, and no working directory below /proc.
"""

import base64
import dataclasses
import os
import posixpath
import stat
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nova_container import errors
from nova_container.engine import spec as specs
from nova_container.engine import validate
from nova_container.runtime import capabilities, oci_sharing, users

#: Gives st_rdev and st_mode of a device's path: os.stat, or a fake in tests.
DeviceStat = Callable[[str], os.stat_result]
Json = dict[str, Any]

DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
DEFAULT_PIDS_LIMIT = 2048
_INIT_IN_DEV = '/dev/.nova-container-init'
_ETC = ('resolv.conf', 'hostname', 'hosts')

MASKED_PATHS = ('/proc/acpi', '/proc/asound', '/proc/interrupts', '/proc/kcore', '/proc/keys', '/proc/latency_stats',
                '/proc/sched_debug', '/proc/scsi', '/proc/timer_list', '/proc/timer_stats',
                '/sys/devices/virtual/powercap', '/sys/firmware')
READ_ONLY_PATHS = ('/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger')

#: null, zero, full, random, urandom, tty, console; the runtime adds /dev/pts and ptmx.
_CHARACTER_DEVICES = ((1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1))
_FUSE = (10, 229)
_OPEN_FILES = (1024, 524288)
_UNLIMITED = 2**64 - 1
#: PID_MAX_LIMIT of the kernel stands for no limit: crun 1.8.1 writes -1 as it is to cgroup v1, which refuses it.
_MOST_PIDS = 4194304


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """All that config.json follows from.

    ``image_config`` is the ``config`` object of the image (Docker's names). ``network_namespace`` is a path, None the
    host's. ``etc_dir`` holds hosts, hostname and resolv.conf. ``init_path`` is a static init on the host that takes
    ``-- command``. ``seccomp_bpf`` is for crun, ``seccomp_json`` for a runtime that compiles it itself; given both,
    crun takes the first and compiles nothing. ``host_capabilities``, ``host_devices`` (for privileged containers),
    ``host_masked_paths`` and ``host_open_files`` say what this host has. ``joined`` and ``shm_source`` are for
    ``oci_sharing``.
    """

    container_id: str
    spec: specs.ContainerSpec
    image_config: Mapping[str, Any]
    rootfs: str
    identity: users.Identity
    network_namespace: str | None
    etc_dir: str
    cgroup_path: str
    cgroup_version: int
    init_path: str | None = None
    seccomp_bpf: bytes | None = None
    seccomp_json: Mapping[str, Any] | None = None
    host_capabilities: frozenset[str] = capabilities.KNOWN
    host_devices: tuple[specs.Device, ...] = ()
    host_masked_paths: tuple[str, ...] = ()
    host_open_files: int = _OPEN_FILES[1]
    joined: Mapping[str, str] = dataclasses.field(default_factory=dict)
    shm_source: str | None = None


def config(bundle: Bundle, device_stat: DeviceStat = os.stat) -> Json:
    """config.json. :raises InvalidSpec: the image or spec asks for what cannot be, or a device is not there."""
    spec = bundle.spec
    made: Json = {
        'ociVersion': '1.0.2',
        'process': _process(bundle),
        'root': {'path': bundle.rootfs, 'readonly': spec.security.read_only_root},
        **({} if spec.sharing.uts else {'hostname': spec.hostname or bundle.container_id[:12]}),
        'mounts': mounts(bundle),
        'annotations': _annotations(bundle),
        'linux': _linux(bundle, device_stat),
    }
    return made


def exec_process(bundle: Bundle, exec_spec: specs.ExecSpec, identity: users.Identity) -> Json:
    """The process object of ``exec --process``. A privileged one gets every capability, not more (as in Docker)."""
    spec = bundle.spec
    allowed = bundle.host_capabilities if exec_spec.privileged else _capabilities(bundle)
    env = environment(dataclasses.replace(spec.process, tty=exec_spec.tty), bundle.image_config,
                      hostname=spec.hostname or bundle.container_id[:12], home=identity.home, over=exec_spec.env)
    return _process_object(
        bundle, args=exec_spec.command, env=env, identity=identity, allowed=allowed, tty=exec_spec.tty,
        cwd=exec_spec.cwd or working_dir(spec.process, bundle.image_config),
        no_new_privileges=spec.security.no_new_privileges and not exec_spec.privileged)


def process_args(process: specs.ProcessSpec, image_config: Mapping[str, Any]) -> tuple[str, ...]:
    """The command line, by Docker's rule: an own entrypoint drops the image's command. :raises InvalidSpec: none."""
    entrypoint, command = process.entrypoint, process.command
    if not entrypoint:
        command = command or tuple(image_config.get('Cmd') or ())
        if entrypoint is None:
            entrypoint = tuple(image_config.get('Entrypoint') or ())
    elif entrypoint == ('',):
        entrypoint = ()
    args = (*entrypoint, *(command or ()))
    if not args or not args[0]:
        raise errors.InvalidSpec('No command specified: neither the image nor the request names a program to run')
    validate.check_arguments('command', args)
    return args


def environment(process: specs.ProcessSpec, image_config: Mapping[str, Any], *, hostname: str, home: str,
                over: Iterable[str] = ()) -> list[str]:
    """NAME=value in a stable order: defaults, then the image's, the spec's and ``over``, each replacing by name.

    An entry without ``=`` takes the name away, as in Docker; one without a name is dropped.
    """
    found = {'PATH': DEFAULT_PATH, 'HOSTNAME': hostname, **({'TERM': 'xterm'} if process.tty else {}), 'HOME': home}
    for entry in (*(image_config.get('Env') or ()), *process.env, *over):
        name, equals, value = entry.partition('=')
        if equals and name:
            found[name] = value
        else:
            found.pop(name, None)
    made = [f'{name}={value}' for name, value in found.items()]
    validate.check_arguments('env', made)
    return made


def working_dir(process: specs.ProcessSpec, image_config: Mapping[str, Any]) -> str:
    """An absolute, normal path. :raises InvalidSpec: it is in /proc (CVE-2024-21626)."""
    chosen = process.cwd or image_config.get('WorkingDir') or '/'
    path = '/' + posixpath.normpath(posixpath.join('/', chosen)).lstrip('/')
    validate.check_cwd(path)
    return path


def mounts(bundle: Bundle) -> list[Json]:
    """The defaults that nobody mounts over, then the spec's and ours in /etc, parents first, then the init."""
    spec = bundle.spec
    own = {mount.target for mount in spec.mounts}
    made = [mount for mount in _default_mounts(bundle) if not _is_covered(mount['destination'], own)]
    added = [_mount(mount) for mount in spec.mounts]
    read_only = ('ro',) if spec.security.read_only_root else ()
    added += [_bind(f'{bundle.etc_dir}/{name}', f'/etc/{name}', 'rprivate', *read_only)
              for name in _ETC if f'/etc/{name}' not in own]
    made += sorted(added, key=lambda mount: mount['destination'].count('/'))
    if bundle.init_path:
        made.append(_bind(bundle.init_path, init_target(spec), 'rprivate', 'ro', 'nosuid', 'nodev'))
    return made


def init_target(spec: specs.ContainerSpec) -> str:
    """Where the init is seen inside: in the runtime's own /dev, so that a commit finds no trace of it."""
    return '/run/.nova-container-init' if any(mount.target == '/dev' for mount in spec.mounts) else _INIT_IN_DEV


def resources(limits: specs.Resources, cgroup_version: int, device_stat: DeviceStat = os.stat) -> Json:
    """``linux.resources`` but the devices: for config.json and for the runtime's ``update``."""
    version_1 = cgroup_version == 1
    swappiness = limits.memory_swappiness if version_1 and limits.memory_swappiness != -1 else None
    memory = _given(limit=limits.memory_bytes, reservation=limits.memory_reservation_bytes,
                    swap=limits.memory_swap_bytes, swappiness=swappiness,
                    disableOOMKiller=True if limits.oom_kill_disable and version_1 else None)
    cpu = _given(shares=limits.cpu_shares, quota=limits.cpu_quota_us, period=limits.cpu_period_us,
                 cpus=limits.cpuset_cpus, mems=limits.cpuset_mems, realtimePeriod=limits.realtime_period_us,
                 realtimeRuntime=limits.realtime_runtime_us)
    block_io = _given(weight=limits.blkio_weight,
                      weightDevice=_throttles(limits.weight_devices, device_stat, 'weight'),
                      throttleReadBpsDevice=_throttles(limits.read_bps, device_stat),
                      throttleWriteBpsDevice=_throttles(limits.write_bps, device_stat),
                      throttleReadIOPSDevice=_throttles(limits.read_iops, device_stat),
                      throttleWriteIOPSDevice=_throttles(limits.write_iops, device_stat))
    pids = DEFAULT_PIDS_LIMIT if limits.pids_limit is None else limits.pids_limit
    return _given(memory=memory or None, cpu=cpu or None, blockIO=block_io or None,
                  pids={'limit': _MOST_PIDS if pids < 0 else pids})


def _process(bundle: Bundle) -> Json:
    spec = bundle.spec
    args = process_args(spec.process, bundle.image_config)
    return _process_object(
        bundle, args=(init_target(spec), '--', *args) if bundle.init_path else args,
        env=environment(spec.process, bundle.image_config, hostname=spec.hostname or bundle.container_id[:12],
                        home=bundle.identity.home),
        identity=bundle.identity, allowed=_capabilities(bundle), tty=spec.process.tty,
        cwd=working_dir(spec.process, bundle.image_config), no_new_privileges=spec.security.no_new_privileges)


def _process_object(bundle: Bundle, *, args: Iterable[str], env: list[str], identity: users.Identity,
                    allowed: frozenset[str], tty: bool, cwd: str, no_new_privileges: bool) -> Json:
    bounding = sorted(allowed)
    # What execve would take from a user that is not root, the runtime need not have held before. Never inheritable:
    # CVE-2022-29162.
    held = bounding if identity.uid == 0 else []
    return {
        'terminal': tty, 'cwd': cwd, 'args': list(args), 'env': env,
        'user': {'uid': identity.uid, 'gid': identity.gid, 'additionalGids': list(identity.additional_gids)},
        'capabilities': {'bounding': bounding, 'effective': held, 'permitted': held, 'inheritable': [], 'ambient': []},
        'noNewPrivileges': no_new_privileges,
        'rlimits': _rlimits(bundle.spec.ulimits, bundle.host_open_files),
        'oomScoreAdj': bundle.spec.oom_score_adj,
    }


def _capabilities(bundle: Bundle) -> frozenset[str]:
    security = bundle.spec.security
    return capabilities.effective(security.cap_add, security.cap_drop, security.privileged, bundle.host_capabilities)


def _rlimits(ulimits: tuple[specs.Ulimit, ...], host_open_files: int) -> list[Json]:
    hard = min(_OPEN_FILES[1], host_open_files)
    given = {'nofile': (min(_OPEN_FILES[0], hard), hard), **{each.name: (each.soft, each.hard) for each in ulimits}}
    return [{'type': f'RLIMIT_{name.upper()}', 'soft': _UNLIMITED if soft == -1 else soft,
             'hard': _UNLIMITED if most == -1 else most} for name, (soft, most) in given.items()]


def _linux(bundle: Bundle, device_stat: DeviceStat) -> Json:
    spec, security = bundle.spec, bundle.spec.security
    devices = (*bundle.host_devices, *spec.devices) if security.privileged else spec.devices
    # One node a path: a later one, the caller's own, stands for an earlier one.
    nodes = {device.path_in_container: _node(device, device_stat) for device in devices}
    masked = (*MASKED_PATHS, *bundle.host_masked_paths) if security.masked_paths is None else security.masked_paths
    read_only = READ_ONLY_PATHS if security.read_only_paths is None else security.read_only_paths
    return _given(
        cgroupsPath=bundle.cgroup_path,
        namespaces=_namespaces(bundle),
        resources={'devices': [*_device_rules(security.privileged, spec.devices, nodes),
                               *map(oci_sharing.device_rule, spec.device_rules)],
                   **resources(spec.resources, bundle.cgroup_version, device_stat)},
        devices=list(nodes.values()),
        sysctl=_sysctls(spec, bundle.network_namespace is not None),
        maskedPaths=[] if security.privileged else list(masked),
        readonlyPaths=[] if security.privileged else list(read_only),
        rootfsPropagation=_root_propagation(spec.mounts),
        seccomp=dict(bundle.seccomp_json) if bundle.seccomp_json is not None and _is_confined(bundle) else None)


def _namespaces(bundle: Bundle) -> list[Json]:
    return oci_sharing.namespaces(bundle.spec.sharing, bundle.joined, bundle.network_namespace, bundle.cgroup_version)


def _sysctls(spec: specs.ContainerSpec, has_network: bool) -> dict[str, str]:
    """Docker's: in a network of its own any user may ping and open low ports."""
    defaults = {'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': '0 2147483647'}
    # The field ``domainname`` of config.json came with OCI 1.1; runc 1.1 ignores it.
    domain = {'kernel.domainname': spec.domainname} if spec.domainname else {}
    own_network = has_network and spec.network.mode in (specs.NetworkMode.NAMESPACE, specs.NetworkMode.MANAGED)
    return {**(defaults if own_network else {}), **domain, **spec.sysctls}


def _is_confined(bundle: Bundle) -> bool:
    """Whether a filter belongs to it. :raises HostFailure: it does, and there is none: never run without by mistake."""
    security = bundle.spec.security
    if security.privileged or security.seccomp_unconfined:
        return False
    if bundle.seccomp_bpf is None and bundle.seccomp_json is None:
        raise errors.HostFailure('There is no system call filter for this container, and it is not unconfined')
    return True


def _annotations(bundle: Bundle) -> dict[str, str]:
    own = dict(bundle.spec.annotations)
    if not _is_confined(bundle) or bundle.seccomp_bpf is None:
        return own
    return {**own, 'run.oci.seccomp_bpf_data': base64.b64encode(bundle.seccomp_bpf).decode()}


def _default_mounts(bundle: Bundle) -> list[Json]:
    read_only = [] if bundle.spec.security.privileged else ['ro']
    closed = ['nosuid', 'noexec', 'nodev']
    return [
        _tree('/proc', 'proc', 'proc', closed),
        _tree('/dev', 'tmpfs', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
        _tree('/dev/pts', 'devpts', 'devpts', [
            'nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5']),
        *oci_sharing.ipc_mounts(bundle.spec.sharing, bundle.spec.shm_bytes, bundle.shm_source),
        _tree('/sys', 'sysfs', 'sysfs', [*closed, *read_only]),
        _tree('/sys/fs/cgroup', 'cgroup', 'cgroup', [*closed, 'relatime', *read_only]),
    ]


def _tree(destination: str, kind: str, source: str, options: list[str]) -> Json:
    return {'destination': destination, 'type': kind, 'source': source, 'options': options}


def _bind(source: str, destination: str, *options: str) -> Json:
    return _tree(destination, 'bind', source, ['rbind', *options])


def _is_covered(destination: str, own: set[str]) -> bool:
    return destination in own or ('/dev' in own and destination.startswith('/dev/'))


def _mount(mount: specs.Mount) -> Json:
    if mount.kind is specs.MountKind.BIND:
        # rro (Linux 5.12): with ro alone, what is mounted below the source stays writable.
        mode = ('rro' if mount.read_only_below else 'ro',) if mount.read_only else ()
        # crun binds recursively for the r of rprivate, too.
        how = ('rbind', mount.propagation) if mount.recursive else ('bind', mount.propagation.removeprefix('r'))
        return _tree(mount.target, 'bind', mount.source, [*how, *mount.options, *mode])
    return _tree(mount.target, 'tmpfs', 'tmpfs', _tmpfs_options(mount))


def _tmpfs_options(mount: specs.Mount) -> list[str]:
    """noexec, nosuid and nodev unless the mount's own options say the opposite."""
    opposite = {'noexec': 'exec', 'nosuid': 'suid', 'nodev': 'dev'}
    made = [name for name, other in opposite.items() if other not in mount.options]
    made += [option for option in mount.options if option not in made]
    made += [] if mount.size_bytes is None else [f'size={mount.size_bytes}']
    made += [] if mount.mode is None else [f'mode={mount.mode:o}']
    return [*made, mount.propagation, *(['ro'] if mount.read_only else [])]


def _root_propagation(chosen: tuple[specs.Mount, ...]) -> str | None:
    wanted = {mount.propagation.removeprefix('r') for mount in chosen if mount.kind is specs.MountKind.BIND}
    return 'shared' if 'shared' in wanted else 'rslave' if 'slave' in wanted else None


def _device_rules(privileged: bool, asked: tuple[specs.Device, ...], nodes: Mapping[str, Json]) -> list[Json]:
    if privileged:
        return [{'allow': True, 'access': 'rwm'}]
    rules: list[Json] = [{'allow': False, 'access': 'rwm'}]
    rules += [_device_rule(True, 'c', *numbers, 'rwm') for numbers in _CHARACTER_DEVICES]
    rules.append(_device_rule(False, 'c', *_FUSE, 'rwm'))
    for device in asked:
        node = nodes[device.path_in_container]
        rules.append(_device_rule(True, node['type'], node['major'], node['minor'], device.permissions))
    return rules


def _device_rule(allow: bool, kind: str, major: int, minor: int, access: str) -> Json:
    return {'allow': allow, 'type': kind, 'major': major, 'minor': minor, 'access': access}


def _node(device: specs.Device, device_stat: DeviceStat) -> Json:
    found = _stat(device.path_on_host, device_stat)
    kind = 'b' if stat.S_ISBLK(found.st_mode) else 'c'
    return {'path': device.path_in_container, 'type': kind, 'major': os.major(found.st_rdev),
            'minor': os.minor(found.st_rdev), 'fileMode': stat.S_IMODE(found.st_mode), 'uid': found.st_uid,
            'gid': found.st_gid}


def _throttles(throttles: tuple[specs.Throttle, ...], device_stat: DeviceStat,
               what: str = 'rate') -> list[Json] | None:
    found = [(_stat(each.device, device_stat), each.rate) for each in throttles]
    return [{'major': os.major(device.st_rdev), 'minor': os.minor(device.st_rdev), what: rate}
            for device, rate in found] or None


def _stat(path: str, device_stat: DeviceStat) -> os.stat_result:
    try:
        found = device_stat(path)
    except OSError as error:
        raise errors.InvalidSpec(f'Device {path} cannot be used: {error.strerror}') from error
    if not (stat.S_ISBLK(found.st_mode) or stat.S_ISCHR(found.st_mode)):
        raise errors.InvalidSpec(f'{path} is not a device on this host')
    return found


def _given(**values: Any) -> Json:
    return {name: value for name, value in values.items() if value is not None}
