# SPDX-License-Identifier: Apache-2.0
"""Networks, attachments and volumes of stacks on real engines: what the fake promises, kept."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from nova_container.engine import ExecSpec
from nova_container.engine.volume import Volume

pytestmark = pytest.mark.root


def template(net: Mapping[str, Any] | None = None, tap: Mapping[str, Any] | None = None) -> str:
    """A container in a network of a fixed name and subnet, with a volume, and in a second network by attachment."""
    return json.dumps({
        'heat_template_version': '2021-04-16',
        'resources': {
            'net': {'type': 'OS::Docker::Network', 'properties': {
                'name': 'heat-blue', 'ipam': {'pools': [{'subnet': '10.233.17.0/24'}]}, **(net or {})}},
            'side': {'type': 'OS::Docker::Network', 'properties': {'ipam': {'pools': [{'subnet': '10.233.18.0/24'}]}}},
            'data': {'type': 'OS::Docker::Volume', 'properties': {}},
            'box': {'type': 'OS::Docker::Container', 'properties': {
                'image': 'box:1', 'command': ['sleep', '600'], 'stop_timeout': 1,
                'mounts': [{'type': 'volume', 'volume': {'get_resource': 'data'}, 'target': '/data'}],
                'networks': [{'network': {'get_resource': 'net'}, 'ipv4_address': '10.233.17.9'}]}},
            'tap': {'type': 'OS::Docker::NetworkAttachment', 'properties': {
                'container': {'get_resource': 'box'}, 'network': {'get_resource': 'side'},
                'ipv4_address': '10.233.18.9', **(tap or {})}}},
        'outputs': {'ip': {'value': {'get_attr': ['tap', 'ip_address']}},
                    'subnets': {'value': {'get_attr': ['net', 'subnets']}},
                    'volume': {'value': {'get_attr': ['data', 'name']}},
                    'used_by': {'value': {'get_attr': ['data', 'used_by']}}}})


def addresses(cloud: Any, stack: Any) -> list[str]:
    """What the kernel has in the container."""
    said = cloud.engine.exec(stack['box'].resource_id, ExecSpec(command=('ip', '-4', '-o', 'addr'))).stdout.decode()
    return sorted(word.partition('/')[0] for word in said.split() if word.startswith('10.233.') and '/' in word)


def test_a_container_lives_in_two_networks_and_moves_in_place(cloud: Any) -> None:
    stack = cloud.create(template())
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    assert addresses(cloud, stack) == ['10.233.17.9', '10.233.18.9']
    told = cloud.outputs(stack)
    assert (told['ip'], told['subnets']) == ('10.233.18.9', ['10.233.17.0/24'])
    assert told['used_by'] == [stack['box'].resource_id]
    moved = cloud.update(stack, template(tap={'ipv4_address': '10.233.18.77'}))
    assert moved.state == ('UPDATE', 'COMPLETE'), moved.status_reason
    assert addresses(cloud, moved) == ['10.233.17.9', '10.233.18.77']
    assert cloud.delete(moved).state == ('DELETE', 'COMPLETE')
    assert told['volume'] not in [each.name for each in cloud.engine.list_volumes()]


def test_a_network_of_a_fixed_name_is_replaced_and_a_failure_is_rolled_back(cloud: Any) -> None:
    stack = cloud.create(template())
    box = stack['box'].resource_id
    replaced = cloud.update(stack, template(net={'internal': True}))
    assert replaced.state == ('UPDATE', 'COMPLETE'), replaced.status_reason
    assert cloud.engine.inspect_network('heat-blue').spec.internal
    assert cloud.load(stack)['box'].resource_id == box
    assert addresses(cloud, stack) == ['10.233.17.9', '10.233.18.9']
    failed = cloud.update(stack, template(net={'options': {'com.docker.network.driver.mtu': 'none'}}), rollback=True)
    assert failed.state == ('ROLLBACK', 'COMPLETE'), failed.status_reason
    assert cloud.engine.inspect_network('heat-blue').spec.internal
    assert addresses(cloud, stack) == ['10.233.17.9', '10.233.18.9']
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')


def test_a_volume_that_is_there_already_is_not_taken_over(cloud: Any) -> None:
    cloud.engine.create_volume(Volume(name='heat-theirs'))
    try:
        stack = cloud.create('''
heat_template_version: 2021-04-16
resources:
  data: {type: OS::Docker::Volume, properties: {name: heat-theirs}}
''')
        assert stack.state == ('CREATE', 'FAILED')
        assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')
        assert cloud.engine.inspect_volume('heat-theirs').name == 'heat-theirs'
    finally:
        cloud.engine.remove_volume('heat-theirs')


def test_the_host_is_not_mounted_by_a_volume(cloud: Any) -> None:
    stack = cloud.create('''
heat_template_version: 2021-04-16
resources:
  data: {type: OS::Docker::Volume, properties: {name: heat-etc, driver_opts: {type: none, o: bind, device: /etc}}}
''')
    assert stack.state == ('CREATE', 'FAILED')
    assert 'policy baseline' in stack.status_reason
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')
    assert 'heat-etc' not in [each.name for each in cloud.engine.list_volumes()]
