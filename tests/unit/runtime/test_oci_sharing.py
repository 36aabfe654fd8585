# SPDX-License-Identifier: Apache-2.0
"""Namespaces, shared memory and device rules as the OCI runtime takes them."""

import pytest

from nova_container.engine import Sharing
from nova_container.runtime import oci_sharing


def types(sharing, *, joined=(), network='/run/netns/a', version=2):
    made = oci_sharing.namespaces(sharing, dict(joined), network, version)
    return {entry['type']: entry.get('path') for entry in made}


def test_each_namespace_is_its_own_by_default():
    assert types(Sharing()) == {'mount': None, 'pid': None, 'ipc': None, 'uts': None, 'network': '/run/netns/a',
                                'cgroup': None}
    assert 'cgroup' not in types(Sharing(), version=1)


@pytest.mark.parametrize('kind', ['pid', 'ipc', 'uts', 'cgroup'])
def test_the_host_s_is_left_out(kind):
    assert kind not in types(Sharing(**{kind: 'host'}))


def test_another_container_s_is_a_path():
    assert types(Sharing(pid='container:a'), joined={'pid': '/proc/7/ns/pid'})['pid'] == '/proc/7/ns/pid'


def test_a_control_group_namespace_is_made_on_version_1_if_asked_for():
    assert 'cgroup' in types(Sharing(cgroup='private'), version=1)


@pytest.mark.parametrize(('mode', 'shared', 'expected'), [
    ('', None, ['shm', 'mqueue']), ('none', None, ['mqueue']), ('host', None, ['/dev/shm', 'mqueue']),
    ('shareable', '/state/shm', ['/state/shm', 'mqueue']), ('container:a', '/state/shm', ['/state/shm', 'mqueue'])])
def test_shared_memory_is_where_the_mode_says(mode, shared, expected):
    assert [mount['source'] for mount in oci_sharing.ipc_mounts(Sharing(ipc=mode), 1 << 20, shared)] == expected


@pytest.mark.parametrize(('rule', 'expected'), [
    ('c 42:* rmw', {'allow': True, 'type': 'c', 'major': 42, 'access': 'rmw'}),
    ('b 8:16 r', {'allow': True, 'type': 'b', 'major': 8, 'minor': 16, 'access': 'r'}),
    ('a *:* rwm', {'allow': True, 'type': 'a', 'access': 'rwm'})])
def test_a_device_rule_is_read(rule, expected):
    assert oci_sharing.device_rule(rule) == expected
