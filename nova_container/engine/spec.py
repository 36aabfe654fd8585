# SPDX-License-Identifier: Apache-2.0
"""What callers ask for: frozen values with units in the names. None means the engine's default or no limit, as said."""

import dataclasses
import enum
from collections.abc import Mapping

from nova_container.engine.network import Endpoint, Port
from nova_container.engine.volume import Volume


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """The first process. None in ``entrypoint``, ``command``, ``cwd``, ``user`` means the image's own.

    Docker's rule holds: setting ``entrypoint`` drops the image's command. ``env`` is laid over the
    image's by name. ``user`` is ``name|uid[:group|gid]``, looked up inside the image.
    """

    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    env: tuple[str, ...] = ()
    cwd: str | None = None
    user: str | None = None
    tty: bool = False
    open_stdin: bool = False
    stdin_once: bool = False
    stop_signal: str | None = None
    stop_timeout_s: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ulimit:
    name: str
    soft: int
    hard: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """A rate for one block device: bytes or operations a second, by what it is used for."""

    device: str
    rate: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Limits. None is no limit, except ``pids_limit``, where None is the engine's default (2048).

    ``memory_swap_bytes`` is memory plus swap, -1 unlimited, as in the Docker API; beside ``memory_bytes``, None is
    twice those, once the container is made. ``weight_devices`` hold weights, 10 to 1000, as rates.
    """

    memory_bytes: int | None = None
    memory_reservation_bytes: int | None = None
    memory_swap_bytes: int | None = None
    memory_swappiness: int | None = None
    oom_kill_disable: bool = False
    cpu_shares: int | None = None
    cpu_quota_us: int | None = None
    cpu_period_us: int | None = None
    cpuset_cpus: str | None = None
    cpuset_mems: str | None = None
    pids_limit: int | None = None
    blkio_weight: int | None = None
    read_bps: tuple[Throttle, ...] = ()
    write_bps: tuple[Throttle, ...] = ()
    read_iops: tuple[Throttle, ...] = ()
    write_iops: tuple[Throttle, ...] = ()
    root_size_bytes: int | None = None
    realtime_period_us: int | None = None
    realtime_runtime_us: int | None = None
    weight_devices: tuple[Throttle, ...] = ()

    @property
    def with_swap(self) -> 'Resources':
        """With a limit of swap, if there is one of memory: Docker's default is as much again."""
        if not self.memory_bytes or self.memory_swap_bytes is not None:
            return self
        return dataclasses.replace(self, memory_swap_bytes=2 * self.memory_bytes)


class MountKind(enum.Enum):
    BIND = 'bind'
    TMPFS = 'tmpfs'
    VOLUME = 'volume'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A mount below the root of the container.

    ``source`` is a host path for a bind, '' for tmpfs, a volume's name or '' (a new one) for a volume. An empty volume
    takes what the image has at ``target`` unless ``no_copy``. ``make_source`` makes a missing folder on the host.
    ``volume`` says how to make the volume if there is none; its name is ``source``. ``subpath`` is below the volume.
    Of a bind, what is mounted below its source comes along if ``recursive``, and is read-only too if
    ``read_only_below``.
    """

    kind: MountKind
    target: str
    source: str = ''
    read_only: bool = False
    propagation: str = 'rprivate'
    size_bytes: int | None = None
    mode: int | None = None
    options: tuple[str, ...] = ()
    no_copy: bool = False
    subpath: str = ''
    make_source: bool = False
    volume: Volume | None = None
    recursive: bool = True
    read_only_below: bool = True


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A host device node shown inside; ``permissions`` of r, w, m."""

    path_on_host: str
    path_in_container: str
    permissions: str = 'rwm'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """What a container may do beyond the defaults of ``runtime/oci_config.py``.

    ``seccomp_profile`` is a policy of system calls of its own, JSON in Docker's form; '' is the engine's.
    """

    privileged: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    no_new_privileges: bool = True
    seccomp_unconfined: bool = False
    seccomp_profile: str = ''
    read_only_root: bool = False
    masked_paths: tuple[str, ...] | None = None
    read_only_paths: tuple[str, ...] | None = None
    groups: tuple[str, ...] = ()


class NetworkMode(enum.Enum):
    """Where the network namespace comes from.

    NAMESPACE: one of its own, holding loopback, from create to remove; the caller wires it.
    HOST: the host's. CONTAINER: that of ``NetworkSpec.container``. MANAGED: one of its own that the engine wires
    into the networks of ``NetworkSpec.endpoints``.
    """

    NAMESPACE = 'none'
    HOST = 'host'
    CONTAINER = 'container'
    MANAGED = 'managed'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSpec:
    mode: NetworkMode = NetworkMode.NAMESPACE
    container: str | None = None
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    extra_hosts: tuple[str, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[Port, ...] = ()
    publish_all: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """A command that tells whether the service in a container works: exit code 0. ``test`` is the command.

    Failures within ``start_period_s`` do not count; ``retries`` in a row make it unhealthy. What is None or () is the
    image's; what the image does not say either is 30 s, 30 s, 0 s, 5 s and 3.
    """

    test: tuple[str, ...] = ()
    shell: bool = False
    interval_s: float | None = None
    timeout_s: float | None = None
    start_period_s: float | None = None
    start_interval_s: float | None = None
    retries: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """Namespaces shared with others: '' is one of its own, or for ``cgroup`` what Docker does on this host.

    ``pid`` may be host or container:ID, ``uts`` and ``user`` host, ``cgroup`` private or host; ``ipc`` host,
    container:ID, shareable (others may join it, and its shared memory) or none (without shared memory).
    """

    pid: str = ''
    ipc: str = ''
    uts: str = ''
    user: str = ''
    cgroup: str = ''


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicy:
    """``name`` is no, always, unless-stopped or on-failure (then at most ``maximum_retries``, 0 = no end)."""

    name: str = 'no'
    maximum_retries: int = 0


LOG_DRIVERS = ('json-file', 'local', 'none')


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LogLimits:
    """One log file grows to ``file_bytes``; ``files`` are kept in all, the current one included.

    ``driver`` is one of ``LOG_DRIVERS``: json-file and local are one here, and with none nothing is kept.
    ``options`` say what is told of each line beside it, in Docker's words: labels, env, both with -regex, and tag.
    """

    file_bytes: int = 10 * 1024 * 1024
    files: int = 3
    driver: str = 'json-file'
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """A container to make.

    ``image`` is an image id (``sha256:...``), a unique prefix of one, or a reference the engine knows.
    ``name`` is unique in the engine and, beside the id the engine gives, names it in every verb.
    ``init`` True runs a small reaper as process 1; None leaves it to the engine. ``health`` None is the image's,
    unless ``no_health``. ``volumes`` are folders inside that get a new volume each; ``exposed_ports`` are like 80/tcp.
    ``device_rules`` are like ``c 42:* rmw``. ``runtime`` names an OCI runtime, '' the engine's own. ``shell`` and
    ``on_build`` are for images made of the container.
    """

    name: str
    image: str
    process: ProcessSpec = ProcessSpec()
    hostname: str = ''
    domainname: str = ''
    resources: Resources = Resources()
    mounts: tuple[Mount, ...] = ()
    devices: tuple[Device, ...] = ()
    security: Security = Security()
    network: NetworkSpec = NetworkSpec()
    restart: RestartPolicy = RestartPolicy()
    log: LogLimits = LogLimits()
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    sysctls: Mapping[str, str] = dataclasses.field(default_factory=dict)
    ulimits: tuple[Ulimit, ...] = ()
    shm_bytes: int = 64 * 1024 * 1024
    init: bool | None = None
    oom_score_adj: int = 0
    auto_remove: bool = False
    health: HealthCheck | None = None
    no_health: bool = False
    sharing: Sharing = Sharing()
    cgroup_parent: str = ''
    device_rules: tuple[str, ...] = ()
    volumes_from: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    exposed_ports: tuple[str, ...] = ()
    annotations: Mapping[str, str] = dataclasses.field(default_factory=dict)
    runtime: str = ''
    shell: tuple[str, ...] = ()
    on_build: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExecSpec:
    """A further process in a running container. None means the container's own."""

    command: tuple[str, ...]
    env: tuple[str, ...] = ()
    cwd: str | None = None
    user: str | None = None
    tty: bool = False
    attach_stdin: bool = False
    attach_stdout: bool = True
    attach_stderr: bool = True
    privileged: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """Which output to read. ``tail`` counts lines, None = all; times are UTC seconds since the epoch."""

    stdout: bool = True
    stderr: bool = True
    follow: bool = False
    tail: int | None = None
    since: float | None = None
    until: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CommitSpec:
    """An image to make from a container. ``config`` overrides keys of the image's configuration (Docker's names)."""

    reference: str | None = None
    author: str = ''
    comment: str = ''
    pause: bool = True
    config: Mapping[str, object] = dataclasses.field(default_factory=dict)
