# SPDX-License-Identifier: Apache-2.0
"""What must be so before anything is started."""

import importlib.util
import os
import pathlib
import shutil

from tools.minicloud import errors
from tools.minicloud import instance
from tools.minicloud import openvswitch
from tools.minicloud import ports

_NEEDED_BYTES = 2 * 1024 ** 3
_SEARCHED = os.environ.get('PATH', '') + ':/usr/local/sbin:/usr/sbin:/sbin'
EXECUTABLES = {
    'mariadbd': 'mariadb-server', 'mariadb-install-db': 'mariadb-server',
    'mariadb-dump': 'mariadb-client', 'erl': 'rabbitmq-server',
    '/usr/lib/rabbitmq/bin/rabbitmq-server': 'rabbitmq-server',
    'ovsdb-server': 'openvswitch-switch', 'ovs-vswitchd': 'openvswitch-switch',
    'dnsmasq': 'dnsmasq-base', 'haproxy': 'haproxy', 'ip': 'iproute2',
    'conntrack': 'conntrack', 'ipset': 'ipset', 'arping': 'iputils-arping',
    'iptables-restore': 'iptables', 'docker-registry': 'docker-registry',
}


def root() -> None:
    """Raise unless we may make namespaces and bridges."""
    if os.geteuid() != 0:
        raise errors.MinicloudError(
            'minicloud makes network namespaces and bridges: run it as root.')


def executables() -> None:
    """Raise with the Debian packages that are missing."""
    missing = sorted({package for name, package in EXECUTABLES.items()
                      if not shutil.which(name, path=_SEARCHED)})
    if missing:
        raise errors.MinicloudError(
            'Some Debian packages are missing; run `apt-get install '
            f'--no-install-recommends {" ".join(missing)}`.')


def packages() -> None:
    """Raise if OpenStack is not in this interpreter's environment."""
    missing = [name for name in ('keystone', 'placement', 'glance', 'neutron',
                                 'nova', 'heat', 'waitress')
               if importlib.util.find_spec(name) is None]
    if missing:
        raise errors.MinicloudError(
            f'Python cannot import {", ".join(missing)}; install the '
            'requirements of tools/minicloud/README.md into .venv, or point '
            'MINICLOUD_VENV at an environment that has them.')


def disk(home: pathlib.Path) -> None:
    """Raise if the folder's file system has too little room."""
    there = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free < _NEEDED_BYTES:
        raise errors.MinicloudError(
            f'{there} has {free >> 20} MiB free and minicloud needs '
            f'{_NEEDED_BYTES >> 20}; free some, or set MINICLOUD_HOME to a '
            'folder elsewhere.')


def free_ports(cloud: instance.Instance) -> None:
    """Raise if somebody else listens on a port of the block."""
    taken = ports.taken(cloud.ports)
    if not taken:
        return
    listed = ', '.join(f'{port} ({name}{_owner(port)})'
                       for name, port in taken.items())
    raise errors.MinicloudError(
        f'These ports are taken: {listed}. Stop what listens there, or run '
        '`minicloud wipe` and set MINICLOUD_PORT_BASE to a free block.')


def switch() -> None:
    """Raise if another userspace switch is in the way of ours."""
    if openvswitch.somebody_holds_datapath():
        raise errors.MinicloudError(
            'Another Open vSwitch runs with the userspace datapath, and a '
            'host has room for one device named ovs-netdev; stop it first. '
            '(A second minicloud is no obstacle once its `up` has ended.)')


def _owner(port: int) -> str:
    inode = _listening_inode(port)
    for link in pathlib.Path('/proc').glob('[0-9]*/fd/*'):
        try:
            if inode and os.readlink(link) == f'socket:[{inode}]':
                pid = link.parts[2]
                name = pathlib.Path('/proc', pid, 'comm').read_text().strip()
                return f' by {name}, pid {pid}'
        except OSError:
            continue
    return ''


def _listening_inode(port: int) -> str | None:
    for table in ('/proc/net/tcp', '/proc/net/tcp6'):
        for line in pathlib.Path(table).read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == '0A' and words[1].endswith(f':{port:04X}'):
                return words[9]
    return None
