# SPDX-License-Identifier: Apache-2.0
"""Named checks over what callers ask for: pure, run in order, and the first that fails says what to change."""

import dataclasses
import posixpath
from collections.abc import Callable, Iterable

from nova_container import errors
from nova_container.engine import grammar, validate_networks
from nova_container.engine import spec as specs
from nova_container.engine.registry import BuildSpec
from nova_container.engine.volume import Volume

BUILD_LIMITS = ('memory_bytes', 'memory_swap_bytes', 'cpu_shares', 'cpu_quota_us', 'cpu_period_us', 'cpuset_cpus',
                'cpuset_mems')


def check(spec: specs.ContainerSpec) -> None:
    """Check every field of a container.

    :raises InvalidSpec: the text names the field and says what to change.
    """
    for check_one in CONTAINER_CHECKS:
        check_one(spec)
    check_resources(spec.resources)
    check_restart(spec.restart)


def check_exec(spec: specs.ExecSpec) -> None:
    """Check a further process. :raises InvalidSpec:"""
    _require(bool(spec.command) and bool(spec.command[0]), 'command: name the program to run')
    check_arguments('command', spec.command)
    check_env(spec.env)
    check_cwd(spec.cwd)
    check_user(spec.user)


def check_resources(resources: specs.Resources) -> None:
    """Check limits, at create and at update. :raises InvalidSpec:"""
    for check_one in RESOURCE_CHECKS:
        check_one(resources)


def check_restart(restart: specs.RestartPolicy) -> None:
    """Check a restart policy, at create and at update. :raises InvalidSpec:"""
    _require(restart.name in grammar.RESTART_POLICIES,
             f'restart: {restart.name!r} is not one of {", ".join(sorted(grammar.RESTART_POLICIES))}')
    _require(restart.maximum_retries >= 0, 'restart: maximum_retries must be 0 (no end) or more')
    _require(restart.maximum_retries == 0 or restart.name == 'on-failure',
             'restart: maximum_retries goes with on-failure only')


def check_name(name: str) -> None:
    """Check a container's name, at create and at rename. :raises InvalidSpec:"""
    _require(grammar.NAME.fullmatch(name) is not None and len(name) <= grammar.NAME_CHARACTERS,
             f'name: {_shown(name)} must start with a letter or digit, hold only letters, digits, "_", "." and "-", '
             f'and have at most {grammar.NAME_CHARACTERS} characters')


def check_arguments(field: str, arguments: Iterable[str]) -> None:
    """No NUL, and sizes the kernel takes. A NUL would cut an argument short unseen."""
    total = 0
    for argument in arguments:
        _require('\0' not in argument, f'{field}: {_shown(argument)} holds a NUL character')
        size = _size_bytes(field, argument)
        _require(size <= grammar.ARGUMENT_BYTES,
                 f'{field}: one item has {size} bytes, the kernel takes at most {grammar.ARGUMENT_BYTES}')
        total += size
    _require(total <= grammar.ARGUMENTS_BYTES, f'{field}: {total} bytes in all, at most {grammar.ARGUMENTS_BYTES}')


def check_env(env: Iterable[str]) -> None:
    """NAME=value, or NAME alone, of bounded size."""
    for entry in env:
        _require(grammar.ENV_NAME.fullmatch(entry.partition('=')[0]) is not None,
                 f'env: {_shown(entry)} must have the form NAME=value, or NAME to take one of the image away')
    check_arguments('env', env)


def check_cwd(cwd: str | None) -> None:
    """An absolute path, not in /proc."""
    if cwd is None:
        return
    _require(cwd.startswith('/') and '\0' not in cwd, f'cwd: {_shown(cwd)} must be an absolute path')
    # CVE-2024-21626: /proc/self/fd/N as the directory is a way out of the container.
    _require(not _is_below(posixpath.normpath(cwd), '/proc'), f'cwd: {_shown(cwd)} must not be in /proc')


def check_user(user: str | None) -> None:
    """name|uid[:group|gid]."""
    _require(not user or grammar.USER.fullmatch(user) is not None,
             f'user: {_shown(user or "")} must have the form [name|uid][:group|gid]')


def check_process(spec: specs.ContainerSpec) -> None:
    """The first process: arguments, environment, directory, user, how it is stopped."""
    process = spec.process
    check_arguments('entrypoint', process.entrypoint or ())
    check_arguments('command', process.command or ())
    check_env(process.env)
    check_cwd(process.cwd)
    check_user(process.user)
    _require(process.stop_signal is None or grammar.is_signal(process.stop_signal),
             f'stop_signal: {_shown(process.stop_signal or "")} is not a signal of Linux')
    _require(process.stop_timeout_s is None or process.stop_timeout_s >= -1,
             'stop_timeout_s: must be -1 (wait for ever) or more')


def check_hostname(spec: specs.ContainerSpec) -> None:
    """Labels of RFC 1123, with underscores, which many compose files have; short enough for the kernel."""
    for field, name, longest in (('hostname', spec.hostname, grammar.LABEL_CHARACTERS),
                                 ('domainname', spec.domainname, grammar.DOMAIN_CHARACTERS)):
        _require(len(name) <= longest, f'{field}: {_shown(name)} has more than {longest} characters')
        _require(not name or grammar.is_hostname(name, longest),
                 f'{field}: {_shown(name)} may hold letters, digits, "_" and inner "-", in labels joined by "."')


def check_image(spec: specs.ContainerSpec) -> None:
    """Something that may name an image."""
    _require(bool(spec.image) and not any(char.isspace() or char == '\0' for char in spec.image),
             f'image: {_shown(spec.image)} must be an image id or a reference')


def check_mounts(spec: specs.ContainerSpec) -> None:
    """Normal targets, each once, away from what the runtime mounts."""
    seen: set[str] = set()
    for mount in spec.mounts:
        target = mount.target
        check_target(target)
        _require(target not in seen, f'mounts: {_shown(target)} is mounted twice')
        seen.add(target)
        _require(mount.propagation in grammar.PROPAGATIONS,
                 f'mounts: propagation {mount.propagation!r} is not one of {", ".join(sorted(grammar.PROPAGATIONS))}')
        check_source(mount)


def check_target(target: str) -> None:
    """Absolute, normalised, not the root, not in /proc or /sys."""
    _require(target.startswith('/') and '\0' not in target and posixpath.normpath(target) == target
             and not target.startswith('//'),
             f'mounts: target {_shown(target)} must be an absolute path without ".", "..", "//" or a last "/"')
    _require(target != '/', 'mounts: the root itself cannot be a target')
    for kernel in ('/proc', '/sys'):
        _require(not _is_below(target, kernel), f'mounts: target {_shown(target)} must not be in {kernel}')


def check_source(mount: specs.Mount) -> None:
    """What a bind takes from the host, the name of a volume, or the size of a tmpfs."""
    if mount.kind is specs.MountKind.BIND:
        _require(mount.source.startswith('/') and '\0' not in mount.source
                 and '..' not in mount.source.split('/'),
                 f'mounts: source {_shown(mount.source)} must be an absolute path without ".."')
        return
    if mount.kind is specs.MountKind.VOLUME:
        check_volume(dataclasses.replace(mount.volume or Volume(), name=mount.source))
        _require('..' not in mount.subpath.split('/') and not mount.subpath.startswith('/')
                 and '\0' not in mount.subpath,
                 f'mounts: subpath {_shown(mount.subpath)} must be a path inside the volume')
        return
    _require(mount.source == '', 'mounts: a tmpfs has no source')
    _require(mount.size_bytes is None or mount.size_bytes > 0, 'mounts: size_bytes must be more than 0')
    _require(mount.mode is None or 0 <= mount.mode <= 0o7777, 'mounts: mode must be 0 to 0o7777')


def check_volume(volume: Volume) -> None:
    """A volume's name, and its options and labels. :raises InvalidSpec:"""
    _require(not volume.name or grammar.VOLUME.fullmatch(volume.name) is not None,
             f'volume: {_shown(volume.name)} must start with a letter or digit and have 2 to {grammar.NAME_CHARACTERS} '
             'letters, digits, "_", "." and "-"; a path on the host must be absolute')
    for name, value in (*volume.options.items(), *volume.labels.items()):
        _require(bool(name) and not any(char in '\0\n' for char in f'{name}{value}'),
                 f'volume: {_shown(name)} holds what no option or label may')


def check_image_volumes(spec: specs.ContainerSpec) -> None:
    """Folders that get a volume each, and containers that lend theirs."""
    for target in spec.volumes:
        check_target(posixpath.normpath(target) if target.startswith('/') else target)
    for entry in spec.volumes_from:
        _require(entry.partition(':')[2] in ('', 'ro', 'rw') and not entry.startswith(':') and bool(entry),
                 f'volumes_from: {_shown(entry)} must be a container, or CONTAINER:ro')


def check_sharing(spec: specs.ContainerSpec) -> None:
    """Namespaces of the host, of another container, or its own; and where its control group is."""
    for field, allowed in grammar.SHARING.items():
        value = getattr(spec.sharing, field)
        joins = field in grammar.JOINED and value.startswith('container:') and len(value) > len('container:')
        _require(joins or value in allowed, f'sharing: {field} {_shown(value)} is not one of '
                 f'{", ".join(filter(None, allowed))}{" and container:ID" if field in grammar.JOINED else ""}')
    _require(not (spec.sharing.uts == 'host' and (spec.hostname or spec.domainname)),
             'hostname: a container that shares the name of the host has none of its own')
    parent = spec.cgroup_parent
    _require('..' not in parent.split('/') and not any(char in '\0\n:' for char in parent),
             f'cgroup_parent: {_shown(parent)} must be a path of control groups without ".."')


def check_runtime(spec: specs.ContainerSpec) -> None:
    """Rules for devices, words for the OCI runtime, and its name."""
    for rule in spec.device_rules:
        _require(grammar.DEVICE_RULE.fullmatch(rule) is not None,
                 f'device_rules: {_shown(rule)} must be like "c 42:* rmw"')
    for name, value in spec.annotations.items():
        _require(bool(name) and '\0' not in f'{name}{value}', f'annotations: {_shown(name)} is not a name')
        _require(not name.startswith(grammar.RUNTIME_ANNOTATIONS),
                 f'annotations: {_shown(name)} is an order to the OCI runtime, which only the engine gives')
    _require(not spec.runtime or grammar.RUNTIME.fullmatch(spec.runtime) is not None,
             f'runtime: {_shown(spec.runtime)} is not the name of an OCI runtime')
    check_arguments('shell', spec.shell)
    check_arguments('on_build', spec.on_build)


def check_health(spec: specs.ContainerSpec) -> None:
    """A command, and times that Docker takes too: none, or at least a millisecond."""
    check = spec.health
    if check is None:
        return
    _require(not spec.no_health, 'health: there is a check, and there is to be none')
    check_arguments('health', check.test)
    _require(not check.test or bool(check.test[0]), 'health: name the program to run')
    for field, seconds in (('interval_s', check.interval_s), ('timeout_s', check.timeout_s),
                           ('start_period_s', check.start_period_s), ('start_interval_s', check.start_interval_s)):
        _require(seconds is None or seconds >= 0.001 or (seconds == 0 and field == 'start_period_s'),
                 f'health: {field} must be at least 0.001')
    _require(check.retries is None or check.retries > 0, 'health: retries must be more than 0')


def check_devices(spec: specs.ContainerSpec) -> None:
    """Paths below /dev, each once."""
    seen: set[str] = set()
    for device in spec.devices:
        for path in (device.path_on_host, device.path_in_container):
            _require(grammar.is_device_path(path), f'devices: {_shown(path)} must be a normal path below /dev')
        _require(device.path_in_container not in seen, f'devices: {device.path_in_container} is given twice')
        seen.add(device.path_in_container)
        letters = device.permissions
        _require(0 < len(letters) == len(set(letters)) and set(letters) <= set('rwm'),
                 f'devices: permissions {_shown(letters)} must be some of r, w, m')


def check_capabilities(spec: specs.ContainerSpec) -> None:
    """Names of Linux, with or without CAP_, or ALL."""
    for field, names in (('cap_add', spec.security.cap_add), ('cap_drop', spec.security.cap_drop)):
        for name in names:
            bare = name.upper().removeprefix('CAP_')
            _require(bare in grammar.CAPABILITIES or name.upper() == 'ALL',
                     f'{field}: {_shown(name)} is not a capability of Linux')


def check_protected_paths(spec: specs.ContainerSpec) -> None:
    """Paths to mask or write-protect, and further groups."""
    security = spec.security
    for field, paths in (('masked_paths', security.masked_paths), ('read_only_paths', security.read_only_paths)):
        for path in paths or ():
            _require(path.startswith('/') and posixpath.normpath(path) == path,
                     f'{field}: {_shown(path)} must be an absolute, normalised path')
    for group in security.groups:
        _require(grammar.USER.fullmatch(group) is not None and ':' not in group,
                 f'groups: {_shown(group)} must be a group name or number')


def check_network(spec: specs.ContainerSpec) -> None:
    """What it shares, and what its resolver files hold."""
    network = spec.network
    shares = network.mode is specs.NetworkMode.CONTAINER
    _require(bool(network.container) == shares, 'network: container goes with mode CONTAINER, and only with it')
    for address in network.dns:
        _require(grammar.is_address(address), f'dns: {_shown(address)} must be an IP address')
    for line in (*network.dns_search, *network.dns_options):
        _require(bool(line) and not any(char.isspace() or char == '\0' for char in line),
                 f'dns: {_shown(line)} must be one word')
    for entry in network.extra_hosts:
        name, colon, address = entry.partition(':')
        _require(bool(colon) and bool(name) and not any(char.isspace() for char in entry)
                 and (grammar.is_address(address.strip('[]')) or address == 'host-gateway'),
                 f'extra_hosts: {_shown(entry)} must have the form name:address')


def check_endpoints(spec: specs.ContainerSpec) -> None:
    """What it wants of the engine's networks, which only a container in mode MANAGED can have."""
    network = spec.network
    managed = network.mode is specs.NetworkMode.MANAGED
    _require(managed == bool(network.endpoints), 'endpoints: they go with mode MANAGED, and only with it')
    _require(network.mode is not specs.NetworkMode.CONTAINER or not (network.ports or network.publish_all),
             'ports: publish them on the container whose network this one shares')
    validate_networks.check_endpoints(network.endpoints)
    for port in network.ports:
        validate_networks.check_port(port)
    validate_networks.check_exposed(spec.exposed_ports)


def check_sysctls(spec: specs.ContainerSpec) -> None:
    """One name, one line: nothing that smuggles a second setting in."""
    for name, value in spec.sysctls.items():
        _require(grammar.SYSCTL_NAME.fullmatch(name) is not None and '..' not in name,
                 f'sysctls: {_shown(name)} is not the name of a sysctl')
        _require(grammar.SYSCTL_VALUE.fullmatch(value) is not None,
                 f'sysctls: the value {_shown(value)} of {name} must be one line of words or numbers')


def check_build(spec: BuildSpec) -> None:
    """Limits that a build can have. :raises InvalidSpec: :raises Unsupported: a limit that builds have not."""
    limits = spec.limits
    check_resources(limits)
    check_ulimits(spec.ulimits)
    _require(spec.shm_bytes is None or spec.shm_bytes > 0, 'shm_bytes: must be more than 0')
    if limits != specs.Resources(**{name: getattr(limits, name) for name in BUILD_LIMITS}):
        raise errors.Unsupported(f'limits: a build has {", ".join(BUILD_LIMITS)}, and no others')


def check_ulimits(ulimits: tuple[specs.Ulimit, ...]) -> None:
    """Names of getrlimit(2), soft not over hard, each once."""
    seen: set[str] = set()
    for ulimit in ulimits:
        _require(ulimit.name in grammar.ULIMITS,
                 f'ulimits: {_shown(ulimit.name)} is not one of {", ".join(sorted(grammar.ULIMITS))}')
        _require(ulimit.name not in seen, f'ulimits: {ulimit.name} is given twice')
        seen.add(ulimit.name)
        _require(ulimit.soft >= -1 and ulimit.hard >= -1, f'ulimits: {ulimit.name} must be -1 (no limit) or more')
        _require(ulimit.hard == -1 or -1 < ulimit.soft <= ulimit.hard,
                 f'ulimits: the soft limit of {ulimit.name} is over its hard limit')


def check_labels(spec: specs.ContainerSpec) -> None:
    """Names without "=", of bounded size."""
    for name, value in spec.labels.items():
        _require(bool(name) and '\0' not in name and '=' not in name, f'labels: {_shown(name)} is not a name')
        _require('\0' not in value, f'labels: the value of {name} holds a NUL character')
    total = sum(_size_bytes('labels', name) + _size_bytes('labels', value) for name, value in spec.labels.items())
    _require(total <= grammar.LABELS_BYTES, f'labels: {total} bytes in all, at most {grammar.LABELS_BYTES}')


def check_log_kept(container: str, spec: specs.ContainerSpec) -> None:
    """:raises Unsupported: the container has no log to read."""
    if spec.log.driver == 'none':
        raise errors.Unsupported(f'Container {container} keeps no log: its log driver is none')


def check_log_limits(spec: specs.ContainerSpec) -> None:
    """Enough for a line, and not so many files."""
    _require(spec.log.file_bytes >= grammar.LOG_FILE_BYTES,
             f'log: file_bytes must be at least {grammar.LOG_FILE_BYTES}')
    _require(spec.log.driver in specs.LOG_DRIVERS, f'log: driver must be one of {", ".join(specs.LOG_DRIVERS)}')
    _require(1 <= spec.log.files <= grammar.LOG_FILES, f'log: files must be 1 to {grammar.LOG_FILES}')


def check_small_numbers(spec: specs.ContainerSpec) -> None:
    """Single numbers, and choices that exclude each other."""
    _require(spec.shm_bytes > 0, 'shm_bytes: must be more than 0')
    _require(-1000 <= spec.oom_score_adj <= 1000, 'oom_score_adj: must be -1000 to 1000')
    _require(spec.resources.memory_bytes is not None or spec.resources.memory_swap_bytes in (None, -1),
             'memory_swap_bytes: needs memory_bytes beside it')
    _require(not (spec.auto_remove and spec.restart.name != 'no'),
             'auto_remove: a container that is restarted cannot be removed when it ends; choose one')


def check_memory(resources: specs.Resources) -> None:
    """Limits of memory, swap and root disk."""
    memory, swap = resources.memory_bytes, resources.memory_swap_bytes
    for field, size in (('memory_bytes', memory), ('memory_reservation_bytes', resources.memory_reservation_bytes)):
        _require(size is None or size >= grammar.MEMORY_BYTES,
                 f'{field}: must be at least {grammar.MEMORY_BYTES} (6 MiB)')
    _require(swap is None or swap == -1 or (memory is not None and swap >= memory) or (memory is None and swap > 0),
             'memory_swap_bytes: is memory plus swap, so at least memory_bytes, or -1 for no limit')
    reservation = resources.memory_reservation_bytes
    _require(memory is None or reservation is None or reservation <= memory,
             'memory_reservation_bytes: must not be over memory_bytes')
    swappiness = resources.memory_swappiness
    _require(swappiness is None or -1 <= swappiness <= 100, 'memory_swappiness: must be 0 to 100')
    _require(resources.root_size_bytes is None or resources.root_size_bytes > 0,
             'root_size_bytes: must be more than 0')


def check_cpu(resources: specs.Resources) -> None:
    """Shares, quota, period and pinning."""
    quota, period, shares = resources.cpu_quota_us, resources.cpu_period_us, resources.cpu_shares
    _require(quota is None or quota == -1 or quota >= 1000, 'cpu_quota_us: must be at least 1000, or -1 for no limit')
    _require(period is None or 1000 <= period <= 1_000_000, 'cpu_period_us: must be 1000 to 1000000')
    _require(shares is None or 2 <= shares <= 262_144, 'cpu_shares: must be 2 to 262144')
    runtime, of = resources.realtime_runtime_us, resources.realtime_period_us
    _require(runtime is None or 0 < runtime <= (of or 1_000_000),
             'realtime_runtime_us: must be more than 0 and not over realtime_period_us')
    _require(of is None or 0 < of <= 1_000_000, 'realtime_period_us: must be 1 to 1000000')
    for field, cpuset in (('cpuset_cpus', resources.cpuset_cpus), ('cpuset_mems', resources.cpuset_mems)):
        _require(cpuset is None or grammar.is_cpuset(cpuset), f'{field}: {_shown(cpuset or "")} must be like 0-2,7')


def check_pids_and_disk(resources: specs.Resources) -> None:
    """Number of processes, disk weight and throttles."""
    pids, weight = resources.pids_limit, resources.blkio_weight
    _require(pids is None or pids == -1 or pids > 0, 'pids_limit: must be more than 0, or -1 for no limit')
    _require(weight is None or 10 <= weight <= 1000, 'blkio_weight: must be 10 to 1000')
    for field, throttles in (('read_bps', resources.read_bps), ('write_bps', resources.write_bps),
                             ('read_iops', resources.read_iops), ('write_iops', resources.write_iops),
                             ('weight_devices', resources.weight_devices)):
        for throttle in throttles:
            _require(grammar.is_device_path(throttle.device),
                     f'{field}: {_shown(throttle.device)} must be a path below /dev')
            _require(field != 'weight_devices' or 10 <= throttle.rate <= 1000,
                     f'weight_devices: the weight of {throttle.device} must be 10 to 1000')
            _require(throttle.rate > 0, f'{field}: the rate of {throttle.device} must be more than 0')


def _is_below(path: str, folder: str) -> bool:
    path = f'/{path.lstrip("/")}'
    return path == folder or path.startswith(f'{folder}/')


def _size_bytes(field: str, text: str) -> int:
    try:
        return len(text.encode(errors='surrogateescape'))
    except UnicodeEncodeError as error:
        raise errors.InvalidSpec(f'{field}: {_shown(text)} is not Unicode text') from error


def _shown(text: str) -> str:
    """A tenant's text as it may stand in a message: short, and with controls escaped."""
    return ascii(text if len(text) <= 80 else f'{text[:77]}...')


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise errors.InvalidSpec(otherwise)


CONTAINER_CHECKS: tuple[Callable[[specs.ContainerSpec], None], ...] = (
    lambda spec: check_name(spec.name), check_image, check_process, check_hostname, check_mounts,
    check_image_volumes, check_health, check_sharing, check_runtime, check_devices,
    check_capabilities, check_protected_paths, check_network, check_endpoints, check_sysctls,
    lambda spec: check_ulimits(spec.ulimits),
    check_labels, check_log_limits, check_small_numbers)
RESOURCE_CHECKS: tuple[Callable[[specs.Resources], None], ...] = (check_memory, check_cpu, check_pids_and_disk)
