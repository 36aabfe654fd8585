# SPDX-License-Identifier: Apache-2.0
"""What an operator grants by a flavor has its effect inside."""

import re
from typing import Any

import pytest

from tests.cloud.inside import Containers
from tests.cloud.project import Project

NET_ADMIN, SYS_ADMIN, CHOWN = 12, 21, 0


def capabilities(containers: Containers, server_id: str) -> int:
    """The effective ones of the first process."""
    return int(re.search(r'CapEff:\s+([0-9a-f]+)', containers.sh(server_id, 'cat /proc/1/status')).group(1), 16)


@pytest.fixture
def server(project, admin):
    return project.boot(flavor=admin.flavor(ram=64, **{
        'container__cap_add': 'NET_ADMIN', 'container__cap_drop': 'CHOWN',
        'container__sysctl__net.ipv4.ip_forward': '1', 'container__ulimit__nofile': '3333:4444',
        'container__shm_size_mb': '17', 'container__pids_limit': '77', 'container__no_new_privileges': 'false'}))


def test_extra_specs_are_in_force(server, containers):
    held = capabilities(containers, server.id)
    assert held >> NET_ADMIN & 1 and not held >> CHOWN & 1 and not held >> SYS_ADMIN & 1
    assert containers.sh(server.id, 'cat /proc/sys/net/ipv4/ip_forward') == '1\n'
    assert re.search(r'Max open files\s+3333\s+4444', containers.sh(server.id, 'cat /proc/1/limits'))
    assert re.search(rf'\s{17 * 1024}\s', containers.sh(server.id, 'busybox df -k /dev/shm'))
    limit = 'cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null; true'
    assert containers.sh(server.id, limit) == '77\n'
    assert re.search(r'NoNewPrivs:\s+0', containers.sh(server.id, 'cat /proc/1/status'))


def test_memory_is_a_hard_limit_and_vcpus_are_a_quota(server, containers):
    assert containers.inspect(server.id)['HostConfig']['Memory'] == 64 << 20
    code, _ = containers.tried(server.id, 'sh', '-c', 'busybox dd if=/dev/zero of=/dev/null bs=200M count=1')
    assert code != 0


WRONG = {'container__cap_add': 'ALL', 'container__sysctl__kernel.core_pattern': 'x', 'container__hugepages': '1',
         'container__devices': '/etc/passwd'}


@pytest.fixture(scope='module')
def wrong(shared: Project, shared_admin: Project) -> dict[str, Any]:
    return shared.fail({key: {'flavor': shared_admin.flavor(**{key: value})} for key, value in WRONG.items()})


@pytest.mark.parametrize('key', WRONG)
def test_a_wrong_flavor_is_named_in_the_fault(wrong, key):
    fault = wrong[key].fault['message']
    assert key.replace('__', ':') in fault and len(fault) <= 255
