# SPDX-License-Identifier: Apache-2.0
"""What servers hold of the host and of the cloud, before and after: nothing may be left."""

import contextlib
import os
import pathlib
import time
from typing import Any

from tests.cloud.host import Host
from tests.cloud.inside import Containers
from tests.cloud.project import Project

_CGROUPS = pathlib.Path('/sys/fs/cgroup')

Holding = dict[str, frozenset[str]]


def take(host: Host, admin: Project, containers: Containers) -> Holding:
    """Names by kind, of all that belongs to servers of this cloud."""
    return {
        'port of the switch': frozenset(name for name in host.switch_ports() if _is_of_a_server(name)
                                        and name not in _of_neutron_itself(admin)),
        'interface': frozenset(name for name in os.listdir('/sys/class/net') if _is_of_a_server(name)),
        'namespace': _names(host.settings.namespaces), 'bundle': _names(host.settings.bundles),
        'exit file': _names(host.settings.exits), 'runtime state': _names(host.settings.runtime_root),
        'container folder': _names(host.settings.containers), 'staging': _names(host.settings.staging),
        'mount': _mounts(host), 'control group': _control_groups(host), 'process': _processes(host),
        'container': frozenset(one.name for one in containers.client.containers.list(all=True, ignore_removed=True)),
        'image of a snapshot': frozenset(tag for image in containers.client.api.images()
                                         for tag in image['RepoTags'] or () if tag.startswith('snapshot/')),
        **_in_the_cloud(admin)}


def assert_equal(before: Holding, host: Host, admin: Project, containers: Containers, within_s: float = 20.0) -> None:
    """Wait until all is as before. :raises AssertionError: what is not."""
    deadline = time.monotonic() + within_s
    while (found := differences(before, take(host, admin, containers))) and time.monotonic() < deadline:
        time.sleep(0.3)
    assert found == [], 'not as before:\n' + '\n'.join(found)


def differences(before: Holding, after: Holding) -> list[str]:
    """Lines ``+ mount /...`` for what is new, ``- ...`` for what is gone."""
    return [f'{sign} {kind} {name}' for kind in after
            for sign, names in (('+', after[kind] - before[kind]), ('-', before[kind] - after[kind]))
            for name in sorted(names)]


def _in_the_cloud(admin: Project) -> Holding:
    placement = admin.api.placement
    allocations = {consumer for provider in placement.resource_providers()
                   for consumer in _allocations(placement, provider)}
    return {
        'server': frozenset(one.id for one in admin.compute.servers(all_projects=True, details=False)),
        'port of Neutron': frozenset(port.id for port in admin.network.ports()
                                     if not (port.device_owner or '').startswith('network:')),
        'image of Glance': frozenset(f'{image.id} {image.name}' for image in admin.image.images()),
        'allocation': frozenset(allocations)}


def _of_neutron_itself(admin: Project) -> frozenset[str]:
    """Ports of DHCP servers and routers, which come and go when their agents get to it."""
    return frozenset(f'tap{port.id[:11]}' for port in admin.network.ports()
                     if (port.device_owner or '').startswith('network:'))


def _is_of_a_server(name: str) -> bool:
    """Neutron names a port ``tap`` and eleven characters of its id; other names may be of tests beside us."""
    return name.startswith('tap') and len(name) == 14


def _names(folder: pathlib.Path) -> frozenset[str]:
    return frozenset(entry.name for entry in folder.iterdir())


def _mounts(host: Host) -> frozenset[str]:
    below = (f'{host.settings.state_dir}/', f'{host.settings.run_dir}/')
    return frozenset(point for line in pathlib.Path('/proc/self/mountinfo').read_text().splitlines()
                     if (point := line.split()[4]).startswith(below))


def _control_groups(host: Host) -> frozenset[str]:
    parent = host.settings.cgroup_parent.lstrip('/')
    return frozenset(str(path) for root in (_CGROUPS, *_CGROUPS.glob('*/')) for path in root.glob(f'{parent}/**/')
                     if path != root / parent)


def _processes(host: Host) -> frozenset[str]:
    """Monitors and runtimes, which name a folder of the engine."""
    found = set()
    for entry in pathlib.Path('/proc').glob('[0-9]*'):
        with contextlib.suppress(OSError):
            command = (entry / 'cmdline').read_bytes().replace(b'\0', b' ').decode(errors='replace')
            if f'{host.settings.run_dir}/' in command or f'{host.settings.state_dir}/' in command:
                found.add(f'{entry.name} {command[:100]}')
    return frozenset(found)


def _allocations(placement: Any, provider: Any) -> list[str]:
    return list(placement.get(f'/resource_providers/{provider.id}/allocations').json()['allocations'])
