# SPDX-License-Identifier: Apache-2.0
"""What a flavor says: sizes, and by ``container:*`` extra specs what only operators may grant.

===========================  ============================================  =====================================
extra spec                   value                                         effect
===========================  ============================================  =====================================
container:cap_add            NAME,NAME (NET_ADMIN,SYS_NICE)                capabilities beyond the 14 of Docker
container:cap_drop           NAME,NAME, or ALL                             capabilities taken away
container:sysctl:NAME        value                                         sysctl, if ``allowed_sysctls`` has it
container:ulimit:NAME        SOFT or SOFT:HARD                             limit of the process (nofile, memlock)
container:shm_size_mb        MiB                                           size of /dev/shm (64)
container:pids_limit         number                                        most processes and threads
container:devices            /dev/NAME[:PATH_INSIDE][:rwm],...             device nodes of the host shown inside
container:read_only_root     true or false                                 root file system cannot be written
container:no_new_privileges  true or false                                 false lets set-user-id programs work
container:seccomp            default or unconfined                         system call filter
container:init               true or false                                 a reaper is process 1 (else: see reaper.py)
quota:cpu_shares             number                                        weight of CPU time (1024 a VCPU)
quota:cpu_period             microseconds                                  with cpu_quota, the bandwidth of CPU
quota:cpu_quota              microseconds, -1 none                         time in a period for all threads
===========================  ============================================  =====================================

A tenant cannot set any of these: not by metadata, user data or image property. An unknown ``container:`` key is
an error. Sizes: VCPU is CPU time (100 ms of each 100 ms) and weight, or pinned CPUs under a dedicated policy;
RAM is a hard limit; swap of the flavor comes on top; the root disk is passed on if ``limit_root_disk`` is set.
"""

import dataclasses
import fnmatch
import re
from collections.abc import Mapping, Sequence
from typing import Any

from nova_container import errors
from nova_container.engine import spec as specs
from nova_container.virt.translate import process

MIB, GIB = 1 << 20, 1 << 30
LEAST_MEMORY_MB = 6
PERIOD_US = 100_000
_CAPABILITY = re.compile(r'(CAP_)?[A-Z_]{3,30}')
_DEVICE = re.compile(r'(?P<host>/dev/[^:,]+)(:(?P<inside>/[^:,]+))?(:(?P<permissions>[rwm]{1,3}))?')
_ULIMITS = ('core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue', 'nice', 'nofile', 'nproc', 'rss',
            'rtprio', 'rttime', 'sigpending', 'stack')


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the operator configured, as plain values."""

    pids_limit: int | None = None
    allowed_sysctls: Sequence[str] = ()
    limit_root_disk: bool = False
    shared_cpus: str | None = None


def resources(flavor: Any, policy: Policy, *, pinned_cpus: str | None = None, memory_nodes: str | None = None,
              ) -> specs.Resources:
    """The limits of a flavor. CPU sets are in the kernel's list form, ``0-3,8``.

    :raises InvalidSpec: the flavor is too small, or an extra spec is wrong.
    """
    if flavor.memory_mb < LEAST_MEMORY_MB:
        raise errors.InvalidSpec(f'Flavor {flavor.name} has {flavor.memory_mb} MiB of RAM; a container needs '
                                 f'{LEAST_MEMORY_MB} MiB or more: choose a bigger flavor')
    memory_bytes = flavor.memory_mb * MIB
    extra = flavor.extra_specs
    return specs.Resources(
        memory_bytes=memory_bytes, memory_swap_bytes=memory_bytes + (flavor.swap or 0) * MIB,
        cpuset_cpus=pinned_cpus or policy.shared_cpus, cpuset_mems=memory_nodes,
        pids_limit=_number(extra, 'container:pids_limit', policy.pids_limit, least=1),
        root_size_bytes=(flavor.root_gb * GIB or None) if policy.limit_root_disk else None,
        **_cpu_time(flavor, pinned=pinned_cpus is not None))


def _cpu_time(flavor: Any, *, pinned: bool) -> dict[str, int | None]:
    """Weight always; a quota unless whole CPUs are its own."""
    extra = flavor.extra_specs
    period = _number(extra, 'quota:cpu_period', PERIOD_US, least=1000, most=1_000_000)
    quota = _number(extra, 'quota:cpu_quota', None if pinned else flavor.vcpus * period, least=-1)
    unlimited = quota is None or quota < 0
    return {'cpu_shares': _number(extra, 'quota:cpu_shares', 1024 * flavor.vcpus, least=2, most=262144),
            'cpu_quota_us': None if unlimited else quota, 'cpu_period_us': None if unlimited else period}


def security(flavor: Any) -> specs.Security:
    """:raises InvalidSpec: an extra spec is wrong."""
    extra = flavor.extra_specs
    filtering = extra.get('container:seccomp', 'default')
    if filtering not in ('default', 'unconfined'):
        raise errors.InvalidSpec('container:seccomp: give default or unconfined')
    return specs.Security(
        cap_add=_capabilities(extra, 'container:cap_add'), cap_drop=_capabilities(extra, 'container:cap_drop'),
        no_new_privileges=_truth(extra, 'container:no_new_privileges', default=True),
        read_only_root=_truth(extra, 'container:read_only_root', default=False),
        seccomp_unconfined=filtering == 'unconfined')


def sysctls(flavor: Any, policy: Policy) -> dict[str, str]:
    """:raises InvalidSpec: one is not among those allowed."""
    found = _with_prefix(flavor.extra_specs, 'container:sysctl:')
    for name in found:
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in policy.allowed_sysctls):
            raise errors.InvalidSpec(f'container:sysctl:{name}: not among allowed_sysctls of this host')
    return found


def ulimits(flavor: Any) -> tuple[specs.Ulimit, ...]:
    """:raises InvalidSpec: an unknown name, or a value that is no number."""
    found = []
    for name, value in sorted(_with_prefix(flavor.extra_specs, 'container:ulimit:').items()):
        key = f'container:ulimit:{name}'
        if name not in _ULIMITS:
            raise errors.InvalidSpec(f'{key}: not known; there are {", ".join(_ULIMITS)}')
        soft, _, hard = value.partition(':')
        limits = [process.whole_number(key, one, least=-1) for one in (soft, hard or soft)]
        found.append(specs.Ulimit(name=name, soft=limits[0], hard=limits[1]))
    return tuple(found)


def devices(flavor: Any) -> tuple[specs.Device, ...]:
    """:raises InvalidSpec: an entry is no device path."""
    found = []
    for entry in _list(flavor.extra_specs, 'container:devices'):
        match = _DEVICE.fullmatch(entry)
        if match is None or '..' in entry:
            raise errors.InvalidSpec(f'container:devices: {entry[:60]} is not /dev/NAME[:PATH_INSIDE][:rwm]')
        found.append(specs.Device(path_on_host=match['host'], path_in_container=match['inside'] or match['host'],
                                  permissions=match['permissions'] or 'rwm'))
    return tuple(found)


def shm_bytes(flavor: Any) -> int:
    """:raises InvalidSpec: not a number."""
    return (_number(flavor.extra_specs, 'container:shm_size_mb', 64, least=1, most=1 << 20) or 64) * MIB


def init(flavor: Any) -> bool | None:
    """Whether a reaper is process 1; None leaves it to the engine. :raises InvalidSpec: no truth value."""
    value = flavor.extra_specs.get('container:init')
    return None if value is None else process.truth('container:init', value)


_KNOWN = ('cap_add', 'cap_drop', 'shm_size_mb', 'pids_limit', 'devices', 'read_only_root', 'no_new_privileges',
          'seccomp', 'init')


def check(flavor: Any) -> None:
    """:raises InvalidSpec: a ``container:`` key is not in the table."""
    for key in flavor.extra_specs:
        rest = key.removeprefix('container:')
        if key.startswith('container:') and rest not in _KNOWN and not rest.startswith(('sysctl:', 'ulimit:')):
            raise errors.InvalidSpec(f'Flavor extra spec {key[:60]} is not known; an operator must correct the flavor')


def _with_prefix(extra: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {key.removeprefix(prefix): value for key, value in extra.items() if key.startswith(prefix)}


def _list(extra: Mapping[str, str], key: str) -> list[str]:
    return [one.strip() for one in extra.get(key, '').split(',') if one.strip()]


def _capabilities(extra: Mapping[str, str], key: str) -> tuple[str, ...]:
    found = tuple(one.upper().removeprefix('CAP_') for one in _list(extra, key))
    for one in found:
        if not _CAPABILITY.fullmatch(one) or (one == 'ALL' and key.endswith('add')):
            raise errors.InvalidSpec(f'{key}: {one[:40]} is no capability; name each, as NET_ADMIN')
    return found


def _number(extra: Mapping[str, str], key: str, default: Any, **bounds: int) -> Any:
    return process.whole_number(key, extra[key], **bounds) if key in extra else default


def _truth(extra: Mapping[str, str], key: str, *, default: bool) -> bool:
    return process.truth(key, extra[key]) if key in extra else default
