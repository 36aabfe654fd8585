# SPDX-License-Identifier: Apache-2.0
"""Stacks that are kept: snapshots and what they bring back; abandoned, adopted, and only then deleted."""

import pytest
from docker import errors

from tests.cloud.heat.stacks import Stacks

TEMPLATE = '''
heat_template_version: 2021-04-16
resources:
  net: {type: OS::Docker::Network, properties: {endpoint: local}}
  data: {type: OS::Docker::Volume, depends_on: net, properties: {endpoint: local}}
  web:
    type: OS::Docker::Container
    properties:
      endpoint: local
      image: demo-httpd:latest
      networks: [{network: {get_resource: net}}]
      mounts: [{type: volume, volume: {get_resource: data}, target: /data}]
'''


def test_a_snapshot_brings_back_what_a_container_held(stacks: Stacks, images, containers):
    known = {one['Id'] for one in containers.client.api.images()}
    stack = stacks.create(TEMPLATE)
    web = stack.ref('web')
    containers.sh(web, 'echo then > /www/kept')
    snapshot = stack.snapshot()
    containers.sh(web, 'echo now > /www/kept')
    stack.restore(snapshot)
    restored = stack.ref('web')
    assert restored != web and containers.run(restored, 'cat', '/www/kept') == 'then\n'
    assert containers.inspect(restored)['Image'] not in known
    stack.update(TEMPLATE)
    assert containers.tried(stack.ref('web'), 'cat', '/www/kept')[0] == 1
    stack.delete_snapshot(snapshot)
    assert {one['Id'] for one in containers.client.api.images()} == known


def test_an_abandoned_stack_leaves_all_and_an_adopted_one_takes_it_away(stacks: Stacks, images, containers):
    api = containers.client.api
    stack = stacks.create(TEMPLATE)
    made = stack.refs()
    left = stack.abandon()
    assert containers.inspect(made['web'])['State']['Running']

    adopted = stacks.adopt(left, TEMPLATE)
    assert adopted.refs() == made
    adopted.act('check', 'CHECK_COMPLETE')
    adopted.delete()
    for look, name in ((api.inspect_container, 'web'), (api.inspect_network, 'net'), (api.inspect_volume, 'data')):
        with pytest.raises(errors.NotFound):
            look(made[name])
