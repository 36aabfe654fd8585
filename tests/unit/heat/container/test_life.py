# SPDX-License-Identifier: Apache-2.0
"""A container through the other actions of its stack: suspend, check, converge, snapshot, adopt, signal."""

import types

import pytest
from heat.common import exception
from heat.engine.clients.os.keystone import fake_keystoneclient

from heat_container import names
from nova_container.engine import ContainerSpec, ExecSpec, Resources, Status
from nova_container.engine.network import Network
from tests.unit.heat import stacks
from tests.unit.heat.container import web


@pytest.mark.parametrize(('mode', 'status'), [('pause', Status.PAUSED), ('stop', Status.STOPPED)])
def test_it_is_suspended_and_resumed(cloud, mode, status):
    stack = cloud.create(web.template({'suspend_mode': mode}))
    assert cloud.act(stack, 'suspend').state == ('SUSPEND', 'COMPLETE')
    assert web.only(cloud).status is status
    assert cloud.act(stack, 'resume').state == ('RESUME', 'COMPLETE')
    assert web.only(cloud).status is Status.RUNNING


def test_one_that_did_its_work_is_not_started_by_a_resume(cloud):
    stack = cloud.create(web.template({'command': ['true'], 'wait_for': 'exited', 'suspend_mode': 'stop'}))
    cloud.act(stack, 'suspend')
    assert cloud.act(stack, 'resume').state == ('RESUME', 'COMPLETE')
    assert web.only(cloud).status is Status.STOPPED


def test_one_that_is_suspended_is_deleted(cloud):
    stack = cloud.create(web.template())
    cloud.act(stack, 'suspend')
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE') and not web.containers(cloud)


@pytest.mark.parametrize(('harm', 'said'), [
    (lambda engine, container: engine.stop(container), 'does not run'),
    (lambda engine, container: engine.pause(container), 'paused'),
    (lambda engine, container: engine.exit(container, 9), 'ended with 9'),
    (lambda engine, container: engine.remove(container, force=True), 'No such container')])
def test_a_check_tells_what_is_wrong_and_the_next_update_replaces(cloud, harm, said):
    stack = cloud.create(web.template({'expected_exit_codes': []}))
    assert cloud.act(stack, 'check').state == ('CHECK', 'COMPLETE')
    old = web.only(cloud).id
    harm(cloud.engine, old)
    checked = cloud.act(stack, 'check')
    assert checked.state == ('CHECK', 'FAILED') and said in checked.status_reason
    stack = cloud.update(stack, web.template({'expected_exit_codes': []}))
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    assert web.only(cloud).status is Status.RUNNING and web.only(cloud).id != old


def test_an_update_that_observes_reality_mends_it_in_place(cloud):
    other = cloud.engine.create_network(Network(name='net', labels={names.PROJECT: stacks.PROJECT}))
    text = web.template({'memory': 64 << 20, 'name': 'fixed', 'networks': [{'network': 'bridge'}, {'network': other}],
                         'files': [{'path': '/etc/x', 'content': 'right'}], 'output_files': ['/etc/x'],
                         'restart_policy': {'name': 'always'}})
    stack = cloud.create(text)
    info = web.only(cloud)
    engine = cloud.engine
    engine.update(info.id, Resources(memory_bytes=32 << 20))
    engine.rename(info.id, 'odd')
    engine.disconnect(info.id, other)
    engine.exec(info.id, _shell('echo wrong > /etc/x'))
    cloud.update(stack, text)
    assert web.only(cloud).name == 'odd'
    stack = cloud.update(stack, text, converge=True)
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    mended = web.only(cloud)
    assert (mended.id, mended.name, mended.spec.resources.memory_bytes) == (info.id, 'fixed', 64 << 20)
    assert other in {one.network_id for one in mended.endpoints}
    assert web.attribute(cloud, stack, 'output_files') == {'/etc/x': 'right'}


def test_one_that_was_stopped_is_started_and_one_that_is_gone_is_made_again(cloud):
    text = web.template({'restart_policy': {'name': 'unless-stopped'}})
    stack = cloud.create(text)
    info = web.only(cloud)
    cloud.engine.stop(info.id)
    stack = cloud.update(stack, text, converge=True)
    assert (web.only(cloud).id, web.only(cloud).status) == (info.id, Status.RUNNING)
    cloud.engine.remove(info.id, force=True)
    stack = cloud.update(stack, text, converge=True)
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    assert web.only(cloud).status is Status.RUNNING


def test_a_service_that_was_stopped_is_missed_though_it_ended_well_and_a_job_is_not(cloud):
    for command, missed in ((None, True), (['true'], False)):
        end = cloud.engine.stop if missed else cloud.engine.wait  # the signal could come before true is done
        text = web.template({'command': command} if command else {})
        stack = cloud.create(text, name=f's{missed}')
        end(web.only(cloud).id)
        assert (cloud.act(stack, 'check').state == ('CHECK', 'FAILED')) is missed
        cloud.delete(stack)
        stack = cloud.create(text, name=f't{missed}')
        end(web.only(cloud).id)
        cloud.update(stack, text, converge=True)
        assert web.only(cloud).status.alive is missed
        cloud.delete(stack)


def test_an_update_that_observes_a_good_reality_does_nothing(cloud):
    text = web.template({'cpus': 0.3, 'memory': 64 << 20, 'files': [{'path': '/x', 'content': 'y'}],
                         'device_read_bps': [{'path': '/dev/sda', 'rate': 1024}]})
    stack = cloud.create(text)
    seen = len(cloud.engine.calls)
    cloud.update(stack, text, converge=True)
    verbs = {verb for verb, _subject in cloud.engine.calls[seen:]}
    assert not verbs & {'update', 'rename', 'copy_in', 'connect', 'disconnect', 'create', 'start', 'stop'}


def test_a_snapshot_is_restored(cloud):
    stack = cloud.create(web.template())
    info = web.only(cloud)
    cloud.engine.exec(info.id, _shell('echo kept > /state'))
    loaded = cloud.load(stack)
    loaded.snapshot(None)
    assert loaded.state == ('SNAPSHOT', 'COMPLETE'), loaded.status_reason
    image = loaded['web'].data()['snapshot_image_id']
    assert cloud.engine.inspect_image(image).references[0].startswith('heat-container/')
    cloud.engine.exec(info.id, _shell('echo lost > /state'))
    definition = loaded['web'].handle_restore(loaded['web'].t, {'resource_data': loaded['web'].data()})
    restored = cloud.update(stack, web.template({'image': definition._properties['image'], 'output_files': ['/state']}))
    assert restored.state == ('UPDATE', 'COMPLETE'), restored.status_reason
    assert web.attribute(cloud, restored, 'output_files') == {'/state': 'kept\n'}


def test_a_snapshot_goes_with_it_and_the_one_of_a_deletion_stays(cloud):
    stack = cloud.create(web.template(deletion_policy='Snapshot'))
    loaded = cloud.load(stack)
    loaded.snapshot(None)
    loaded['web'].handle_delete_snapshot({'resource_data': loaded['web'].data()})
    assert len(cloud.engine.list_images()) == 1
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')
    assert len(cloud.engine.list_images()) == 2 and not web.containers(cloud)


def test_only_what_is_of_the_project_is_adopted(cloud):
    made = cloud.engine.create(ContainerSpec(name='mine', image=web.IMAGE, labels={names.PROJECT: stacks.PROJECT}))
    other = cloud.engine.create(ContainerSpec(name='other', image=web.IMAGE,
                                              labels={names.PROJECT: stacks.OTHER_PROJECT}))
    assert cloud.create(web.template(external_id=made)).state == ('CREATE', 'FAILED')  # it does not run
    cloud.engine.start(made)
    stack = cloud.create(web.template(external_id=made), name='second')
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    assert web.attribute(cloud, stack, 'name') == 'mine'
    with pytest.raises(exception.StackValidationFailed, match='can not be found'):
        cloud.create(web.template(external_id=other), name='third')


@pytest.mark.parametrize(('details', 'done'), [
    ({'action': 'stop'}, lambda info: info.status is Status.STOPPED),
    ({'action': 'pause'}, lambda info: info.status is Status.PAUSED),
    ({'action': 'kill', 'signal': 'SIGKILL'}, lambda info: info.status is Status.STOPPED),
    ({'action': 'exec', 'command': ['sh', '-c', 'kill -9 1; exit 0']}, lambda info: True),
    ({'current': 'alarm', 'previous': 'ok'}, lambda info: info.status is Status.RUNNING)])
def test_signals_act_on_it(cloud, details, done):
    stack = cloud.create(web.template({'signal_actions': ['restart', 'stop', 'pause', 'kill', 'exec']}))
    before = web.only(cloud)
    loaded = cloud.load(stack)
    loaded['web'].signal(details)
    assert done(web.only(cloud))
    if 'current' in details:
        assert web.only(cloud).started_at > before.started_at


@pytest.mark.parametrize('details', [{'action': 'exec', 'command': ['id']}, {'action': 'remove'}, {'action': 'handle'}])
def test_a_signal_does_only_what_the_template_allows(cloud, details):
    stack = cloud.create(web.template())
    loaded = cloud.load(stack)
    with pytest.raises(exception.ResourceFailure, match='may not do'):
        loaded['web'].signal(details)


def test_a_signed_url_is_made_when_it_is_asked_for(cloud, monkeypatch):
    monkeypatch.setattr(fake_keystoneclient.FakeKeystoneClient, 'create_stack_domain_user_keypair',
                        lambda *_, **__: types.SimpleNamespace(id='1', access='access', secret='secret'))
    cloud.set('heat_waitcondition_server_url', 'http://heat.test/v1/waitcondition')
    stack = cloud.create(web.template(outputs={'url': {'get_attr': ['web', 'signal_url']}}))
    assert str(cloud.outputs(stack)['url']).startswith('http://heat.test/v1/signal/')
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')


def test_attributes_tell_how_it_is_now(cloud):
    stack = cloud.create(web.template({
        'ports': [{'container_port': 80}], 'command': ['sh', '-c', 'echo line 1; echo line 2; echo line 3; sleep 100'],
        'log_lines': 2}))
    info = web.only(cloud)
    told = {name: web.attribute(cloud, stack, name) for name in (
        'status', 'ports', 'addresses', 'ip_address', 'stats', 'processes', 'changes', 'state', 'mounts', 'show')}
    assert told['status'] == 'running' and told['state']['exit_code'] is None
    assert web.attribute(cloud, stack, 'ports', '80/tcp', 0, 'host_port') == info.ports[0].host_port
    assert told['addresses']['bridge']['ip_address'] == told['ip_address'] != ''
    assert told['stats']['memory_bytes'] >= 0 and told['processes'] and told['show']['name'] == info.name
    assert web.attribute(cloud, stack, 'logs_head') == 'line 1\nline 2\n'
    assert web.attribute(cloud, stack, 'logs_tail') == 'line 2\nline 3\n'
    cloud.engine.stop(info.id)
    assert web.attribute(cloud, stack, 'status') == 'exited'
    assert web.attribute(cloud, stack, 'stats') is None and web.attribute(cloud, stack, 'processes') == []


def _shell(text: str) -> ExecSpec:
    return ExecSpec(command=('sh', '-c', text))


def test_a_stack_is_restored_to_a_snapshot(cloud):
    stack = cloud.create(web.template({'output_files': ['/state'], 'files': [{'path': '/x', 'content': 'y'}],
                                       'networks': [{'network': 'bridge'}]}))
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    cloud.engine.exec(web.only(cloud).id, _shell('echo kept > /state'))
    loaded = cloud.load(stack)
    loaded.snapshot(None)
    data = loaded.prepare_abandon()
    cloud.engine.exec(web.only(cloud).id, _shell('echo lost > /state'))
    before = web.only(cloud).id
    loaded = cloud.load(stack)
    loaded.restore(types.SimpleNamespace(id='1', data=data, status='COMPLETE', get_all_by_stack=None))
    assert loaded.state == ('RESTORE', 'COMPLETE'), loaded.status_reason
    assert web.only(cloud).id != before
    assert web.attribute(cloud, stack, 'output_files') == {'/state': 'kept\n'}
