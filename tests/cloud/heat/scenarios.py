# SPDX-License-Identifier: Apache-2.0
"""What example templates do on any engine; ``endpoint`` is its name in heat.conf."""

from collections.abc import Mapping

from tests.cloud.heat.stacks import EXAMPLES, Stacks, host_port, page
from tests.cloud.project import wait_for

ROLLED_BACK = '''
heat_template_version: 2021-04-16
parameters:
  endpoint: {type: string}
  image: {type: string}
  command: {type: comma_delimited_list, default: 'httpd,-f,-p,80,-h,/www'}
resources:
  net:
    type: OS::Docker::Network
    properties: {endpoint: {get_param: endpoint}, ipam: {pools: [{subnet: 10.211.0.0/24}]}}
  web:
    type: OS::Docker::Container
    properties:
      endpoint: {get_param: endpoint}
      image: {get_param: image}
      name: the-one-and-only
      command: {get_param: command}
      networks: [{network: {get_resource: net}, ipv4_address: 10.211.0.9}]
      ports: [{container_port: 80, host_port: HOST_PORT}]
      healthcheck: {test: [CMD, wget, -q, -O, /dev/null, 'http://127.0.0.1/'], interval: 1, timeout: 5, retries: 3}
      wait_for: healthy
'''

def lamp(stacks: Stacks, images: Mapping[str, str], endpoint: str) -> None:
    """Counts visits, and goes on counting after its web server was replaced."""
    template = EXAMPLES / 'lamp.yaml'
    given = {'endpoint': endpoint, 'web_image': images['demo-php'], 'db_image': images['demo-mariadb'],
             'db_password': "it's secret", 'root_password': 'more secret'}
    stack = stacks.create(template, **given)
    port = host_port(stack.outputs['ports'])
    assert page(port) == 'It works: visit 1\n'
    assert page(port) == 'It works: visit 2\n'
    assert stack.outputs['db_health'] == 'healthy'
    database, web = stack.ref('db'), stack.ref('web')

    stack.update(template, greeting='It still works', **given)
    assert page(host_port(stack.outputs['ports'])) == 'It still works: visit 3\n'
    assert stack.ref('db') == database and stack.ref('web') != web


def wordpress(stacks: Stacks, images: Mapping[str, str], endpoint: str) -> None:
    """Its parts are healthy before it counts as there, and its passwords are told to nobody."""
    template = EXAMPLES / 'wordpress.yaml'
    given = {'endpoint': endpoint, 'app_image': images['demo-php'], 'db_image': images['demo-mariadb']}
    stack = stacks.create(template, **given)
    outputs = stack.outputs
    assert outputs['health'] == {'db': 'healthy', 'app': 'healthy'}
    assert outputs['prepared'] == 'prepared release 1\n'
    port = host_port(outputs['ports'])
    page(port, '/?text=hello')
    assert page(port).startswith('hello\n')
    app = stack.ref('app')

    stack.update(template, release='2', **given)
    assert stack.outputs['prepared'] == 'prepared release 2\n'
    assert stack.ref('app') == app and page(port).startswith('hello\n')
    for name in ('root_password', 'app_password'):
        secret = stack.resource(name)['attributes']['value']
        told = [str(stack.resource(one)) for one in ('db', 'app', 'schema')] + [str(stack.events())]
        assert not any(secret in text for text in told), name


def autoscaled(stacks: Stacks, images: Mapping[str, str], endpoint: str) -> None:
    """Grows by a signal, is replaced member by member, and shrinks."""
    template = EXAMPLES / 'autoscaled.yaml'
    given = {'endpoint': endpoint, 'image': images['demo-httpd']}
    stack = stacks.create(template, **given)
    first = {one['name']: int(one['port']) for one in stack.outputs['members']}
    assert len(first) == 2 and len(set(first.values())) == 2
    assert all('Hello from' in page(port) for port in first.values())

    stack.signal('grow')
    wait_for('there are three', lambda: len(stack.outputs['members'] or ()) == 3
             and all((one or {}).get('port') for one in stack.outputs['members']), 60, 0.5)
    assert first.keys() < {one['name'] for one in stack.outputs['members']}

    wait_for('it may scale again', lambda: stack.resource('web')['resource_status'].endswith('COMPLETE'), 30, 0.5)
    stack.update(template, message='two', **given)
    replaced = {one['name'] for one in stack.outputs['members']}
    assert not replaced & first.keys()
    assert all('Hello from' in page(int(one['port'])) for one in stack.outputs['members'])

    stack.signal('shrink')
    wait_for('there is one less', lambda: len(stack.outputs['members'] or ()) == len(replaced) - 1, 60, 0.5)


def rolled_back(stacks: Stacks, images: Mapping[str, str], endpoint: str, free_port: int) -> None:
    """With a fixed name, address and port: the new one fails, and the old one is put back and serves."""
    template = ROLLED_BACK.replace('HOST_PORT', str(free_port))
    given = {'endpoint': endpoint, 'image': images['demo-httpd']}
    stack = stacks.create(template, **given)
    assert 'Hello from' in page(free_port)
    old = stack.ref('web')

    stack.update(template, command='sh,-c,exit 3', wanted='ROLLBACK_COMPLETE', rollback=True, **given)
    assert stack.ref('web') == old and 'Hello from' in page(free_port)

    stack.update(template, command='httpd,-f,-p,80,-h,/www,-v', **given)
    assert stack.ref('web') != old and 'Hello from' in page(free_port)
