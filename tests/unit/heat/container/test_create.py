# SPDX-License-Identifier: Apache-2.0
"""Stacks with a container: made, told about, and taken away."""

import pytest
from heat.common import exception

from heat_container import names
from nova_container import errors
from nova_container.engine import ContainerSpec, Status
from nova_container.engine.volume import Volume
from tests.unit.heat import stacks
from tests.unit.heat.container import web


def test_a_container_runs_and_is_labelled(cloud):
    stack = cloud.create(web.template({'environment': {'A': 1, 'B': True}, 'labels': {'tier': 'web'},
                                       'memory': 64 << 20}))
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    info = web.only(cloud)
    assert info.status is Status.RUNNING and info.id == stack['web'].resource_id
    assert {'A=1', 'B=true'} <= set(info.spec.process.env) and info.spec.resources.memory_bytes == 64 << 20
    assert info.labels[names.PROJECT] == stacks.PROJECT and info.labels[names.STACK_ID] == stack.id
    assert info.labels['tier'] == 'web' and info.name.startswith('web-web-')


def test_deleting_the_stack_removes_it_and_its_volumes(cloud):
    stack = cloud.create(web.template({'anonymous_volumes': ['/data']}))
    assert len(cloud.engine.list_volumes()) == 1
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')
    assert not web.containers(cloud) and not cloud.engine.list_volumes()


def test_its_volumes_stay_if_the_template_says_so(cloud):
    stack = cloud.create(web.template({'anonymous_volumes': ['/data'], 'remove_volumes': False}))
    cloud.delete(stack)
    assert not web.containers(cloud) and len(cloud.engine.list_volumes()) == 1


def test_deleting_what_is_gone_succeeds(cloud):
    stack = cloud.create(web.template())
    cloud.engine.remove(web.only(cloud).id, force=True)
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')


@pytest.mark.parametrize('end', ['stop', 'pause', 'kill'])
def test_deleting_takes_a_container_in_any_state(cloud, end):
    stack = cloud.create(web.template())
    getattr(cloud.engine, end)(web.only(cloud).id)
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')
    assert not web.containers(cloud)


def test_a_container_whose_id_was_never_kept_is_found_by_its_label(cloud):
    stack = cloud.create(web.template())
    found = cloud.load(stack)
    found['web'].resource_id_set(None)
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')
    assert not web.containers(cloud)


def test_one_that_is_retained_stays(cloud):
    cloud.delete(cloud.create(web.template(deletion_policy='Retain')))
    assert web.only(cloud).status is Status.RUNNING


def test_an_image_that_is_not_there_is_pulled_unless_that_is_forbidden(cloud):
    _publish(cloud, 'other:1')
    stack = cloud.create(web.template({'image': 'other:1', 'image_pull_policy': 'never'}))
    assert stack.state == ('CREATE', 'FAILED') and 'No such image: other:1' in stack.status_reason
    stack = cloud.create(web.template({'image': 'other:1'}), name='pulls')
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    assert web.only(cloud).image_id == cloud.engine.inspect_image('other:1').id


def test_an_image_that_is_there_is_pulled_only_if_that_is_wanted(cloud):
    _publish(cloud, 'other:1')
    for policy, pulls in (('if_not_present', 1), ('if_not_present', 1), ('always', 2)):
        stack = cloud.create(web.template({'image': 'other:1', 'image_pull_policy': policy}), name=f'n{pulls}')
        assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
        cloud.delete(stack)
        assert cloud.engine.calls.count(('pull', 'other:1')) == pulls


def test_credentials_open_the_registry_and_are_shown_nowhere(cloud):
    _publish(cloud, 'registry.test/private:1')
    cloud.engine.logins['registry.test'] = ('me', 'gd48Xs')
    image = {'image': 'registry.test/private:1'}
    assert 'access denied' in cloud.create(web.template(image)).status_reason
    stack = cloud.create(web.template({**image, 'registry_credentials': {'username': 'me', 'password': 'gd48Xs'}}),
                         name='knows')
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason


def test_a_failure_is_not_tried_again(cloud):
    cloud.engine.create(ContainerSpec(name='taken', image=web.IMAGE))
    before = cloud.engine.calls.count(('create', 'taken'))
    stack = cloud.create(web.template({'name': 'taken'}))
    assert stack.state == ('CREATE', 'FAILED') and 'already in use' in stack.status_reason
    assert cloud.engine.calls.count(('create', 'taken')) - before == 1


def test_a_command_that_failed_fails_the_stack_once_and_says_why(cloud):
    stack = cloud.create(web.template({'command': ['sh', '-c', 'echo no luck; exit 3'], 'wait_for': 'exited'}))
    assert stack.state == ('CREATE', 'FAILED')
    assert 'ended with 3; expected is 0' in stack.status_reason and 'no luck' in stack.status_reason
    assert len([call for call in cloud.engine.calls if call[0] == 'create']) == 1


def test_a_command_that_ends_as_expected_completes_it(cloud):
    stack = cloud.create(web.template({'command': ['sh', '-c', 'exit 3'], 'wait_for': 'exited',
                                       'expected_exit_codes': [0, 3]}))
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    assert web.attribute(cloud, stack, 'exit_code') == 3


def test_one_that_ends_at_once_does_not_count_as_running(cloud):
    stack = cloud.create(web.template({'command': ['false']}))
    assert stack.state == ('CREATE', 'FAILED') and 'ended with 1' in stack.status_reason


def test_it_counts_when_it_is_healthy(cloud):
    stack = cloud.create(web.template({'healthcheck': {'test': ['CMD', 'true'], 'interval': 0.05},
                                       'wait_for': 'healthy'}))
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    assert web.attribute(cloud, stack, 'health') == 'healthy'
    assert web.attribute(cloud, stack, 'health_log')[0]['exit_code'] == 0


def test_one_that_gets_unhealthy_fails_the_stack_with_what_its_check_said(cloud):
    stack = cloud.create(web.template({
        'healthcheck': {'test': ['CMD-SHELL', 'echo sick; exit 1'], 'interval': 0.05, 'retries': 1},
        'wait_for': 'healthy'}))
    assert stack.state == ('CREATE', 'FAILED') and 'unhealthy: sick' in stack.status_reason


def test_waiting_for_health_without_a_check_is_a_mistake_that_is_said(cloud):
    stack = cloud.create(web.template({'wait_for': 'healthy'}))
    assert stack.state == ('CREATE', 'FAILED') and 'no health check' in stack.status_reason


def test_one_that_is_not_to_start_is_only_made(cloud):
    stack = cloud.create(web.template({'start': False}))
    assert stack.state == ('CREATE', 'COMPLETE') and web.only(cloud).status is Status.CREATED


def test_files_are_there_before_it_starts(cloud):
    stack = cloud.create(web.template({
        'files': [{'path': '/etc/web/deep/rules', 'content': 'well', 'mode': '0600', 'uid': 7}],
        'command': ['sh', '-c', 'cat /etc/web/deep/rules'], 'wait_for': 'exited'}))
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    assert web.attribute(cloud, stack, 'logs') == 'well'
    assert cloud.engine.stat_path(web.only(cloud).id, '/etc/web/deep/rules').mode & 0o777 == 0o600


def test_hooks_run_after_the_start_and_before_the_stop(cloud):
    volume = cloud.engine.create_volume(_volume())
    stack = cloud.create(web.template({
        'hooks': {'post_start': ['sh', '-c', 'echo up >> /data/log'],
                  'pre_stop': ['sh', '-c', 'echo down >> /data/log']},
        'mounts': [{'volume': volume.name, 'target': '/data'}]}))
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    cloud.delete(stack)
    reader = cloud.create(web.template({'mounts': [{'volume': volume.name, 'target': '/data'}],
                                        'output_files': ['/data/log', '/none']}), name='reader')
    assert web.attribute(cloud, reader, 'output_files') == {'/data/log': 'up\ndown\n', '/none': None}


def test_a_hook_that_fails_fails_the_stack(cloud):
    stack = cloud.create(web.template({'hooks': {'post_start': ['sh', '-c', 'echo bad; exit 4']}}))
    assert stack.state == ('CREATE', 'FAILED') and 'post_start ended with 4: bad' in stack.status_reason


@pytest.mark.parametrize(('properties', 'message'), [
    ({'privileged': True}, 'privileged'), ({'network_mode': 'host'}, 'network'),
    ({'mounts': [{'type': 'bind', 'source': '/etc', 'target': '/host'}]}, 'binds a folder of the host'),
    ({'mounts': [{'volume': 'v', 'target': '/x', 'volume_options': {'type': 'none', 'o': 'bind', 'device': '/etc'}}]},
     'mounts'),
    ({'devices': [{'path_on_host': '/dev/sda'}]}, 'devices'), ({'cap_add': ['SYS_ADMIN']}, 'security'),
    ({'pid_mode': 'host'}, 'sharing'), ({'runtime': 'other'}, 'runtime'), ({'cgroup_parent': '/x'}, 'cgroup_parent'),
    ({'sysctls': {'kernel.core_pattern': '|x'}}, 'sysctls'), ({'seccomp_unconfined': True}, 'security'),
    ({'cpus': 1, 'cpu_quota': 1000}, 'give one of them'), ({'networks': [{'network': 'a'}, {'network': 'a'}]}, 'twice'),
    ({'networks': [{'network': 'bridge'}], 'network_mode': 'none'}, 'leave one of them out'),
    ({'read_only': True, 'files': [{'path': '/x', 'content': ''}]}, 'read_only'),
    ({'wait_for': 'exited', 'restart_policy': {'name': 'always'}}, 'never comes true'),
    ({'labels': {names.PROJECT: 'b' * 32}}, 'is set by Heat'), ({'healthcheck': {'test': ['curl']}}, 'CMD-SHELL'),
    ({'environment': {'A': '1'}, 'secret_environment': {'A': '2'}}, 'give it once')])
def test_what_cannot_be_is_said_when_the_template_is_looked_at(cloud, properties, message):
    with pytest.raises(exception.StackValidationFailed, match=message):
        cloud.create(web.template(properties))


@pytest.mark.parametrize('verb', ['create', 'start'])
def test_an_engine_that_fails_leaves_nothing_that_a_delete_does_not_find(cloud, verb):
    cloud.engine.fail(verb, errors.HostFailure('the disk is broken'))
    stack = cloud.create(web.template())
    assert stack.state == ('CREATE', 'FAILED') and 'the disk is broken' in stack.status_reason
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')
    assert not web.containers(cloud)


def _volume() -> Volume:
    return Volume(name='data', labels={names.PROJECT: stacks.PROJECT})


def _publish(cloud, reference: str) -> None:
    """Have an image in the registry, and not on the engine."""
    cloud.engine.add_image(reference, config={'Labels': {'of': reference}})
    list(cloud.engine.push(reference))
    cloud.engine.remove_image(reference)
