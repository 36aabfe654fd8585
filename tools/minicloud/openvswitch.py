# SPDX-License-Identifier: Apache-2.0
"""Open vSwitch from Debian with a database and a run directory of its own."""

import os
import pathlib
import shutil
import socket
import time

from tools.minicloud import errors
from tools.minicloud import instance
from tools.minicloud import probes
from tools.minicloud import processes
from tools.minicloud import service

_DATAPATH_DEVICE = 'ovs-netdev'
_CLAIM_S = 5
_SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema'


def database(cloud: instance.Instance) -> service.Service:
    """The database of the private Open vSwitch."""
    run = cloud.path('run', 'ovs')
    return service.Service('ovsdb-server', service.Command((
        'ovsdb-server', str(cloud.path('data', 'ovs', 'conf.db')),
        f'--remote=punix:{run / "db.sock"}', f'--unixctl={run / "db.ctl"}',
        '--no-chdir', '-vconsole:warn'), environment(cloud)),
        _accepts('db.sock'))


def prepare(cloud: instance.Instance) -> None:
    """Create an empty switch database: the agents fill it anew each run."""
    data = cloud.path('data', 'ovs')
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    cloud.path('run', 'ovs').mkdir(parents=True, exist_ok=True)
    processes.run(('ovsdb-tool', 'create', str(data / 'conf.db'),
                   _SCHEMA), home=cloud.home, env=environment(cloud))

def switch(cloud: instance.Instance) -> service.Service:
    """The switch itself."""
    run = cloud.path('run', 'ovs')
    return service.Service('ovs-vswitchd', service.Command((
        'ovs-vswitchd', f'unix:{run / "db.sock"}',
        f'--unixctl={run / "vswitchd.ctl"}', '--no-chdir', '-vconsole:warn'),
        environment(cloud)), _accepts('vswitchd.ctl'),
        needs=('ovsdb-server',))


def environment(cloud: instance.Instance) -> dict[str, str]:
    """Return what keeps Open vSwitch tools off the host's own switch."""
    return {'OVS_RUNDIR': str(cloud.path('run', 'ovs')),
            'OVS_DBDIR': str(cloud.path('data', 'ovs')),
            'OVS_LOGDIR': str(cloud.path('logs'))}


def _accepts(name: str) -> probes.Probe:
    def probe(cloud: instance.Instance) -> bool:
        with socket.socket(socket.AF_UNIX) as attempt:
            try:
                attempt.connect(str(cloud.path('run', 'ovs', name)))
            except OSError:
                return False
            return True
    return probe


def choose_datapath() -> str:
    """Return `system` where the kernel module is ours alone, else `netdev`.

    Two ovs-vswitchd on one kernel datapath delete each other's ports, so a
    switch the host already runs also means the userspace datapath.
    """
    chosen = os.environ.get('MINICLOUD_DATAPATH', '')
    if chosen in ('netdev', 'system'):
        return chosen
    loaded = pathlib.Path('/sys/module/openvswitch').exists()
    return 'system' if loaded and not _somebody_switches() else 'netdev'


def claim_datapath(cloud: instance.Instance) -> None:
    """Rename the device of the userspace datapath to one of our own.

    Every ovs-vswitchd insists on creating `ovs-netdev`; moved out of the way
    it is not missed, and a second checkout's switch can start.
    """
    deadline = time.monotonic() + _CLAIM_S
    while not _device(_DATAPATH_DEVICE).exists():
        if time.monotonic() > deadline:
            return
        time.sleep(0.02)
    own = datapath_device(cloud)
    if _device(own).exists():
        processes.run(('ip', 'link', 'delete', own), home=cloud.home)
    processes.run(('ip', 'link', 'set', _DATAPATH_DEVICE, 'name', own),
                  home=cloud.home)


def datapath_device(cloud: instance.Instance) -> str:
    """Return what ``claim_datapath`` names the device."""
    return f'on{cloud.id}'


def remove_orphaned_datapath(cloud: instance.Instance) -> None:
    """Delete the device a switch left that died before it was claimed."""
    if (_device(_DATAPATH_DEVICE).exists()
            and not somebody_holds_datapath()):
        processes.run(('ip', 'link', 'delete', _DATAPATH_DEVICE),
                      home=cloud.home)


def somebody_holds_datapath() -> bool:
    """Whether a process has the device of a userspace datapath open."""
    if not _device(_DATAPATH_DEVICE).exists():
        return False
    wanted = f'iff:\t{_DATAPATH_DEVICE}\n'
    return any(wanted in _read(entry) for entry
               in pathlib.Path('/proc').glob('[0-9]*/fdinfo/*'))


def create_bridges(cloud: instance.Instance, datapath: str) -> None:
    """Create br-int and br-ex under our names and give the host .1 on br-ex."""
    argv = ['ovs-vsctl', '--timeout=20', f'--db={_socket(cloud)}']
    for bridge in (cloud.integration_bridge, cloud.external_bridge):
        argv += ['--', '--may-exist', 'add-br', bridge, '--', 'set',
                 'Bridge', bridge, f'datapath_type={datapath}']
    processes.run(argv, home=cloud.home, env=environment(cloud))
    if datapath == 'netdev':
        claim_datapath(cloud)
    address = f'{cloud.ports.external_prefix}.1/24'
    for words in (('addr', 'replace', address, 'dev', cloud.external_bridge),
                  ('link', 'set', cloud.external_bridge, 'up'),
                  ('link', 'set', cloud.integration_bridge, 'up')):
        processes.run(('ip', *words), home=cloud.home)


def remove_bridges(cloud: instance.Instance) -> None:
    """Delete what a killed switch left as devices on the host."""
    for bridge in (cloud.integration_bridge, cloud.external_bridge,
                   cloud.tunnel_bridge, datapath_device(cloud)):
        if _device(bridge).exists():
            processes.run(('ip', 'link', 'delete', bridge), home=cloud.home)


def port_names(cloud: instance.Instance) -> list[str]:
    """Return the interfaces the switch holds; empty if it does not run."""
    try:
        return processes.run(
            ('ovs-vsctl', '--timeout=5', f'--db={_socket(cloud)}',
             '--bare', '--columns=name', 'list', 'Interface'),
            home=cloud.home, env=environment(cloud)).split()
    except errors.MinicloudError:
        return []


def _socket(cloud: instance.Instance) -> str:
    return f'unix:{cloud.path("run", "ovs", "db.sock")}'


def _somebody_switches() -> bool:
    return any(_read(entry) == 'ovs-vswitchd\n'
               for entry in pathlib.Path('/proc').glob('[0-9]*/comm'))


def _device(name: str) -> pathlib.Path:
    return pathlib.Path('/sys/class/net', name)


def _read(path: pathlib.Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ''
