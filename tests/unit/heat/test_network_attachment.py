# SPDX-License-Identifier: Apache-2.0
"""OS::Docker::NetworkAttachment in stacks."""

import dataclasses

import pytest

from nova_container.engine import ContainerSpec, NetworkMode, NetworkSpec
from nova_container.engine.network import Endpoint, Network, Subnet
from tests.unit.heat import stacks

PROJECT = 'org.openstack.heat.project_id'


def template(**properties):
    listed = ''.join(f', {name}: {value}' for name, value in properties.items())
    return f'''
heat_template_version: 2021-04-16
resources:
  tap: {{type: OS::Docker::NetworkAttachment, properties: {{container: box, network: blue{listed}}}}}
outputs:
  ip: {{value: {{get_attr: [tap, ip_address]}}}}
  mac: {{value: {{get_attr: [tap, mac_address]}}}}
  gateway: {{value: {{get_attr: [tap, gateway]}}}}
'''


def box(cloud, name='box', project=stacks.PROJECT):
    cloud.engine.add_image('busybox')
    container = cloud.engine.create(ContainerSpec(
        name=name, image='busybox', labels={PROJECT: project}, network=NetworkSpec(
            mode=NetworkMode.MANAGED, endpoints=(Endpoint(network='bridge'),))))
    cloud.engine.start(container)
    return container


@pytest.fixture
def chain(cloud):
    """A running container and two networks of the project."""
    cloud.container = box(cloud)
    for name, subnet in (('blue', '10.9.1.0/24'), ('red', '10.9.2.0/24')):
        cloud.engine.create_network(Network(name=name, subnets=(Subnet(subnet=subnet),),
                                            labels={PROJECT: stacks.PROJECT}))
    return cloud


def addresses(cloud):
    found = cloud.engine.inspect('box').endpoints
    return {each.network: each.ipv4.partition('/')[0] for each in found if each.network in ('blue', 'red')}


def test_a_running_container_joins_and_leaves(chain):
    stack = chain.create(template(ipv4_address='10.9.1.7', aliases='[tap]', mac_address="'02:42:00:00:00:07'"))
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    assert addresses(chain) == {'blue': '10.9.1.7'}
    told = chain.outputs(stack)
    assert (told['ip'], told['mac'], told['gateway']) == ('10.9.1.7', '02:42:00:00:00:07', '10.9.1.1')
    assert chain.delete(stack).state == ('DELETE', 'COMPLETE')
    assert addresses(chain) == {}


def test_an_address_changes_in_place(chain):
    stack = chain.create(template(ipv4_address='10.9.1.7'))
    updated = chain.update(stack, template(ipv4_address='10.9.1.8'))
    assert updated.state == ('UPDATE', 'COMPLETE'), updated.status_reason
    assert addresses(chain) == {'blue': '10.9.1.8'}
    assert chain.outputs(stack)['ip'] == '10.9.1.8'
    assert updated['tap'].resource_id == stack['tap'].resource_id


def test_an_address_that_is_taken_is_rolled_back(chain):
    box(chain, 'other')
    taken = chain.create(template(ipv4_address='10.9.1.9').replace('box', 'other'), name='first')
    assert taken.state == ('CREATE', 'COMPLETE')
    stack = chain.create(template(ipv4_address='10.9.1.7'))
    updated = chain.update(stack, template(ipv4_address='10.9.1.9'), rollback=True)
    assert updated.state == ('ROLLBACK', 'COMPLETE'), updated.status_reason
    assert addresses(chain) == {'blue': '10.9.1.7'}


def test_it_moves_to_another_network(chain):
    stack = chain.create(template())
    updated = chain.update(stack, template().replace('blue', 'red'))
    assert updated.state == ('UPDATE', 'COMPLETE'), updated.status_reason
    assert list(addresses(chain)) == ['red']


def test_it_moves_to_another_container_with_its_address_and_comes_back_if_that_fails(chain):
    box(chain, 'other')
    stack = chain.create(template(ipv4_address='10.9.1.7'))
    moved = chain.update(stack, template(ipv4_address='10.9.1.7').replace('box', 'other'))
    assert moved.state == ('UPDATE', 'COMPLETE'), moved.status_reason
    assert addresses(chain) == {}
    failed = chain.update(stack, template(ipv4_address='10.9.1.7').replace('box', 'nobody'), rollback=True)
    assert failed.state == ('ROLLBACK', 'COMPLETE'), failed.status_reason
    [endpoint] = [each for each in chain.engine.inspect('other').endpoints if each.network == 'blue']
    assert endpoint.ipv4 == '10.9.1.7/24'


def test_deletion_succeeds_whatever_is_gone(chain):
    left = chain.create(template())
    chain.engine.disconnect('box', 'blue')
    assert chain.delete(left).state == ('DELETE', 'COMPLETE')
    removed = chain.create(template())
    chain.engine.remove('box', force=True)
    chain.engine.remove_network('blue')
    assert chain.delete(removed).state == ('DELETE', 'COMPLETE')


def test_check_and_converge_see_that_it_left(chain):
    stack = chain.create(template(ipv4_address='10.9.1.7'))
    chain.engine.disconnect('box', 'blue')
    found = chain.load(stack)
    found.check()
    assert found.state == ('CHECK', 'FAILED')
    assert chain.update(stack, template(ipv4_address='10.9.1.7'), converge=True).state == ('UPDATE', 'COMPLETE')
    assert addresses(chain) == {'blue': '10.9.1.7'}


@pytest.mark.parametrize('name', ['theirs', 'nobodys'])
def test_containers_and_networks_of_others_are_not_there(chain, name):
    project = {'theirs': stacks.OTHER_PROJECT, 'nobodys': ''}[name]
    container = box(chain, name, project)
    network = chain.engine.create_network(Network(name=f'{name}-net', labels={PROJECT: project}))
    for text in (template().replace('box', name), template().replace('box', container[:12]),
                 template().replace('blue', f'{name}-net'), template().replace('blue', network)):
        stack = chain.create(text, name=f'web{len(chain.engine.calls)}')
        assert stack.state == ('CREATE', 'FAILED')
        assert 'No such' in stack.status_reason
    assert [each.network for each in chain.engine.inspect(name).endpoints] == ['bridge']
    assert addresses(chain) == {}


def test_the_way_to_the_world_is_chosen_where_the_engine_can(chain, monkeypatch):
    text = template(gateway_priority=7)
    refused = chain.create(text, name='old')
    assert 'networks.gateway_priority needs API 1.48 or later' in refused.status_reason
    assert addresses(chain) == {}
    newer = dataclasses.replace(chain.engine.info(), api_version='1.48')
    monkeypatch.setattr(chain.engine, 'info', lambda: newer)
    stack = chain.create(text)
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    assert [one.wanted.priority for one in chain.engine.inspect('box').endpoints if one.network == 'blue'] == [7]
