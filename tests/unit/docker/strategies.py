# SPDX-License-Identifier: Apache-2.0
"""Random values of the contract, within what Docker can say: zero is no limit, and a list of nothing is none."""

import dataclasses

from hypothesis import strategies as st

from nova_container.engine import network as networks
from nova_container.engine import spec as specs
from nova_container.engine import state
from nova_container.engine.volume import Volume, VolumeInfo

_text = st.text(st.characters(exclude_categories=('Cs', 'Cc')), min_size=1, max_size=12)
_word = st.from_regex(r'[a-z][a-z0-9_.-]{0,11}', fullmatch=True)
_path = st.from_regex(r'/[a-z0-9_.-]{1,8}(/[a-z0-9_.-]{1,8}){0,2}', fullmatch=True)
_count = st.integers(1, 1 << 40)
_maybe_count = st.none() | _count
_maybe_word = st.none() | _word
_seconds = st.integers(0, 4 << 30).map(float) | st.floats(1e8, 4e9, allow_nan=False)  # to the nanosecond


def _tuples(items):
    return st.lists(items, max_size=3).map(tuple)


def _mappings(values):
    return st.dictionaries(_word, values, max_size=3)


throttles = _tuples(st.builds(specs.Throttle, device=_path, rate=_count))
resources = st.builds(
    specs.Resources, memory_bytes=_maybe_count, memory_reservation_bytes=_maybe_count,
    memory_swap_bytes=_maybe_count | st.just(-1), memory_swappiness=st.none() | st.integers(0, 100),
    oom_kill_disable=st.booleans(), cpu_shares=_maybe_count, cpu_quota_us=_maybe_count, cpu_period_us=_maybe_count,
    cpuset_cpus=_maybe_word, cpuset_mems=_maybe_word, pids_limit=_maybe_count | st.just(-1),
    blkio_weight=_maybe_count, read_bps=throttles, write_bps=throttles, read_iops=throttles, write_iops=throttles,
    realtime_period_us=_maybe_count, realtime_runtime_us=_maybe_count, weight_devices=throttles,
    root_size_bytes=_maybe_count)
_options = _tuples(st.from_regex(r'[a-z]{1,6}(=[a-z0-9=]{1,6})?', fullmatch=True))
mounts = st.builds(
    specs.Mount, kind=st.just(specs.MountKind.BIND), source=_path, target=_path, read_only=st.booleans(),
    propagation=st.sampled_from(('private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave')), options=_options,
    recursive=st.booleans(), read_only_below=st.booleans(),
) | st.builds(
    specs.Mount, kind=st.just(specs.MountKind.TMPFS), target=_path, read_only=st.booleans(),
    size_bytes=_maybe_count, mode=st.none() | st.integers(1, 0o7777), options=_options)
_volumes = st.builds(Volume, driver=st.just('local') | _word, options=_mappings(_text), labels=_mappings(_text))
all_mounts = st.builds(
    lambda *groups: tuple(mount for group in groups for mount in group), _tuples(mounts | st.builds(
        specs.Mount, kind=st.just(specs.MountKind.VOLUME), source=st.just('') | _word, target=_path,
        read_only=st.booleans(), no_copy=st.booleans(), subpath=st.just('') | _word,
        volume=st.none() | _volumes.filter(lambda volume: volume != Volume())).filter(
            lambda mount: not mount.source or mount.subpath or mount.volume)),
    _tuples(st.builds(specs.Mount, kind=st.just(specs.MountKind.VOLUME), source=_word, target=_path,
                      read_only=st.booleans(), no_copy=st.booleans())
            | st.builds(specs.Mount, kind=st.just(specs.MountKind.BIND), source=_path, target=_path,
                      read_only=st.booleans(), propagation=st.sampled_from(('rprivate', 'rshared')),
                      make_source=st.just(True))))
shown_mounts = _tuples(st.builds(
    specs.Mount, kind=st.just(specs.MountKind.VOLUME), source=_path, target=_path, read_only=st.booleans(),
    volume=st.builds(Volume, name=_word, driver=_word)) | st.builds(
    specs.Mount, kind=st.just(specs.MountKind.BIND), source=_path, target=_path, read_only=st.booleans(),
    propagation=st.sampled_from(('rprivate', 'rshared'))))
volume_infos = st.builds(
    VolumeInfo, spec=st.builds(Volume, name=_word, driver=_word, options=_mappings(_text), labels=_mappings(_text)),
    mountpoint=_path, created_at=_seconds, size_bytes=st.none() | st.integers(0, 1 << 50), used_by=_tuples(_word))
_times = st.none() | st.integers(1, 10 ** 6).map(lambda milliseconds: milliseconds / 1000)
health_checks = st.builds(
    specs.HealthCheck, test=_tuples(_text), interval_s=_times, timeout_s=_times, start_period_s=_times,
    start_interval_s=_times, retries=st.none() | st.integers(1, 99)).filter(lambda check: check != specs.HealthCheck())
healths = st.builds(
    state.Health, status=st.sampled_from(('starting', 'healthy', 'unhealthy')), failing_streak=st.integers(0, 99),
    probes=_tuples(st.builds(state.Probe, started_at=_seconds, ended_at=_seconds, exit_code=st.integers(-1, 255),
                             output=st.just('') | _text)))
process = st.builds(
    specs.ProcessSpec, entrypoint=st.none() | _tuples(_text), command=st.none() | _tuples(_text), env=_tuples(_text),
    cwd=st.none() | _path, user=_maybe_word, tty=st.booleans(), open_stdin=st.booleans(), stdin_once=st.booleans(),
    stop_signal=_maybe_word, stop_timeout_s=st.none() | st.integers(0, 1000))
_seccomp = st.sampled_from(({}, {'seccomp_unconfined': True}, {'seccomp_profile': '{"defaultAction": "SCMP_ACT_LOG"}'}))
security = st.builds(lambda made, seccomp: dataclasses.replace(made, **seccomp), st.builds(
    specs.Security, privileged=st.booleans(), cap_add=_tuples(_word), cap_drop=_tuples(_word),
    no_new_privileges=st.booleans(), read_only_root=st.booleans(),
    masked_paths=st.none() | _tuples(_path), read_only_paths=st.none() | _tuples(_path), groups=_tuples(_word)),
    _seccomp)
_name_service = {'dns': _tuples(_word), 'dns_search': _tuples(_word), 'dns_options': _tuples(_word),
                 'extra_hosts': _tuples(_word)}
_network_name = _word.map(lambda name: f'n{name}')  # not host, none or default
_address4 = st.ip_addresses(v=4).map(str)
_address6 = st.ip_addresses(v=6).map(str)
_mac = st.binary(min_size=5, max_size=5).map(lambda data: f'02:{data.hex(":")}')
_protocol = st.sampled_from(('tcp', 'udp', 'sctp'))
_port = st.integers(1, 65535)
_exposed = st.lists(st.builds(lambda number, protocol: f'{number}/{protocol}', _port, _protocol), max_size=3,
                    unique=True).map(tuple)
_ports = st.lists(st.builds(
    lambda first, more, **fields: networks.Port(
        host_port=first, host_port_end=min(first + more, 65535) if first and more else 0, **fields),
    first=st.just(0) | _port, more=st.integers(0, 9), container_port=_port, protocol=_protocol,
    host_ip=st.just('') | _address4), max_size=3,
    unique_by=lambda each: (each.container_port, each.protocol)).map(tuple)
endpoints = st.builds(
    networks.Endpoint, network=_network_name, aliases=_tuples(_word), ipv4=st.none() | _address4,
    ipv6=st.none() | _address6, mac=st.none() | _mac, links=_tuples(_word).map(lambda each: tuple(dict.fromkeys(each))),
    link_local=_tuples(_address4 | _address6), options=_mappings(_text))
network = st.builds(
    specs.NetworkSpec, mode=st.sampled_from((specs.NetworkMode.NAMESPACE, specs.NetworkMode.HOST)),
    container=st.none(), ports=_ports, publish_all=st.booleans(), **_name_service,
) | st.builds(
    specs.NetworkSpec, mode=st.just(specs.NetworkMode.CONTAINER), container=_word, **_name_service,
) | st.builds(
    specs.NetworkSpec, mode=st.just(specs.NetworkMode.MANAGED), ports=_ports, publish_all=st.booleans(),
    endpoints=st.lists(endpoints, min_size=1, max_size=3, unique_by=lambda each: each.network).map(tuple),
    **_name_service)
restart = st.builds(specs.RestartPolicy, name=st.sampled_from(('no', 'always', 'unless-stopped', 'on-failure')),
                    maximum_retries=st.integers(0, 9))
containers = st.builds(
    specs.ContainerSpec, name=_word, image=_text, process=process, hostname=st.just('') | _word,
    domainname=st.just('') | _word, resources=resources, mounts=all_mounts,
    devices=_tuples(st.builds(specs.Device, path_on_host=_path, path_in_container=_path,
                              permissions=st.sampled_from(('r', 'rw', 'rwm')))),
    security=security, network=network, restart=restart,
    log=st.builds(specs.LogLimits, file_bytes=_count, files=st.integers(1, 9),
                  driver=st.sampled_from(('json-file', 'local')), options=st.fixed_dictionaries(
                      {}, optional={'labels': _text, 'env': _text, 'tag': st.just('{{.Name}}')}))
    | st.just(specs.LogLimits(driver='none')), labels=_mappings(_text),
    sysctls=_mappings(_text), ulimits=_tuples(st.builds(
        specs.Ulimit, name=_word, soft=st.integers(-1, 1 << 30), hard=st.integers(-1, 1 << 30))),
    shm_bytes=_count, init=st.none() | st.booleans(), oom_score_adj=st.integers(-1000, 1000),
    exposed_ports=_exposed, auto_remove=st.booleans(), volumes=st.lists(_path, max_size=3, unique=True).map(tuple),
    volumes_from=_tuples(_word),
    health=st.none() | health_checks, no_health=st.just(False), sharing=st.builds(
        specs.Sharing, pid=st.sampled_from(('', 'host', 'container:a')), uts=st.sampled_from(('', 'host')),
        ipc=st.sampled_from(('', 'host', 'shareable', 'none', 'container:b')),
        user=st.sampled_from(('', 'host')), cgroup=st.sampled_from(('', 'host', 'private'))),
    cgroup_parent=st.just('') | _path, device_rules=_tuples(_text), annotations=_mappings(_text),
    runtime=st.just('') | _word, shell=_tuples(_text), on_build=_tuples(_text)) | st.builds(
    specs.ContainerSpec, name=_word, image=_text, no_health=st.just(True))
execs = st.builds(
    specs.ExecSpec, command=st.lists(_text, min_size=1, max_size=3).map(tuple), env=_tuples(_text),
    cwd=st.none() | _path, user=_maybe_word, tty=st.booleans(), attach_stdin=st.booleans(),
    attach_stdout=st.booleans(), attach_stderr=st.booleans(), privileged=st.booleans())

_exits = st.builds(state.ExitInfo, code=st.integers(0, 255), oom_killed=st.booleans(), finished_at=_seconds,
                   error=st.just('') | _text)
_ids = st.text('0123456789abcdef', min_size=64, max_size=64)
_shown_ports = st.lists(st.builds(
    networks.Port, container_port=_port, protocol=_protocol, host_ip=_address4, host_port=_port), max_size=3,
    unique_by=lambda each: (each.container_port, each.protocol)).map(tuple)
_cidr4 = st.just('') | st.builds(lambda address, length: f'{address}/{length}', _address4, st.integers(1, 32))
_cidr6 = st.just('') | st.builds(lambda address, length: f'{address}/{length}', _address6, st.integers(1, 128))
_endpoint_infos = st.builds(
    networks.EndpointInfo, network_id=_ids, network=_network_name, id=st.just('') | _ids, interface=st.just('') | _word,
    mac=st.just('') | _mac, ipv4=_cidr4, ipv6=_cidr6, gateway=st.just('') | _address4,
    gateway6=st.just('') | _address6, wanted=endpoints)


def _told_of(container):
    """What inspect and the list of a network leave out of an endpoint."""
    def told(endpoint):
        asked = dataclasses.replace(endpoint.wanted, network=endpoint.network, mac=None)
        return dataclasses.replace(endpoint, container_id=container.id, container_name=container.name,
                                   wanted=asked, aliases=(*asked.aliases, container.id[:12]))
    return told


def _managed_only(info):
    managed = info.spec.network.mode is specs.NetworkMode.MANAGED
    return dataclasses.replace(info, endpoints=tuple(map(_told_of(info), info.endpoints)) if managed else ())


container_infos = st.builds(
    state.ContainerInfo, id=_ids, spec=containers, status=st.sampled_from(state.Status), image_id=_word,
    pid=_maybe_count, created_at=_seconds, started_at=st.none() | _seconds, exit=st.none() | _exits,
    restart_count=st.integers(0, 99), network_namespace=st.none() | _path, log_path=st.none() | _path,
    etc_dir=st.none() | _path, exec_ids=st.lists(_ids, max_size=2).map(tuple),
    mounts=shown_mounts, health=st.none() | healths,
    ports=_shown_ports, endpoints=st.lists(_endpoint_infos, max_size=2, unique_by=lambda each: each.network).map(tuple),
).map(_managed_only)
_subnets = st.lists(st.builds(
    networks.Subnet, subnet=_cidr4.filter(bool), gateway=st.none() | _address4,
    ip_range=st.none() | _cidr4.filter(bool), taken=_mappings(_address4)), max_size=2).map(tuple)
wanted_networks = st.builds(
    networks.Network, name=_network_name, driver=st.sampled_from(('bridge', 'macvlan', 'host', 'none')),
    subnets=_subnets, internal=st.booleans(), ipv6=st.booleans(), attachable=st.booleans(), options=_mappings(_text),
    labels=_mappings(_text), config_only=st.booleans(), config_from=st.just('') | _network_name)


def _members(info):
    """What a network tells of the endpoints in it."""
    return dataclasses.replace(info, endpoints=tuple(networks.EndpointInfo(
        network_id=info.id, network=info.spec.name, id=each.id, container_id=each.container_id,
        container_name=each.container_name, mac=each.mac, ipv4=each.ipv4, ipv6=each.ipv6)
        for each in info.endpoints))


network_infos = st.builds(
    networks.NetworkInfo, id=_ids, spec=wanted_networks, created_at=_seconds, endpoints=st.lists(
        st.builds(lambda endpoint, container_id, name: dataclasses.replace(
            endpoint, container_id=container_id, container_name=name), _endpoint_infos, _ids, _word),
        max_size=3, unique_by=lambda each: each.container_id).map(tuple)).map(_members)
exec_infos = st.builds(state.ExecInfo, id=_word, container_id=_word, spec=execs, running=st.booleans(),
                       pid=_maybe_count, exit_code=st.none() | st.integers(0, 255))
_blocks = st.builds(state.BlockUsage, device=st.from_regex(r'[1-9]{1,3}:[1-9]{1,3}', fullmatch=True),
                    read_bytes=_count, write_bytes=_count, read_ops=_count, write_ops=_count)
_interfaces = st.builds(state.InterfaceUsage, name=_word, rx_bytes=_count, rx_packets=_count, rx_errors=_count,
                        rx_dropped=_count, tx_bytes=_count, tx_packets=_count, tx_errors=_count, tx_dropped=_count)
usages = st.builds(
    state.Usage, read_at=_seconds, cpu_total_ns=_count, cpu_user_ns=_count, cpu_system_ns=_count, host_cpu_ns=_count,
    online_cpus=st.integers(1, 512), throttled_periods=_count, throttled_ns=_count, memory_bytes=_count,
    cpu_each_ns=st.lists(_count, max_size=2).map(tuple), cpu_periods=_count,
    memory_peak_bytes=_count, memory_details=_mappings(_count), memory_limit_bytes=_maybe_count, pids=_count,
    pids_limit=_maybe_count,
    blocks=st.lists(_blocks, max_size=3, unique_by=lambda block: block.device).map(tuple),
    interfaces=st.lists(_interfaces, max_size=3, unique_by=lambda interface: interface.name).map(tuple))
file_stats = st.builds(
    state.FileStat, name=_text, size_bytes=st.integers(0, 1 << 60), modified_at=_seconds,
    link_target=st.just('') | _text,
    mode=st.builds(lambda kind, bits: kind | bits,
                   st.sampled_from((0o040000, 0o100000, 0o120000, 0o060000, 0o020000, 0o010000, 0o140000)),
                   st.integers(0, 0o7777)))
events = st.builds(state.Event, type=st.sampled_from(('container', 'image')), action=_word, actor_id=_word,
                   attributes=_mappings(_text), time_ns=st.integers(0, 1 << 62))
_references = st.builds(lambda tags, digests: (*tags, *digests), _tuples(_word),
                        _tuples(_word.map(lambda name: f'{name}@sha256:0')))
images = st.builds(
    state.ImageInfo, id=_word, references=_references, created_at=_seconds, size_bytes=st.integers(0, 1 << 50),
    diff_ids=_tuples(_word), architecture=_word, os=_word, config=_mappings(_text), author=st.just('') | _text,
    comment=st.just('') | _text, history=_tuples(_mappings(_text)))
engine_infos = st.builds(
    state.EngineInfo, name=_word, version=_word, api_version=_word, runtime=_word, runtime_version=_word,
    kernel_version=_word, operating_system=_word, architecture=_word, cpus=_count, memory_bytes=_count,
    hostname=_word, state_dir=_path, storage_driver=_word, cgroup_version=st.sampled_from((1, 2)),
    features=st.frozensets(st.sampled_from(state.Feature)), containers=_mappings(st.integers(0, 999)),
    images=st.integers(0, 999), started_at=_seconds,
    mirrors=st.lists(st.just('https://mirror.test'), max_size=1).map(tuple),
    insecure_registries=st.tuples(st.lists(_cidr4.filter(bool), unique=True, max_size=2),
                                  st.lists(_word, unique=True, max_size=2)).map(lambda both: (*both[0], *both[1])))
changes = _tuples(st.builds(state.Change, _path, st.sampled_from(state.ChangeKind)))
