# SPDX-License-Identifier: Apache-2.0
"""Every example template does what it says: created, used, updated, and nothing of it left."""

import pytest

from tests.cloud.heat.stacks import EXAMPLES, Stacks, host_port, page
from tests.cloud.project import wait_for


def test_every_template_is_run_here():
    run = {'lamp', 'wordpress', 'autoscaled', 'nfv_chain', 'sidecar', 'magnum'}
    members = {'autoscaled_member', 'magnum_pod'}
    assert {path.stem for path in EXAMPLES.glob('*.yaml')} == run | members


def test_lamp_counts_visits_across_an_update(stacks: Stacks, images):
    template = EXAMPLES / 'lamp.yaml'
    given = {'endpoint': 'local', 'web_image': images['demo-php'], 'db_image': images['demo-mariadb'],
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


def test_wordpress_keeps_its_passwords_to_itself(stacks: Stacks, images):
    template = EXAMPLES / 'wordpress.yaml'
    given = {'endpoint': 'local', 'app_image': images['demo-php'], 'db_image': images['demo-mariadb']}
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


def test_a_web_tier_grows_is_replaced_one_at_a_time_and_shrinks(stacks: Stacks, images):
    template = EXAMPLES / 'autoscaled.yaml'
    given = {'endpoint': 'local', 'image': images['demo-httpd']}
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


def test_a_chain_of_network_functions_follows_its_rules(admin_stacks: Stacks, images):
    template = EXAMPLES / 'nfv_chain.yaml'
    given = {'endpoint': 'edge', 'vnf_image': images['demo-vnf']}
    stack = admin_stacks.create(template, **given)
    assert stack.outputs['reached'] == '80: from the server\n'
    firewall = stack.outputs['firewall']

    stack.update(template, open_port=81, **given)
    assert stack.outputs['reached'] == '81: from the server\n'
    assert stack.outputs['firewall'] == firewall


def test_a_sidecar_changes_beside_its_web_server(stacks: Stacks, images, containers):
    template = EXAMPLES / 'sidecar.yaml'
    given = {'endpoint': 'local', 'image': images['demo-httpd']}
    stack = stacks.create(template, **given)
    port = host_port(stack.outputs['ports'])
    wait_for('the sidecar wrote', lambda: page(port) == 'first\n', 20, 0.3)
    web = _started(containers, 'web')

    stack.update(template, message='second', **given)
    wait_for('the sidecar wrote', lambda: page(port) == 'second\n', 20, 0.3)
    assert _started(containers, 'web') == web
    assert set(stack.outputs['states'].values()) == {'running'}


def _started(containers, name: str) -> list[tuple[str, str]]:
    return [(one.id, one.attrs['State']['StartedAt']) for one in containers.client.containers.list()
            if one.name.endswith(f'-{name}') or f'-{name}-' in one.name]


@pytest.mark.parametrize('replicas', [3])
def test_magnums_picture_is_one_address_before_many_pods(stacks: Stacks, images, replicas):
    template = EXAMPLES / 'magnum.yaml'
    given = {'endpoint': 'local', 'image': images['demo-httpd']}
    stack = stacks.create(template, **given)
    port = host_port(stack.outputs['ports'])
    wait_for('both pods answer', lambda: {page(port) for _ in range(6)} == {'pod-0 one\n', 'pod-1 one\n'}, 30, 0.2)

    stack.update(template, replicas=replicas, version='two', **given)
    port = host_port(stack.outputs['ports'])
    wait_for('three new pods answer', lambda: {page(port) for _ in range(10)} == {
        f'pod-{number} two\n' for number in range(replicas)}, 30, 0.2)
