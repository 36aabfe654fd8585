# SPDX-License-Identifier: Apache-2.0
"""What updates do to a container that has a name, an address, a port and a volume of its own, on any engine."""

import docker

from tests.cloud.heat.stacks import Stack, Stacks, page
from tests.cloud.project import wait_for

SHOP = '''
heat_template_version: 2021-04-16
parameters:
  endpoint: {type: string}
  version: {type: string, default: '1'}
  check: {type: string, default: 'until wget -q -O /dev/null http://127.0.0.1/; do sleep 0.1; done'}
  range: {type: string, default: '10.212.0'}
  generation: {type: string, default: '1'}
resources:
  net:
    type: OS::Docker::Network
    properties:
      endpoint: {get_param: endpoint}
      name: shop
      ipam: {pools: [{subnet: {list_join: ['', [{get_param: range}, '.0/24']]}}]}
  data:
    type: OS::Docker::Volume
    depends_on: net
    properties: {endpoint: {get_param: endpoint}, labels: {generation: {get_param: generation}}}
  web:
    type: OS::Docker::Container
    properties:
      endpoint: {get_param: endpoint}
      image: demo-httpd:latest
      name: shop
      environment: {VERSION: {get_param: version}}
      networks: [{network: {get_resource: net}, ipv4_address: {list_join: ['', [{get_param: range}, '.9']]}}]
      ports: [{container_port: 80, host_port: HOST_PORT}]
      mounts: [{type: volume, volume: {get_resource: data}, target: /data}]
      hooks: {post_start: [sh, -c, {get_param: check}], timeout: 3600}
'''
WITHOUT_THE_CONTAINER = SHOP[:SHOP.index('  web:')]
FAILS, HANGS = 'exit 3', 'exec sleep 299'


def fails_and_fails_again(stacks: Stacks, client: docker.DockerClient, endpoint: str, port: int) -> None:
    """The next update mends what two that failed left; those that are rolled back change nothing."""
    template = SHOP.replace('HOST_PORT', str(port))
    stack = stacks.create(template, endpoint=endpoint)
    first = stack.ref('web')
    for version in ('2', '3'):
        stack.update(template, wanted='UPDATE_FAILED', endpoint=endpoint, version=version, check=FAILS)
        assert 'post_start ended with 3' in stack.reasons()
    stack.update(template, endpoint=endpoint, version='4')
    second = _serving(stack, client, port)
    assert second != first

    for version in ('5', '6'):
        stack.update(template, wanted='ROLLBACK_COMPLETE', rollback=True, endpoint=endpoint, version=version,
                     check=FAILS)
        assert _serving(stack, client, port) == second
    stack.update(template, endpoint=endpoint, version='7')
    assert _serving(stack, client, port) != second


def changes_all_at_once(stacks: Stacks, client: docker.DockerClient, endpoint: str, port: int) -> None:
    """Network, volume and container are replaced together, or come back together; at last the container is dropped."""
    template = SHOP.replace('HOST_PORT', str(port))
    stack = stacks.create(template, endpoint=endpoint)
    web, data = stack.ref('web'), stack.ref('data')
    changed = {'endpoint': endpoint, 'version': '2', 'range': '10.213.0', 'generation': '2'}

    stack.update(template, wanted='ROLLBACK_COMPLETE', rollback=True, check=FAILS, **changed)
    assert _serving(stack, client, port) == web and stack.ref('data') == data
    assert _address(client, web) == '10.212.0.9'
    assert client.api.inspect_network('shop')['Id'] == stack.ref('net')

    stack.update(template, **changed)
    replaced = _serving(stack, client, port)
    assert replaced != web and stack.ref('data') != data and _address(client, replaced) == '10.213.0.9'

    client.api.remove_container(replaced, force=True)
    stack.update(WITHOUT_THE_CONTAINER, endpoint=endpoint, range='10.213.0', generation='2')
    assert _of(stack, client) == []


def is_called_off(stacks: Stacks, client: docker.DockerClient, endpoint: str, port: int) -> None:
    """With a rollback the old container serves again; without, the next update goes on from there."""
    template = SHOP.replace('HOST_PORT', str(port))
    stack = stacks.create(template, endpoint=endpoint)
    old = stack.ref('web')
    for version, action, wanted in (('2', 'cancel_update', 'ROLLBACK_COMPLETE'),
                                    ('3', 'cancel_without_rollback', 'UPDATE_FAILED')):
        stack.update(template, wanted='UPDATE_IN_PROGRESS', endpoint=endpoint, version=version, check=HANGS)
        wait_for('the new one hangs', lambda: 'sleep 299' in str(
            [client.api.top(one) for one in _of(stack, client, running=True)]), 60, 0.2)
        stack.act(action, wanted)
        if wanted == 'ROLLBACK_COMPLETE':
            assert _serving(stack, client, port) == old
    stack.update(template, endpoint=endpoint, version='4')
    assert _serving(stack, client, port) != old


def _serving(stack: Stack, client: docker.DockerClient, port: int) -> str:
    """The id of the container, which is the only one of the stack, has its name, and answers."""
    found = stack.ref('web')
    assert _of(stack, client) == [found]
    assert client.api.inspect_container(found)['Name'] == '/shop'
    assert f'Hello from {found[:12]}' in page(port)
    return found


def _of(stack: Stack, client: docker.DockerClient, *, running: bool = False) -> list[str]:
    """Ids of the stack's containers."""
    return [one['Id'] for one in client.api.containers(all=not running, filters={
        'label': f'org.openstack.heat.stack_id={stack.id}'})]


def _address(client: docker.DockerClient, container: str) -> str:
    return str(client.api.inspect_container(container)['NetworkSettings']['Networks']['shop']['IPAddress'])
