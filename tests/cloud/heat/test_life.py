# SPDX-License-Identifier: Apache-2.0
"""Actions on stacks of containers in a real heat-engine, convergence on."""

from tests.cloud.heat import scenarios
from tests.cloud.heat.stacks import Stacks
from tests.cloud.project import wait_for
from tests.fixtures.registry import free_port

TEMPLATE = '''
heat_template_version: 2021-04-16
parameters:
  memory: {type: number, default: 67108864}
resources:
  web:
    type: OS::Docker::Container
    properties:
      endpoint: local
      image: demo-httpd:latest
      memory: {get_param: memory}
  said:
    type: OS::Docker::Exec
    properties:
      endpoint: local
      container: {get_resource: web}
      command: [sh, -c, 'echo x >> /tmp/ran; wc -l < /tmp/ran']
      actions: [CREATE, RESUME, CHECK, SIGNAL]
outputs:
  runs: {value: {get_attr: [said, stdout]}}
'''


def test_an_update_that_fails_is_rolled_back_to_the_old_container(stacks: Stacks, images):
    scenarios.rolled_back(stacks, images, 'local', free_port())


def test_memory_changes_in_place(stacks: Stacks, images, containers):
    stack = stacks.create(TEMPLATE)
    web = stack.ref('web')
    stack.update(TEMPLATE, memory=96 << 20)
    assert stack.ref('web') == web
    assert containers.inspect(web)['HostConfig']['Memory'] == 96 << 20


def test_a_stack_is_suspended_resumed_checked_and_signalled(stacks: Stacks, images, containers):
    stack = stacks.create(TEMPLATE)
    web = stack.ref('web')
    assert stack.outputs['runs'] == '1\n'
    stack.act('suspend', 'SUSPEND_COMPLETE')
    assert containers.inspect(web)['State']['Status'] == 'paused'
    stack.act('resume', 'RESUME_COMPLETE')
    assert containers.inspect(web)['State']['Status'] == 'running'
    assert stack.outputs['runs'] == '2\n'
    stack.act('check', 'CHECK_COMPLETE')
    stack.signal('said')
    wait_for('it ran by the signal', lambda: stack.outputs['runs'] == '4\n', 20, 0.3)
    containers.client.api.remove_container(web, force=True)
    stack.act('check', 'CHECK_FAILED')
    stack.update(TEMPLATE)
    assert stack.ref('web') != web and stack.outputs['runs'] == '1\n'


def test_what_is_gone_already_does_not_hold_up_a_delete(stacks: Stacks, images, containers):
    stack = stacks.create(TEMPLATE)
    containers.client.api.remove_container(stack.ref('web'), force=True)
    stack.delete()
    assert stack.status == 'DELETE_COMPLETE'


def test_a_stack_that_is_deleted_while_it_waits_ends_at_once(stacks: Stacks, images, containers):
    slow = TEMPLATE.replace("'echo x >> /tmp/ran; wc -l < /tmp/ran'", "'sleep 300'").replace(
        'actions:', 'timeout: 600\n      actions:')
    stack = stacks.create(slow, wanted='CREATE_IN_PROGRESS')
    wait_for('the command runs', lambda: 'sleep 300' in str(
        [containers.client.api.top(one.id) for one in containers.client.containers.list()]), 30, 0.3)
    stack.delete()
    assert stack.status == 'DELETE_COMPLETE'
