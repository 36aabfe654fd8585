# SPDX-License-Identifier: Apache-2.0
"""Every example template does what it says: created, used, updated, and nothing of it left."""

import pytest

from tests.cloud.heat import scenarios
from tests.cloud.heat.stacks import EXAMPLES, Stacks, host_port, page
from tests.cloud.project import wait_for


def test_every_template_is_run_here():
    run = {'lamp', 'wordpress', 'autoscaled', 'nfv_chain', 'sidecar', 'magnum'}
    members = {'autoscaled_member', 'magnum_pod'}
    assert {path.stem for path in EXAMPLES.glob('*.yaml')} == run | members


def test_lamp_counts_visits_across_an_update(stacks: Stacks, images):
    scenarios.lamp(stacks, images, 'local')


def test_wordpress_keeps_its_passwords_to_itself(stacks: Stacks, images):
    scenarios.wordpress(stacks, images, 'local')


def test_a_web_tier_grows_is_replaced_one_at_a_time_and_shrinks(stacks: Stacks, images):
    scenarios.autoscaled(stacks, images, 'local')


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
    assert len(web) == 1

    stack.update(template, message='second', **given)
    wait_for('the sidecar wrote', lambda: page(port) == 'second\n', 20, 0.3)
    assert _started(containers, 'web') == web
    assert {one['status'] for one in stack.outputs['states'].values()} == {'running'}


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
    told = stack.outputs['pods']
    assert sorted(pod['name'] for pod in told) == [f'pod-{number}' for number in range(replicas)]
    assert {state['status'] for pod in told for state in pod['states'].values()} == {'running'}
    wait_for('three new pods answer', lambda: {page(port) for _ in range(10)} == {
        f'pod-{number} two\n' for number in range(replicas)}, 30, 0.2)
