# SPDX-License-Identifier: Apache-2.0
"""OS::Docker::Network in stacks."""

import pytest

from nova_container.engine import ContainerSpec, NetworkMode, NetworkSpec
from nova_container.engine.network import Endpoint, Network
from tests.unit.heat import stacks

HEAD = 'heat_template_version: 2021-04-16\nresources:\n'
PLAIN = HEAD + '  net: {type: OS::Docker::Network}\n'


def fixed(**properties):
    listed = ''.join(f', {name}: {value}' for name, value in properties.items())
    return f'''{HEAD}  net:
    type: OS::Docker::Network
    properties: {{name: blue, ipam: {{pools: [{{subnet: 10.9.0.0/24, gateway: 10.9.0.9}}]}}{listed}}}
outputs:
  subnets: {{value: {{get_attr: [net, subnets]}}}}
  gateway: {{value: {{get_attr: [net, gateway]}}}}
  containers: {{value: {{get_attr: [net, containers]}}}}
'''


def made(cloud):
    return [info for info in cloud.engine.list_networks() if info.spec.labels]


def joined(cloud, network, **wanted):
    """A container of the project in a network."""
    cloud.engine.add_image('busybox')
    container = cloud.engine.create(ContainerSpec(
        name='member', image='busybox', labels={'org.openstack.heat.project_id': stacks.PROJECT},
        network=NetworkSpec(mode=NetworkMode.MANAGED, endpoints=(Endpoint(network=network, **wanted),))))
    cloud.engine.start(container)
    return container


def test_a_network_is_made_with_its_owner_in_labels_and_goes_with_its_stack(cloud):
    stack = cloud.create(PLAIN)
    assert stack.state == ('CREATE', 'COMPLETE')
    [info] = made(cloud)
    assert stack['net'].resource_id == info.id
    assert info.spec.name.startswith('web-net-')
    assert info.spec.labels == {
        'org.openstack.heat.project_id': stacks.PROJECT, 'org.openstack.heat.stack_id': stack.id,
        'org.openstack.heat.stack_name': 'web', 'org.openstack.heat.resource_name': 'net',
        'org.openstack.heat.resource_uuid': stack['net'].uuid}
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')
    assert made(cloud) == []


def test_its_attributes_are_what_the_engine_says(cloud):
    stack = cloud.create(fixed())
    assert stack.state == ('CREATE', 'COMPLETE')
    container = joined(cloud, 'blue')
    told = cloud.outputs(stack)
    assert (told['subnets'], told['gateway']) == (['10.9.0.0/24'], '10.9.0.9')
    [member] = told['containers']
    assert (member['id'], member['name']) == (container, 'member')
    assert member['ip_address'].startswith('10.9.0.')
    cloud.engine.remove(container, force=True)
    assert cloud.outputs(stack)['containers'] == []


def test_deletion_of_what_is_gone_succeeds(cloud):
    stack = cloud.create(PLAIN)
    cloud.engine.remove_network(stack['net'].resource_id)
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')


def test_a_network_whose_id_was_not_kept_goes_too(cloud):
    stack = cloud.create(PLAIN)
    stack['net'].resource_id_set(None)
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')
    assert made(cloud) == []


def test_a_taken_name_fails_and_is_not_touched(cloud):
    theirs = cloud.engine.create_network(Network(name='blue'))
    stack = cloud.create(fixed())
    assert stack.state == ('CREATE', 'FAILED')
    assert 'blue' in stack.status_reason
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')
    assert cloud.engine.inspect_network('blue').id == theirs


def test_a_replacement_has_the_same_name_and_subnets(cloud):
    stack = cloud.create(fixed())
    first = stack['net'].resource_id
    updated = cloud.update(stack, fixed(internal='true'))
    assert updated.state == ('UPDATE', 'COMPLETE'), updated.status_reason
    [info] = made(cloud)
    assert info.id != first
    assert (info.spec.name, info.spec.internal) == ('blue', True)


def test_a_replacement_that_fails_is_rolled_back_to_the_old_network_with_its_members(cloud):
    stack = cloud.create(fixed())
    container = joined(cloud, 'blue', ipv4='10.9.0.77', aliases=('db',))
    updated = cloud.update(stack, fixed(internal='true', options='{com.docker.network.driver.mtu: none}'),
                           rollback=True)
    assert updated.state == ('ROLLBACK', 'COMPLETE'), updated.status_reason
    [info] = made(cloud)
    assert (info.spec.name, info.spec.internal) == ('blue', False)
    assert cloud.load(stack)['net'].resource_id == info.id
    [endpoint] = cloud.engine.inspect(container).endpoints
    assert (endpoint.ipv4, endpoint.aliases[:1]) == ('10.9.0.77/24', ('db',))


def test_converge_makes_a_network_that_is_gone_anew(cloud):
    stack = cloud.create(fixed())
    cloud.engine.remove_network('blue')
    assert cloud.update(stack, fixed(), converge=True).state == ('UPDATE', 'COMPLETE')
    [info] = made(cloud)
    assert info.spec.name == 'blue'


def test_converge_leaves_a_network_that_is_there(cloud):
    stack = cloud.create(fixed())
    before = stack['net'].resource_id
    assert cloud.update(stack, fixed(), converge=True).state == ('UPDATE', 'COMPLETE')
    assert cloud.load(stack)['net'].resource_id == before


def test_check_tells_that_it_is_gone_and_the_next_update_mends_it(cloud):
    stack = cloud.create(fixed())
    stack.check()
    assert stack.state == ('CHECK', 'COMPLETE')
    cloud.engine.remove_network('blue')
    found = cloud.load(stack)
    found.check()
    assert found.state == ('CHECK', 'FAILED')
    assert cloud.update(stack, fixed()).state == ('UPDATE', 'COMPLETE')
    assert len(made(cloud)) == 1


def test_a_network_of_the_project_can_be_adopted(cloud):
    network = cloud.engine.create_network(Network(
        name='blue', labels={'org.openstack.heat.project_id': stacks.PROJECT}))
    stack = cloud.adopt(PLAIN, {'net': {'resource_id': network}})
    assert stack.state == ('ADOPT', 'COMPLETE'), stack.status_reason
    assert stack['net'].resource_id == network


def test_a_network_of_another_project_cannot_be_adopted(cloud):
    network = cloud.engine.create_network(Network(
        name='blue', labels={'org.openstack.heat.project_id': stacks.OTHER_PROJECT}))
    stack = cloud.adopt(PLAIN, {'net': {'resource_id': network}})
    assert stack.state == ('ADOPT', 'FAILED')
    cloud.delete(stack)
    assert cloud.engine.inspect_network('blue').id == network


def test_a_retained_network_stays(cloud):
    stack = cloud.create(HEAD + '  net: {type: OS::Docker::Network, deletion_policy: retain}\n')
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')
    assert len(made(cloud)) == 1


@pytest.mark.parametrize('properties', [
    '{driver: macvlan, options: {parent: eth0}}', '{driver: macvlan}',
    '{options: {com.docker.network.bridge.name: br-int}}',
    '{options: {com.docker.network.bridge.host_binding_ipv4: 0.0.0.0}}'])
def test_an_interface_of_the_host_is_refused(cloud, properties):
    stack = cloud.create(f'{HEAD}  net: {{type: OS::Docker::Network, properties: {properties}}}\n')
    assert stack.state == ('CREATE', 'FAILED')
    assert 'policy baseline' in stack.status_reason
    assert made(cloud) == []


def test_labels_of_heat_cannot_be_set(cloud):
    stack = cloud.create(f'{HEAD}  net: {{type: OS::Docker::Network, properties: '
                         f'{{labels: {{org.openstack.heat.project_id: {stacks.OTHER_PROJECT}}}}}}}\n')
    assert stack.state == ('CREATE', 'FAILED')
    assert 'org.openstack.heat.project_id is set by Heat' in stack.status_reason
