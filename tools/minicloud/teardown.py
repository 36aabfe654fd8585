# SPDX-License-Identifier: Apache-2.0
"""Take everything down and leave nothing outside the folder."""

import pathlib
import shutil

from tools.minicloud import containers
from tools.minicloud import errors
from tools.minicloud import instance
from tools.minicloud import namespaces
from tools.minicloud import openvswitch
from tools.minicloud import processes
from tools.minicloud import records
from tools.minicloud import service

_BACKING = ('ovs-vswitchd', 'ovsdb-server', 'rabbitmq', 'mariadb')


def is_dirty(cloud: instance.Instance) -> bool:
    """Whether an earlier run left something to clean."""
    return bool(records.load_all(service.records_folder(cloud))
                or processes.members(cloud.home)
                or containers.find_strays(cloud) or _mounts(cloud.home))


def down(cloud: instance.Instance) -> None:
    """Stop all services; only the folder remains.

    Like a shutdown of the host: containers stop, and Nova starts its servers
    again at the next `up`. Silent about what is gone already.
    """
    stopped = containers.stop_all(cloud)
    if stopped:
        print(f'  {stopped} containers stopped; the next `up` resumes them')
    _take_down(cloud)


def _take_down(cloud: instance.Instance) -> None:
    devices = openvswitch.port_names(cloud)
    switched = records.load(service.records_folder(cloud), 'ovs-vswitchd')
    _stop_services(cloud)
    processes.stop(processes.members(cloud.home), 2)
    processes.stop(containers.find_strays(cloud), 0)
    containers.remove_cgroups(cloud)
    namespaces.remove(cloud)
    _remove_devices(cloud, devices)
    if switched:
        openvswitch.remove_orphaned_datapath(cloud)
    _unmount(cloud.home)
    shutil.rmtree(cloud.path('run'), ignore_errors=True)
    shutil.rmtree(cloud.path('tmp'), ignore_errors=True)


def wipe(cloud: instance.Instance) -> None:
    """Remove all containers, take down and delete the folder."""
    removed = containers.remove_all(cloud)
    if removed:
        print(f'  {removed} containers removed')
    _take_down(cloud)
    if _mounts(cloud.home):
        raise errors.MinicloudError(
            f'Something is still mounted below {cloud.home}, so it was not '
            f'deleted: {", ".join(_mounts(cloud.home))}. Unmount it and run '
            '`minicloud wipe` again.')
    shutil.rmtree(cloud.home)


def _stop_services(cloud: instance.Instance) -> None:
    running = records.load_all(service.records_folder(cloud))
    front = [one for one in running if one.name not in _BACKING]
    processes.stop([one.pid for one in front if one.is_alive()], 3)
    leaders = {one.pid for one in front}
    processes.stop([pid for leader in leaders for pid
                    in processes.session_of(cloud.home, leader)], 1)
    for name in _BACKING:
        for one in running:
            if one.name == name and one.is_alive():
                processes.stop([one.pid], 20 if name == 'mariadb' else 3)


def _remove_devices(cloud: instance.Instance, devices: list[str]) -> None:
    openvswitch.remove_bridges(cloud)
    for name in devices:
        if pathlib.Path('/sys/class/net', name).exists():
            processes.run(('ip', 'link', 'delete', name), home=cloud.home)


def _unmount(home: pathlib.Path) -> None:
    for place in reversed(_mounts(home)):
        processes.run(('umount', '--lazy', place), home=home)


def _mounts(home: pathlib.Path) -> list[str]:
    places = (line.split()[4].encode().decode('unicode_escape') for line
              in pathlib.Path('/proc/self/mountinfo').read_text().splitlines())
    return [place for place in places if place.startswith(f'{home}/')]
