# SPDX-License-Identifier: Apache-2.0
"""OS::Docker::Container on a real engine: what the fake promises, kept."""

import json
import socket
import urllib.request
from collections.abc import Mapping
from typing import Any

import pytest

from nova_container.engine import Status

pytestmark = pytest.mark.root
IMAGE = 'box:1'
SERVE = ['sh', '-c', 'mkdir -p /www; echo "$VERSION" > /www/index.html; exec httpd -f -p 80 -h /www']


def template(web: Mapping[str, Any], outputs: tuple[str, ...] = ()) -> str:
    """Two networks, and in the first the container ``web``."""
    return json.dumps({
        'heat_template_version': '2021-04-16',
        'resources': {
            **{name: {'type': 'OS::Docker::Network', 'properties': {'ipam': {'pools': [{'subnet': subnet}]}}}
               for name, subnet in (('net', '10.233.7.0/24'), ('back', '10.233.8.0/24'))},
            'web': {'type': 'OS::Docker::Container', 'properties': {
                'image': IMAGE, 'command': SERVE, 'stop_timeout': 1,
                'networks': [{'network': {'get_resource': 'net'}, 'ipv4_address': '10.233.7.9'}], **web}}},
        'outputs': {name: {'value': {'get_attr': ['web', name]}} for name in outputs}})


def page(port: int | str, path: str = '/') -> str:
    with urllib.request.urlopen(f'http://127.0.0.1:{port}{path}', timeout=10) as answer:
        return answer.read().decode().strip()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def fixed():
    """Properties with all that only one container can have."""
    return {'name': 'web', 'ports': [{'container_port': 80, 'host_port': free_port(), 'host_ip': '127.0.0.1'}],
            'environment': {'VERSION': 'one'}, 'memory': 64 << 20,
            'healthcheck': {'test': ['CMD', 'wget', '-q', '-O', '/dev/null', 'http://127.0.0.1/'], 'interval': 0.3,
                            'retries': 20}, 'wait_for': 'healthy'}


def test_it_is_made_changed_in_place_suspended_and_deleted(cloud, fixed):
    port = fixed['ports'][0]['host_port']
    stack = cloud.create(template(fixed, ('ports', 'addresses', 'health', 'stats', 'processes', 'logs')))
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    told = cloud.outputs(stack)
    assert told['ports'] == {'80/tcp': [{'host_ip': '127.0.0.1', 'host_port': port}]} and told['health'] == 'healthy'
    assert next(iter(told['addresses'].values()))['ip_address'] == '10.233.7.9'
    assert told['stats']['memory_limit_bytes'] == 64 << 20 and 'httpd' in told['processes'][0]['command']
    assert page(port) == 'one'
    [before] = cloud.engine.list()

    stack = cloud.update(stack, template({
        **fixed, 'memory': 96 << 20, 'cpus': 0.5, 'pids_limit': 64, 'name': 'renamed',
        'networks': [{'network': {'get_resource': 'net'}, 'ipv4_address': '10.233.7.9'},
                     {'network': {'get_resource': 'back'}}],
        'files': [{'path': '/www/deep/rules', 'content': 'new'}]}))
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    [after] = cloud.engine.list()
    assert (after.id, after.started_at, after.name) == (before.id, before.started_at, 'renamed')
    limits = after.spec.resources
    assert (limits.memory_bytes, limits.cpu_quota_us, limits.pids_limit) == (96 << 20, 50000, 64)
    assert len(after.endpoints) == 2 and page(port, '/deep/rules') == 'new'
    stack = cloud.act(stack, 'suspend')
    assert cloud.engine.inspect('renamed').status is Status.PAUSED
    stack = cloud.act(stack, 'resume')
    assert stack.state == ('RESUME', 'COMPLETE'), stack.status_reason
    assert page(port) == 'one'
    assert cloud.act(stack, 'check').state == ('CHECK', 'COMPLETE')
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')


def test_one_with_fixed_name_port_and_address_is_replaced_and_comes_back_if_that_fails(cloud, fixed):
    port = fixed['ports'][0]['host_port']
    stack = cloud.create(template(fixed))
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    stack = cloud.update(stack, template({**fixed, 'environment': {'VERSION': 'two'}}))
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    assert page(port) == 'two'
    [before] = cloud.engine.list()
    stack = cloud.update(stack, template({**fixed, 'command': ['sh', '-c', 'echo bad luck; exit 3']}), rollback=True)
    assert stack.state == ('ROLLBACK', 'COMPLETE'), stack.status_reason
    [after] = cloud.engine.list()
    assert (after.id, after.name, after.status) == (before.id, 'web', Status.RUNNING)
    assert after.endpoints[0].ipv4.partition('/')[0] == '10.233.7.9' and page(port) == 'two'
    cloud.delete(stack)


def test_a_failure_says_what_the_container_said(cloud):
    stack = cloud.create(template({'command': ['sh', '-c', 'echo no luck; exit 3'], 'wait_for': 'exited'}))
    assert stack.state == ('CREATE', 'FAILED')
    assert 'ended with 3' in stack.status_reason and 'no luck' in stack.status_reason
    cloud.delete(stack)


def test_hooks_files_secrets_and_a_snapshot(cloud):
    stack = cloud.create(template({
        'secret_environment': {'TOKEN': 'gd48Xs'}, 'files': [{'path': '/etc/deep/down/greeting', 'content': 'hello'}],
        'hooks': {'post_start': ['sh', '-c', 'cat /etc/deep/down/greeting > /said; echo $TOKEN >> /said']},
        'output_files': ['/said']}, ('output_files', 'changes', 'show')))
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    told = cloud.outputs(stack)
    assert told['output_files'] == {'/said': 'hellogd48Xs\n'}
    assert {'path': '/said', 'kind': 'added'} in told['changes'] and 'gd48Xs' not in json.dumps(told['show'])
    loaded = cloud.load(stack)
    loaded.snapshot(None)
    assert loaded.state == ('SNAPSHOT', 'COMPLETE'), loaded.status_reason
    image = loaded['web'].data()['snapshot_image_id']
    stack = cloud.update(stack, template({'image': image, 'output_files': ['/said']}, ('output_files',)))
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    assert cloud.outputs(stack)['output_files'] == {'/said': 'hellogd48Xs\n'}
    cloud.delete(stack)
    cloud.engine.remove_image(image, force=True)
