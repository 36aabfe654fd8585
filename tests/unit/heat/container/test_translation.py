# SPDX-License-Identifier: Apache-2.0
"""Properties -> the contract, seen as the body that an engine gets: held against golden files."""

import json
import pathlib
from collections.abc import Mapping
from typing import Any

import pytest
from heat.engine import properties

from heat_container.schema.container.properties import MADE, PROPERTIES
from heat_container.translate import container as translate
from nova_container import errors
from nova_container.docker.wire import container as wire
from nova_container.engine import ContainerSpec, validate

FIXTURES = pathlib.Path(__file__).with_name('fixtures')
CASES: Mapping[str, dict[str, Any]] = {
    'least': {},
    'process': {
        'entrypoint': ['sh', '-c'], 'command': ['echo $A'],
        'environment': {'A': 1, 'B': None, 'C': [1, 'x'], 'D': True},
        'secret_environment': {'S': 'ignored'}, 'working_dir': '/srv', 'user': 'www:www', 'tty': True,
        'open_stdin': True, 'stdin_once': True, 'stop_signal': 'SIGINT', 'stop_timeout': 3, 'init': True,
        'hostname': 'web', 'domainname': 'example.org', 'labels': {'a': 1}, 'exposed_ports': ['80', '90-91/udp'],
        'shell': ['/bin/ash', '-c'], 'on_build': ['RUN true'],
        'healthcheck': {'test': ['CMD', 'true'], 'interval': 1.5, 'timeout': 2, 'retries': 3, 'start_period': 4,
                        'start_interval': 0.5}},
    'limits': {
        'cpus': 0.5, 'cpu_shares': 512, 'cpu_rt_period': 1000, 'cpu_rt_runtime': 500, 'cpuset_cpus': '0-1',
        'cpuset_mems': '0', 'memory': 64 << 20, 'memory_reservation': 32 << 20, 'memory_swap': -1,
        'memory_swappiness': 10, 'oom_kill_disable': True, 'oom_score_adj': 100, 'pids_limit': 99, 'blkio_weight': 300,
        'blkio_weight_device': [{'path': '/dev/sda', 'weight': 200}],
        'device_read_bps': [{'path': '/dev/sda', 'rate': 1}], 'device_write_bps': [{'path': '/dev/sda', 'rate': 2}],
        'device_read_iops': [{'path': '/dev/sda', 'rate': 3}], 'device_write_iops': [{'path': '/dev/sda', 'rate': 4}],
        'root_size': 1 << 30, 'shm_size': 1 << 20,
        'ulimits': [{'name': 'nofile', 'soft': 10, 'hard': 20}, {'name': 'core', 'soft': 0}],
        'log_config': {'driver': 'local', 'max_size': 4096, 'max_files': 2, 'options': {'labels': 'a,b', 'tag': 'web'}},
        'restart_policy': {'name': 'on-failure', 'maximum_retry_count': 3}},
    'cpu_quota': {'cpu_quota': 25000, 'cpu_period': 50000},
    'storage': {
        'mounts': [
            {'volume': 'data', 'target': '/data', 'subpath': 'a', 'no_copy': True},
            {'target': '/new', 'volume': 'new', 'volume_driver': 'local', 'volume_labels': {'x': 1},
             'volume_options': {'type': 'tmpfs', 'device': 'tmpfs'}},
            {'type': 'tmpfs', 'target': '/tmp', 'size': 4096, 'mode': '1777', 'options': ['noexec']},
            {'type': 'bind', 'source': '/srv', 'target': '/srv', 'read_only': True, 'propagation': 'rslave',
             'create_source': True},
            {'type': 'bind', 'source': '/opt', 'target': '/opt', 'read_only': True, 'non_recursive': True,
             'read_only_non_recursive': True}],
        'anonymous_volumes': ['/cache'], 'volumes_from': ['other:ro'], 'read_only': True},
    'network': {
        'networks': [{'network': 'front', 'aliases': ['web'], 'ipv4_address': '10.0.0.2',
                      'mac_address': '02:00:00:00:00:01', 'link_local_ips': ['169.254.1.2']},
                     {'network': 'back', 'ipv6_address': 'fd00::2', 'links': ['db:database'],
                      'driver_options': {'x': 'y'}, 'gateway_priority': 5}],
        'links': ['other:alias'], 'publish_all_ports': True, 'dns': ['192.0.2.1'], 'dns_search': ['example.org'],
        'dns_options': ['ndots:2'], 'extra_hosts': ['host:192.0.2.2'],
        'ports': [{'container_port': 80, 'host_port': 8080, 'host_ip': '127.0.0.1'},
                  {'container_port': 53, 'protocol': 'udp'},
                  {'container_port': 81, 'host_port': 9000, 'host_port_end': 9009}]},
    'no_network': {'network_mode': 'none'}, 'joined_network': {'network_mode': 'container:other'},
    'security': {
        'privileged': True, 'cap_add': ['NET_ADMIN'], 'cap_drop': ['NET_RAW'], 'no_new_privileges': False,
        'seccomp_unconfined': True, 'masked_paths': [], 'readonly_paths': ['/proc/sys'], 'group_add': ['7'],
        'devices': [{'path_on_host': '/dev/fuse'}, {'path_on_host': '/dev/a', 'path_in_container': '/dev/b',
                                                     'permissions': 'r'}],
        'device_cgroup_rules': ['c 42:* rmw'], 'sysctls': {'net.ipv4.ip_forward': 1}, 'pid_mode': 'host',
        'ipc_mode': 'shareable', 'uts_mode': 'host', 'userns_mode': 'host', 'cgroupns_mode': 'private',
        'cgroup_parent': '/web', 'runtime': 'other', 'annotations': {'a': 'b'}},
    'no_health': {'healthcheck': {'test': ['NONE']}},
    'cleared': {'entrypoint': [], 'command': []},
}


def spec(given: Mapping[str, Any], **how: Any) -> ContainerSpec:
    return translate.spec_of(properties.Properties(PROPERTIES, {'image': 'box:1', **given}), name='web', **how)


@pytest.mark.parametrize('case', CASES)
def test_properties_become_this_body(case):
    secrets = {'S': 'secret'} if case == 'process' else {}
    body = wire.create_body(spec(CASES[case], labels={'heat': 'x'}, secrets=secrets))
    assert body == json.loads((FIXTURES / f'{case}.json').read_text())


@pytest.mark.parametrize('case', CASES)
def test_what_is_made_of_properties_is_a_sound_spec(case):
    validate.check(spec(CASES[case]))


def test_every_property_that_makes_a_container_is_in_a_case():
    used = {name for case in CASES.values() for name in case}
    assert MADE.keys() - used - {'image', 'image_pull_policy', 'platform', 'registry_credentials', 'files'} == set()


def test_what_a_template_leaves_out_is_the_default_of_the_contract():
    found = spec({})
    assert (found.resources, found.security, found.process) == (
        ContainerSpec(name='', image='').resources, ContainerSpec(name='', image='').security,
        ContainerSpec(name='', image='').process)


def test_beside_a_server_its_network_is_shared():
    found = spec({}, beside='abc')
    assert (found.network.mode.value, found.network.container) == ('container', 'abc')
    with pytest.raises(errors.InvalidSpec, match='server'):
        spec({'networks': [{'network': 'x'}]}, beside='abc')


@pytest.mark.parametrize(('given', 'message'), [
    ({'mounts': [{'type': 'bind', 'target': '/x'}]}, 'needs source'),
    ({'mounts': [{'type': 'tmpfs', 'target': '/x', 'volume': 'v'}]}, 'volume is of a volume'),
    ({'mounts': [{'target': '/x', 'size': 1}]}, 'size is of a tmpfs'),
    ({'mounts': [{'target': '/x', 'non_recursive': True}]}, 'non_recursive is of a bind'),
    ({'network_mode': 'none', 'ports': [{'container_port': 1}]}, 'ports can be published'),
    ({'ports': [{'container_port': 1, 'host_port_end': 5}]}, 'needs host_port'),
    ({'environment': {'A=B': 'c'}}, 'name of a variable'), ({'exposed_ports': ['0']}, 'is not like'),
    ({'healthcheck': {'test': ['CMD']}}, 'healthcheck')])
def test_contradictions_are_named(given, message):
    with pytest.raises(errors.InvalidSpec, match=message):
        spec(given)
