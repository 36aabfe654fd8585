# SPDX-License-Identifier: Apache-2.0
"""Restart one service, in a fresh interpreter if it is a Python one."""

import collections.abc
import time

from tools.minicloud import catalog
from tools.minicloud import errors
from tools.minicloud import instance
from tools.minicloud import namespaces
from tools.minicloud import records
from tools.minicloud import service
from tools.minicloud import up

_SWITCH = 'ovs-vswitchd'
_ON_THE_SWITCH = ('neutron-openvswitch-agent', 'neutron-dhcp-agent',
                  'neutron-l3-agent')


def restart(cloud: instance.Instance,
            name: str) -> collections.abc.Iterator[tuple[str, float]]:
    """Restart a service, dead or alive; yield it and its seconds when ready.

    A new userspace switch cannot reopen the devices that were moved into
    namespaces, so its agents follow it and make them anew.
    """
    known = catalog.services(cloud, cloud.driver)
    if name not in known:
        raise errors.MinicloudError(
            f'There is no service `{name}`; there are {", ".join(known)}.')
    followers = (_ON_THE_SWITCH if name == _SWITCH
                 and cloud.datapath == 'netdev' else ())
    for one in (name, *followers):
        _stop(cloud, known[one])
    if followers:
        namespaces.remove(cloud)
    for one in (name, *followers):
        yield one, _start(cloud, known[one])


def _stop(cloud: instance.Instance, one: service.Service) -> None:
    record = records.load(service.records_folder(cloud), one.name)
    if record:
        service.stop(cloud, record, one.grace_s)


def _start(cloud: instance.Instance, one: service.Service) -> float:
    began = time.monotonic()
    up.begin(cloud)
    up.start_and_wait(cloud, one)
    return time.monotonic() - began
