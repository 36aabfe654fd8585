# SPDX-License-Identifier: Apache-2.0
"""OS::Docker::Volume in stacks."""

from unittest import mock

import pytest
from heat.common import exception

from nova_container.engine import ContainerSpec, Mount, MountKind
from nova_container.engine.volume import Volume, VolumeInfo
from tests.unit.heat import stacks

HEAD = 'heat_template_version: 2021-04-16\nresources:\n'
PLAIN = HEAD + '  data: {type: OS::Docker::Volume}\n'
PROJECT = 'org.openstack.heat.project_id'


def named(properties='', more=''):
    return f'''{HEAD}  data:
    type: OS::Docker::Volume
    {more}
    properties: {{name: data{properties}}}
outputs:
  driver: {{value: {{get_attr: [data, driver]}}}}
  size: {{value: {{get_attr: [data, size]}}}}
  mountpoint: {{value: {{get_attr: [data, mountpoint]}}}}
  used_by: {{value: {{get_attr: [data, used_by]}}}}
'''


def names(cloud):
    return [info.name for info in cloud.engine.list_volumes()]


def user_of(cloud, name):
    cloud.engine.add_image('busybox')
    return cloud.engine.create(ContainerSpec(
        name='user', image='busybox', mounts=(Mount(kind=MountKind.VOLUME, source=name, target='/data'),)))


def test_a_volume_is_made_with_its_owner_in_labels_and_goes_with_its_stack(cloud):
    stack = cloud.create(PLAIN)
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    [info] = cloud.engine.list_volumes()
    assert info.name == stack['data'].resource_id
    assert info.name.startswith('web-data-')
    assert info.spec.labels[PROJECT] == stacks.PROJECT
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')
    assert names(cloud) == []


def test_its_attributes_are_what_the_engine_says_but_no_path_of_the_host(cloud):
    stack = cloud.create(named())
    user = user_of(cloud, 'data')
    told = cloud.outputs(stack)
    assert (told['driver'], told['mountpoint'], told['used_by']) == ('local', '', [user])
    assert isinstance(told['size'], int)
    cloud.engine.remove(user, volumes=False)
    assert cloud.outputs(stack)['used_by'] == []


def test_deletion_of_what_is_gone_succeeds(cloud):
    stack = cloud.create(named())
    cloud.engine.remove_volume('data')
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')


def test_a_volume_in_use_is_deleted_once_it_is_free(cloud):
    cloud.set('action_retry_limit', 2)
    stack = cloud.create(named())
    user = user_of(cloud, 'data')
    assert cloud.delete(stack).state == ('DELETE', 'FAILED')
    cloud.engine.remove(user, volumes=False)
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')


def test_a_retained_volume_stays(cloud):
    stack = cloud.create(named(more='deletion_policy: retain'))
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')
    assert names(cloud) == ['data']


@pytest.mark.parametrize('labels', [{}, {PROJECT: stacks.OTHER_PROJECT}, {PROJECT: stacks.PROJECT}])
def test_a_volume_that_is_there_already_is_not_taken_over(cloud, labels):
    cloud.engine.create_volume(Volume(name='data', labels=labels))
    stack = cloud.create(named())
    assert stack.state == ('CREATE', 'FAILED')
    assert 'data' in stack.status_reason
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')
    assert names(cloud) == ['data']


def test_a_replacement_of_the_same_name_is_refused_and_the_files_stay(cloud):
    stack = cloud.create(named())
    before = cloud.engine.inspect_volume('data')
    updated = cloud.update(stack, named(', labels: {tier: one}'), rollback=True)
    assert updated.state == ('ROLLBACK', 'COMPLETE')
    assert cloud.engine.inspect_volume('data') == before
    assert cloud.load(stack)['data'].resource_id == 'data'


def test_a_replacement_of_another_name_is_made(cloud):
    stack = cloud.create(PLAIN)
    first = names(cloud)
    properties = '{labels: {tier: one}}'
    updated = cloud.update(stack, f'{HEAD}  data: {{type: OS::Docker::Volume, properties: {properties}}}\n')
    assert updated.state == ('UPDATE', 'COMPLETE'), updated.status_reason
    assert len(names(cloud)) == 1
    assert names(cloud) != first


def test_converge_and_check_see_that_it_is_gone(cloud):
    stack = cloud.create(named())
    cloud.engine.remove_volume('data')
    found = cloud.load(stack)
    found.check()
    assert found.state == ('CHECK', 'FAILED')
    assert cloud.update(stack, named(), converge=True).state == ('UPDATE', 'COMPLETE')
    assert names(cloud) == ['data']


def test_a_volume_of_another_project_cannot_be_adopted(cloud):
    cloud.engine.create_volume(Volume(name='theirs', labels={PROJECT: stacks.OTHER_PROJECT}))
    stack = cloud.adopt(PLAIN, {'data': {'resource_id': 'theirs'}})
    assert stack.state == ('ADOPT', 'FAILED')
    cloud.delete(stack)
    assert names(cloud) == ['theirs']


def test_a_volume_of_the_project_can_be_adopted(cloud):
    cloud.engine.create_volume(Volume(name='ours', labels={PROJECT: stacks.PROJECT}))
    stack = cloud.adopt(PLAIN, {'data': {'resource_id': 'ours'}})
    assert stack.state == ('ADOPT', 'COMPLETE')
    assert stack['data'].resource_id == 'ours'


@pytest.mark.parametrize('properties', [
    ', driver_opts: {type: none, o: bind, device: /etc}',
    ', driver_opts: {type: nfs, o: "addr=192.0.2.1", device: ":/export"}',
    ', driver_opts: {type: cifs, o: "username=a", device: //192.0.2.1/share}',
    ', driver_opts: {type: tmpfs, o: "bind", device: tmpfs}',
    ', driver_opts: {type: tmpfs, o: "size=1m,dev", device: tmpfs}',
    ', driver_opts: {type: ext4, device: /dev/sda1}',
    ', driver: vieux/sshfs'])
def test_a_folder_of_the_host_or_the_network_is_refused(cloud, properties):
    stack = cloud.create(named(properties))
    assert stack.state == ('CREATE', 'FAILED')
    assert 'policy baseline' in stack.status_reason
    assert names(cloud) == []


def test_a_volume_in_memory_is_allowed(cloud):
    stack = cloud.create(named(', driver_opts: {type: tmpfs, device: tmpfs, o: "size=1m"}'))
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason


def test_a_volume_in_memory_has_a_size(cloud):
    stack = cloud.create(named(', size: 1048576, driver_opts: {type: tmpfs, device: tmpfs, o: "uid=7"}'))
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    assert cloud.engine.inspect_volume('data').spec.options['o'] == 'uid=7,size=1048576'


def test_a_driver_that_knows_a_size_is_told(cloud):
    cloud.rule('docker:create:volume_driver_opts', '@')
    asked = []
    with mock.patch.object(cloud.engine, 'create_volume', lambda volume: asked.append(volume) or VolumeInfo(
            spec=volume, mountpoint='', created_at=1.0)):
        cloud.create(named(', size: 1048576, driver: portworx'))
    assert asked[0].options == {'size': '1048576'}


@pytest.mark.parametrize(('properties', 'said'), [
    (', size: 1048576', 'keeps to it in memory only'), (', size: 1', 'range'),
    (', size: 4096, driver_opts: {type: tmpfs, device: tmpfs, o: "size=1m"}', 'give it once')])
def test_a_size_that_nobody_would_keep_is_said_when_the_template_is_looked_at(cloud, properties, said):
    with pytest.raises(exception.StackValidationFailed, match=said):
        cloud.create(named(properties))


def test_a_snapshot_at_the_end_is_refused_as_there_is_nowhere_to_keep_it(cloud):
    with pytest.raises(exception.StackValidationFailed, match='"Snapshot" deletion policy not supported'):
        cloud.create(named(more='deletion_policy: Snapshot'))


def test_an_adopted_volume_goes_with_its_stack(cloud):
    cloud.engine.create_volume(Volume(name='ours', labels={PROJECT: stacks.PROJECT}))
    stack = cloud.adopt(PLAIN, {'data': {'resource_id': 'ours'}})
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')
    assert names(cloud) == []
