# SPDX-License-Identifier: Apache-2.0
"""OS::Docker::Pod in whole stacks."""

import pytest
from heat.common import exception

from heat_container import names
from heat_container.resources.pod.members import INFRA
from nova_container.engine import NetworkMode, Status
from tests.unit.heat import stacks

BEGIN = '''
heat_template_version: 2021-04-16
resources:
  pod:
    type: OS::Docker::Pod
    properties:
'''
TWO = BEGIN + '''
      hostname: together
      ports: [{container_port: 80, host_port: 8080}]
      volumes: [shared]
      init_containers:
        - {name: prepare, image: 'box:1', command: [sh, -c, echo first]}
      containers:
        - name: web
          image: box:1
          command: [sleep, infinity]
          stop_signal: KILL
          mounts: [{volume: shared, target: /shared}]
          environment: {COLOUR: red}
        - {name: side, image: 'box:1', command: [sleep, infinity], stop_signal: KILL, memory: 67108864}
outputs:
  states: {value: {get_attr: [pod, states]}}
'''
WEB = '        - {name: web, image: "box:1", command: [sleep, infinity], stop_signal: KILL}\n'


@pytest.fixture
def pods(cloud):
    cloud.engine.add_image('box:1')
    return cloud


def members(cloud) -> dict:
    return {info.labels[names.POD_MEMBER]: info for info in cloud.engine.list()}


def output(cloud, stack, name):
    loaded = cloud.load(stack)
    return loaded['pod'].FnGetAtt(name)


def pod_of(text: str, **more: str) -> str:
    lines = ''.join(f'      {name}: {value}\n' for name, value in more.items())
    return f'{BEGIN}{lines}      containers:\n{text}'


def test_members_share_what_one_container_holds(pods):
    stack = pods.create(TWO)
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    there = members(pods)
    infra = there[INFRA]
    assert stack['pod'].resource_id == infra.id and infra.spec.hostname == 'together'
    assert infra.spec.sharing.ipc == 'shareable' and infra.status is Status.RUNNING
    for name in ('web', 'side', 'prepare'):
        spec = there[name].spec
        assert (spec.network.mode, spec.network.container) == (NetworkMode.CONTAINER, infra.id)
        assert (spec.sharing.ipc, spec.sharing.pid) == (f'container:{infra.id}', '')
        assert spec.name == f'{infra.name}-{name}' and spec.labels[names.PROJECT] == stacks.PROJECT
    assert there['web'].spec.mounts[0].source == f'{infra.name}-shared'
    assert output(pods, stack, 'exit_codes') == {'prepare': 0}
    assert {name: state['status'] for name, state in output(pods, stack, 'states').items()} == {
        'web': 'running', 'side': 'running'}
    assert output(pods, stack, 'logs')['prepare'] == 'first\n'
    assert output(pods, stack, 'ports')['80/tcp'][0]['host_port'] == 8080
    assert output(pods, stack, 'containers') == {name: there[name].id for name in ('web', 'side')}
    assert output(pods, stack, 'ip_address')


def test_init_containers_run_in_order_before_the_members(pods):
    stack = pods.create(pod_of(WEB, init_containers=(
        '[{name: b, image: "box:1", command: ["true"]}, {name: a, image: "box:1", command: ["true"]}]')))
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    there = members(pods)
    assert there['b'].exit.finished_at <= there['a'].started_at <= there['a'].exit.finished_at <= (
        there['web'].started_at)


def test_an_init_container_that_fails_fails_the_stack_and_no_member_starts(pods):
    stack = pods.create(TWO.replace('echo first', 'echo oh no; exit 3'))
    assert stack.state == ('CREATE', 'FAILED')
    assert 'ended with 3' in stack.status_reason and 'oh no' in stack.status_reason
    assert members(pods).keys() == {INFRA, 'prepare'}
    assert pods.delete(stack).state == ('DELETE', 'COMPLETE')
    assert pods.engine.list() == () and not pods.engine.list_volumes()


def test_a_member_is_made_anew_without_the_others(pods):
    stack = pods.create(TWO)
    before = members(pods)
    stack = pods.update(stack, TWO.replace('COLOUR: red', 'COLOUR: blue'))
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    after = members(pods)
    assert 'COLOUR=blue' in after['web'].spec.process.env and after['web'].id != before['web'].id
    assert [after[name].id for name in (INFRA, 'side', 'prepare')] == [
        before[name].id for name in (INFRA, 'side', 'prepare')]
    assert after['side'].started_at == before['side'].started_at


def test_members_come_and_go(pods):
    stack = pods.create(TWO)
    before = members(pods)
    stack = pods.update(stack, TWO.replace('name: side', 'name: other'))
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    after = members(pods)
    assert after.keys() == {INFRA, 'prepare', 'web', 'other'} and after['web'].id == before['web'].id


def test_a_limit_changes_while_the_member_runs_and_taking_it_away_makes_it_anew(pods):
    stack = pods.create(TWO)
    before = members(pods)['side']
    stack = pods.update(stack, TWO.replace('67108864', '134217728'))
    after = members(pods)['side']
    assert (after.id, after.spec.resources.memory_bytes) == (before.id, 134217728)
    stack = pods.update(stack, TWO.replace(', memory: 67108864', ''))
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    last = members(pods)['side']
    assert last.id != before.id and last.spec.resources.memory_bytes is None


def test_networks_are_joined_and_left_by_what_holds_the_shared(pods):
    net = '\n  net: {type: OS::Docker::Network}\n'
    text = TWO.replace('outputs:', net.strip('\n') + '\noutputs:')
    stack = pods.create(text)
    before = members(pods)
    stack = pods.update(stack, text.replace('hostname: together', (
        'hostname: together\n      networks: [{network: {get_resource: net}, aliases: [pod]}]')))
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    after = members(pods)
    assert {name: info.id for name, info in after.items()} == {name: info.id for name, info in before.items()}
    assert [one.network_id for one in after[INFRA].endpoints] == [stack['net'].resource_id]


def test_a_member_that_fails_rolls_the_update_back(pods):
    stack = pods.create(TWO)
    before = members(pods)
    stack = pods.update(stack, TWO.replace(
        'command: [sleep, infinity]\n          stop_signal', 'command: [sh, -c, exit 9]\n          stop_signal'),
        rollback=True)
    assert stack.state == ('ROLLBACK', 'COMPLETE'), stack.status_reason
    after = members(pods)
    assert after['web'].status is Status.RUNNING and after['web'].spec.process.command == ('sleep', 'infinity')
    assert after['side'].id == before['side'].id and after[INFRA].id == before[INFRA].id


def test_a_pod_is_replaced_under_its_name_and_port_and_comes_back_if_the_new_one_fails(pods):
    text = TWO.replace('hostname: together', 'name: mine\n      hostname: together')
    stack = pods.create(text)
    before = members(pods)
    stack = pods.update(stack, text.replace('together', 'other').replace('echo first', 'exit 3'), rollback=True)
    assert stack.state == ('ROLLBACK', 'COMPLETE'), stack.status_reason
    after = members(pods)
    assert {name: (info.id, info.name, info.status) for name, info in after.items()} == {
        name: (info.id, info.name, info.status) for name, info in before.items()}
    stack = pods.update(stack, text.replace('together', 'other'))
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    after = members(pods)
    assert after[INFRA].name == 'mine' and after[INFRA].id != before[INFRA].id and len(pods.engine.list()) == 4
    assert after[INFRA].spec.hostname == 'other' and [one.name for one in pods.engine.list_volumes()] == ['mine-shared']
    assert pods.delete(stack).state == ('DELETE', 'COMPLETE') and not pods.engine.list_volumes()


@pytest.mark.parametrize(('mode', 'status'), [('pause', Status.PAUSED), ('stop', Status.STOPPED)])
def test_suspend_and_resume_are_of_the_members(pods, mode, status):
    stack = pods.create(TWO.replace('hostname: together', f'suspend_mode: {mode}'))
    stack.suspend()
    assert stack.state == ('SUSPEND', 'COMPLETE'), stack.status_reason
    there = members(pods)
    assert [there[name].status for name in (INFRA, 'web', 'side')] == [Status.RUNNING, status, status]
    stack = pods.load(stack)
    stack.resume()
    assert stack.state == ('RESUME', 'COMPLETE'), stack.status_reason
    there = members(pods)
    assert [there[name].status for name in ('web', 'side', 'prepare')] == [
        Status.RUNNING, Status.RUNNING, Status.STOPPED]


def test_a_check_finds_a_member_that_is_gone_and_an_update_makes_it_again(pods):
    stack = pods.create(TWO)
    before = members(pods)
    pods.engine.remove(before['side'].id, force=True)
    stack.check()
    assert stack.state == ('CHECK', 'FAILED') and 'side of the pod is gone' in stack.status_reason
    stack = pods.update(stack, TWO)
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    after = members(pods)
    assert after['side'].status is Status.RUNNING and after['web'].id == before['web'].id


def test_an_update_that_looks_at_what_is_there_starts_what_ended(pods):
    stack = pods.create(TWO)
    before = members(pods)
    pods.engine.kill(before["side"].id)
    pods.engine.wait(before['side'].id, timeout_s=5)
    stack = pods.update(stack, TWO, converge=True)
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    after = members(pods)
    assert after['side'].status is Status.RUNNING and after['web'].id == before['web'].id


def test_if_what_holds_the_shared_ended_all_that_shares_it_is_made_anew(pods):
    stack = pods.create(TWO)
    before = members(pods)
    pods.engine.kill(before[INFRA].id)
    pods.engine.wait(before[INFRA].id, timeout_s=5)
    stack.check()
    assert stack.state == ('CHECK', 'FAILED')
    stack = pods.update(stack, TWO)
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    after = members(pods)
    assert after[INFRA].id == before[INFRA].id and after[INFRA].status is Status.RUNNING
    assert all(after[name].id != before[name].id for name in ('web', 'side', 'prepare'))
    assert after['web'].status is Status.RUNNING


def test_a_delete_takes_all_of_it_and_no_more(pods):
    stack = pods.create(TWO)
    other = pods.create(pod_of(WEB), name='other')
    pods.engine.remove(members(pods)['side'].id, force=True)
    assert pods.delete(stack).state == ('DELETE', 'COMPLETE')
    assert len(pods.engine.list()) == 2 and not pods.engine.list_volumes()
    assert pods.delete(other).state == ('DELETE', 'COMPLETE') and pods.engine.list() == ()


def test_the_list_of_processes_is_shared_on_request_and_restarts_come_from_the_pod(pods):
    stack = pods.create(pod_of('''
        - {name: a, image: "box:1", command: [sleep, infinity], stop_signal: KILL}
        - {name: b, image: "box:1", command: [sleep, infinity], stop_signal: KILL, restart_policy: {name: on-failure}}
''', share='[net, pid]', restart_policy='{name: always}'))
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    there = members(pods)
    assert there['a'].spec.sharing.pid == f'container:{there[INFRA].id}' and there['a'].spec.sharing.ipc == ''
    assert [there[name].spec.restart.name for name in (INFRA, 'a', 'b')] == ['always', 'always', 'on-failure']


@pytest.mark.parametrize(('member', 'more', 'message'), [
    ('{name: a, image: x}, {name: a, image: x}', {}, 'two are called a'), ('{name: a}', {}, 'image'),
    ('{name: a, image: x, ports: []}', {}, 'Unknown Property ports'), ('{image: x}', {}, 'name'),
    ('{name: a, image: x}', {'share': '[ipc]'}, 'net is what makes a pod'), ('', {}, 'length'),
    ('{name: a, image: x}', {'labels': f'{{{names.PROJECT}: x}}'}, 'set by Heat'),
    ('{name: a, image: x}', {'volumes': '[a, a]'}, 'given twice')])
def test_what_cannot_work_is_said_when_the_template_is_looked_at(pods, member, more, message):
    lines = ''.join(f'      {name}: {value}\n' for name, value in more.items())
    with pytest.raises(exception.StackValidationFailed, match=message):
        pods.create(f'{BEGIN}{lines}      containers: [{member}]\n')


def test_a_member_is_judged_by_the_level_of_the_endpoint(pods):
    stack = pods.create(pod_of('        - {name: web, image: "box:1", privileged: true}\n'))
    assert stack.state == ('CREATE', 'FAILED') and 'docker:create:privileged' in stack.status_reason


def test_a_secret_variable_reaches_the_member_and_not_the_database(pods):
    from heat.db import api as db_api
    from heat.db import models
    stack = pods.create(pod_of('        - {name: web, image: "box:1", command: [sleep, infinity], stop_signal: KILL, '
                               'secret_environment: {PW: hush-hush}}\n'))
    assert 'PW=hush-hush' in members(pods)['web'].spec.process.env
    with db_api.context_manager.reader.using(stack.context) as session:
        rows = session.query(models.ResourcePropertiesData).all()
        data = session.query(models.ResourceData).all()
    assert rows and not any('hush' in str(row.data) for row in rows)
    assert not any('hush' in str(row.value) for row in data)


@pytest.mark.parametrize('more', [{}, {'infra_image': 'corp.test/pause:3'}])
def test_a_pod_runs_where_images_come_from_listed_registries_only(pods, more):
    engine = pods.offer('closed', registries=['registry.test'], **more)
    engine.add_image('registry.test/box:1')
    pause = engine.add_image('corp.test/pause:3')
    stack = pods.create(pod_of(WEB.replace('box:1', 'registry.test/box:1'), endpoint='closed'))
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    infra, = (info for info in engine.list() if info.labels[names.POD_MEMBER] == INFRA)
    assert (infra.image_id == pause) is bool(more)
    stacks.stop_all(engine)


def test_an_image_of_a_pod_that_comes_from_elsewhere_is_refused(pods):
    pods.offer('closed', registries=['registry.test']).add_image('corp.test/pause:3')
    stack = pods.create(pod_of(WEB, endpoint='closed', infra_image='"corp.test/pause:3"'))
    assert 'images on this endpoint come from registry.test' in stack.status_reason
