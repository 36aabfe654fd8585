# SPDX-License-Identifier: Apache-2.0
"""The network namespaces Neutron's agents made for this minicloud."""

import os
import pathlib
import re

from tools.minicloud import instance
from tools.minicloud import processes

_PLACE = pathlib.Path('/run/netns')
_UUID = re.compile(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')


def own_ids(state: pathlib.Path) -> set[str]:
    """Return the uuids of the networks and routers the agents served.

    Namespace names are global on the host; the files the agents keep in their
    state path tell which are ours.
    """
    return {match.group() for path in state.rglob('*')
            if (match := _UUID.search(path.name))}


def find(cloud: instance.Instance) -> list[pathlib.Path]:
    """Return the namespaces of our own networks and routers."""
    ours = own_ids(cloud.path('data', 'neutron'))
    return [place for place in sorted(_PLACE.glob('q*-*'))
            if place.name.partition('-')[0] in ('qrouter', 'qdhcp')
            and place.name.partition('-')[2] in ours]


def remove(cloud: instance.Instance) -> None:
    """Delete them with the processes inside; silent if there are none."""
    found = find(cloud)
    processes.stop(_occupants(cloud, found), 2)
    for place in found:
        processes.run(('ip', 'netns', 'delete', place.name), home=cloud.home)


def _occupants(cloud: instance.Instance,
               found: list[pathlib.Path]) -> list[int]:
    inodes = {place.stat().st_ino for place in found}
    return [pid for pid in processes.members(cloud.home)
            if _inode(pid) in inodes]


def _inode(pid: int) -> int | None:
    try:
        return os.stat(f'/proc/{pid}/ns/net').st_ino
    except OSError:
        return None
