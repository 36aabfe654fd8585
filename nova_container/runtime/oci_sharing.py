# SPDX-License-Identifier: Apache-2.0
"""Namespaces shared with the host or another container, and the mounts and rules that follow: pure."""

from collections.abc import Mapping
from typing import Any

from nova_container.engine import spec as specs

Json = dict[str, Any]

_CLOSED = ('nosuid', 'noexec', 'nodev')
_JOINED = 'container:'
NONE, HOST, SHAREABLE = 'none', 'host', 'shareable'


def donor(mode: str) -> str | None:
    """The container that a mode names; None if it names none."""
    return mode.removeprefix(_JOINED) if mode.startswith(_JOINED) else None


def namespaces(sharing: specs.Sharing, joined: Mapping[str, str], network: str | None,
               cgroup_version: int) -> list[Json]:
    """``linux.namespaces``. ``joined`` has the paths of another container's by type, ``network`` None is the host's."""
    made: list[Json] = [{'type': 'mount'}]
    made += [{'type': name, **({'path': joined[name]} if name in joined else {})}
             for name, mode in (('pid', sharing.pid), ('ipc', sharing.ipc), ('uts', sharing.uts)) if mode != HOST]
    if network is not None:
        made.append({'type': 'network', 'path': network})
    if sharing.cgroup == 'private' or (sharing.cgroup == '' and cgroup_version == 2):
        made.append({'type': 'cgroup'})
    return made


def ipc_mounts(sharing: specs.Sharing, shm_bytes: int, shm_source: str | None) -> list[Json]:
    """/dev/shm and /dev/mqueue. ``shm_source`` is the shared memory that several containers see."""
    queues: Json = {'destination': '/dev/mqueue', 'type': 'mqueue', 'source': 'mqueue', 'options': [*_CLOSED]}
    if sharing.ipc == NONE:
        return [queues]
    if sharing.ipc == HOST:
        return [_bind('/dev/shm', '/dev/shm'), queues]  # a mount of queues shows those of the namespace it is made in
    if shm_source is not None:
        return [_bind(shm_source, '/dev/shm'), queues]
    return [{'destination': '/dev/shm', 'type': 'tmpfs', 'source': 'shm',
             'options': [*_CLOSED, 'mode=1777', f'size={shm_bytes}']}, queues]


def device_rule(rule: str) -> Json:
    """``c 42:* rmw`` as the OCI runtime takes it."""
    kind, numbers, access = rule.split(' ')
    major, _, minor = numbers.partition(':')
    made: Json = {'allow': True, 'type': kind, 'access': access}
    return made | {name: int(number) for name, number in (('major', major), ('minor', minor)) if number != '*'}


def _bind(source: str, destination: str) -> Json:
    return {'destination': destination, 'type': 'bind', 'source': source, 'options': ['rbind', 'rprivate', *_CLOSED]}
