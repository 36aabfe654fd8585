# SPDX-License-Identifier: Apache-2.0
"""What engines report: frozen values, units in the names, times as UTC seconds since the epoch."""

import dataclasses
import enum
from collections.abc import Mapping

from nova_container.engine import spec
from nova_container.engine.network import EndpointInfo, Port
from nova_container.engine.spec import Mount


class Status(enum.Enum):
    """Where a container is in its life. The values are Docker's words."""

    CREATED = 'created'
    RUNNING = 'running'
    PAUSED = 'paused'
    RESTARTING = 'restarting'
    STOPPED = 'exited'

    @property
    def alive(self) -> bool:
        """Whether its first process exists."""
        return self in (Status.RUNNING, Status.PAUSED)

    @property
    def active(self) -> bool:
        """Alive, or about to be again by its restart policy: what Docker counts as running."""
        return self.alive or self is Status.RESTARTING

    @property
    def may_start(self) -> bool:
        return not self.alive

    @property
    def may_exec(self) -> bool:
        return self is Status.RUNNING

    @property
    def may_pause(self) -> bool:
        return self is Status.RUNNING


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExitInfo:
    """How a container's first process ended. ``code`` is 128+N after signal N."""

    code: int
    oom_killed: bool = False
    finished_at: float = 0.0
    error: str = ''


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One run of a health check; ``output`` is its beginning."""

    started_at: float
    ended_at: float
    exit_code: int
    output: str = ''


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """``status`` is starting, healthy or unhealthy; the last probes, oldest first."""

    status: str
    failing_streak: int = 0
    probes: tuple[Probe, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ContainerInfo:
    """One container as the engine sees it now.

    ``exit`` is of the last run, None before the first end. ``endpoints`` and ``ports`` are what the engine's own
    networks gave it; ``mounts`` is all that is mounted: there a volume's name is in ``volume`` and its folder on the
    host in ``source``. ``etc_dir`` is the folder of ``hosts``, ``hostname`` and ``resolv.conf`` as it sees them.
    ``exec_ids`` are of the further processes that have not ended.
    """

    id: str
    spec: spec.ContainerSpec
    status: Status
    image_id: str
    pid: int | None = None
    created_at: float = 0.0
    started_at: float | None = None
    exit: ExitInfo | None = None
    restart_count: int = 0
    network_namespace: str | None = None
    log_path: str | None = None
    etc_dir: str | None = None
    exec_ids: tuple[str, ...] = ()
    health: Health | None = None
    endpoints: tuple[EndpointInfo, ...] = ()
    ports: tuple[Port, ...] = ()
    mounts: tuple[Mount, ...] = ()

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def labels(self) -> Mapping[str, str]:
        return self.spec.labels


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BlockUsage:
    """Bytes and operations on one block device, by kernel name ``major:minor``."""

    device: str
    read_bytes: int = 0
    write_bytes: int = 0
    read_ops: int = 0
    write_ops: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceUsage:
    """Counters of one interface in the container's network namespace."""

    name: str
    rx_bytes: int = 0
    rx_packets: int = 0
    rx_errors: int = 0
    rx_dropped: int = 0
    tx_bytes: int = 0
    tx_packets: int = 0
    tx_errors: int = 0
    tx_dropped: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a container uses at ``read_at``. CPU times are nanoseconds since start; limits None = none.

    ``cpu_each_ns`` has one for each processor, where the kernel tells that (cgroup v1). ``memory_details`` are the
    counters of ``memory.stat``, as the kernel calls them.
    """

    read_at: float
    cpu_total_ns: int = 0
    cpu_user_ns: int = 0
    cpu_system_ns: int = 0
    host_cpu_ns: int = 0
    online_cpus: int = 1
    cpu_each_ns: tuple[int, ...] = ()
    cpu_periods: int = 0
    throttled_periods: int = 0
    throttled_ns: int = 0
    memory_bytes: int = 0
    memory_peak_bytes: int = 0
    memory_limit_bytes: int | None = None
    memory_details: Mapping[str, int] = dataclasses.field(default_factory=dict)
    pids: int = 0
    pids_limit: int | None = None
    blocks: tuple[BlockUsage, ...] = ()
    interfaces: tuple[InterfaceUsage, ...] = ()

    @property
    def memory_cache_bytes(self) -> int:
        """Pages of files that can go at once, which ``docker stats`` takes off."""
        details = self.memory_details
        return details.get('total_inactive_file', details.get('inactive_file', 0))


class StreamName(enum.Enum):
    STDIN = 'stdin'
    STDOUT = 'stdout'
    STDERR = 'stderr'


@dataclasses.dataclass(frozen=True, slots=True)
class LogChunk:
    """A piece of a container's output as it was written, with the time it was read."""

    stream: StreamName
    time: float
    data: bytes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExecInfo:
    """One exec. ``exit_code`` is None until it ended; ``pid`` None until it started."""

    id: str
    container_id: str
    spec: spec.ExecSpec
    running: bool = False
    pid: int | None = None
    exit_code: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExecResult:
    """What a finished command said. ``truncated`` tells that output over the limit was dropped."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    truncated: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRow:
    """One process of a container, numbers as the host sees them. ``cpu_s`` is CPU time used."""

    pid: int
    parent_pid: int
    uid: int
    started_at: float
    cpu_s: float
    tty: str
    command: str


class ChangeKind(enum.IntEnum):
    """As the Docker API numbers them."""

    MODIFIED = 0
    ADDED = 1
    DELETED = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    path: str
    kind: ChangeKind


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FileStat:
    """A file in a container. ``mode`` is st_mode; ``link_target`` is '' unless it is a symbolic link."""

    name: str
    size_bytes: int
    mode: int
    modified_at: float
    link_target: str = ''


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, in Docker's words: ``type`` container|image, ``action`` start, die, oom, ..."""

    type: str
    action: str
    actor_id: str
    attributes: Mapping[str, str]
    time_ns: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageInfo:
    """An image. ``id`` is the digest of its configuration; ``size_bytes`` is unpacked; diff_ids bottom first.

    ``layer_bytes`` are the sizes of the layers, in the order of their diff_ids; () where an engine does not tell them.
    """

    id: str
    references: tuple[str, ...]
    created_at: float
    size_bytes: int
    diff_ids: tuple[str, ...]
    architecture: str
    os: str
    config: Mapping[str, object]
    author: str = ''
    comment: str = ''
    history: tuple[Mapping[str, object], ...] = ()
    layer_bytes: tuple[int, ...] = ()


class Feature(enum.Enum):
    """What an engine can do beyond the contract's verbs.

    REAPER: ``init`` always works, and ``start`` still tells of a program that is not there.
    ROOT_SIZE: ``root_size_bytes`` is kept.
    """

    PERSISTENT_NAMESPACE = 'persistent-namespace'
    LOAD_AS_REFERENCE = 'load-as-reference'
    REAPER = 'reaper'
    ROOT_SIZE = 'root-size'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """The engine and its host. ``runtimes`` are all that containers may ask for, ``runtime`` is the one they get.

    ``insecure_registries`` are hosts and networks beside loopback, ``mirrors`` the addresses of Docker Hub's.
    """

    name: str
    version: str
    api_version: str
    runtime: str
    runtime_version: str
    kernel_version: str
    operating_system: str
    architecture: str
    cpus: int
    memory_bytes: int
    hostname: str
    state_dir: str
    storage_driver: str
    cgroup_version: int
    features: frozenset[Feature] = frozenset()
    containers: Mapping[str, int] = dataclasses.field(default_factory=dict)
    images: int = 0
    started_at: float = 0.0
    runtimes: tuple[str, ...] = ()
    insecure_registries: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()
