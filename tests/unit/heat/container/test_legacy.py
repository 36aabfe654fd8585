# SPDX-License-Identifier: Apache-2.0
"""Templates of 2014: DockerInc::Docker::Container with all its properties and attributes."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from heat.common import exception, policy

from heat_container import names
from heat_container.schema import legacy as schema
from heat_container.translate import legacy
from nova_container import errors
from nova_container.engine import ContainerSpec, Device, MountKind, RestartPolicy, Status
from nova_container.engine.network import Port
from tests.unit.heat import stacks
from tests.unit.heat.container import web


def template(properties: Mapping[str, Any], outputs: tuple[str, ...] = ()) -> str:
    return json.dumps({
        'heat_template_version': '2013-05-23',
        'resources': {'web': {'type': 'DockerInc::Docker::Container', 'properties': {
            'image': web.IMAGE, **properties}}},
        'outputs': {name: {'value': {'get_attr': ['web', name]}} for name in outputs}})


def test_it_has_the_25_properties_and_9_attributes_of_then():
    assert len(schema.PROPERTIES) == 25 and len(schema.ATTRIBUTES) == 9
    assert not any(one.update_allowed or one.required for one in schema.PROPERTIES.values())


def test_the_template_of_the_plug_ins_readme_runs(cloud):
    cloud.engine.add_image('mysql')
    cloud.engine.add_image('wordpress')
    text = '''
heat_template_version: 2013-05-23
resources:
  db:
    type: "DockerInc::Docker::Container"
    properties:
      image: mysql
      name: db
      port_specs: [3306]
      env: ["MYSQL_ROOT_PASSWORD=secret"]
  blog:
    type: "DockerInc::Docker::Container"
    depends_on: [db]
    properties:
      image: wordpress
      links: {db: mysql}
      port_specs: ["80/tcp"]
      port_bindings: {"80/tcp": 8080}
outputs:
  ports: {value: {get_attr: [blog, network_tcp_ports]}}
  address: {value: {get_attr: [db, network_ip]}}
'''
    stack = cloud.create(text)
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    told = cloud.outputs(stack)
    assert told['ports'] == '8080' and told['address'].startswith('172.17.')


def test_every_property_is_what_it_was(cloud):
    cloud.offer('all', cloud.engine, policy_level='privileged')
    cloud.engine.add_image('other')
    other = cloud.engine.create(ContainerSpec(name='other', image='other', labels={names.PROJECT: stacks.PROJECT}))
    cloud.engine.start(other)
    stack = cloud.create(template({
        'docker_endpoint': 'all', 'name': 'web', 'hostname': 'web1', 'user': '7', 'memory': 64 << 20, 'cpu_shares': 10,
        'cpu_set': '0', 'cmd': ['sleep', '100'], 'env': ['A=b=c'], 'dns': ['192.0.2.1'],
        'port_specs': ['53/udp', '9000:90'],
        'port_bindings': {'80': 8080, '81/tcp': ['127.0.0.1:8081', {'HostPort': '8082'}], '82': None},
        'links': {'other': 'alias'}, 'volumes': {'/srv': '/in', '/opt': {'bind': '/opt', 'ro': True}, '/new': {}},
        'volumes_from': ['other'], 'tty': True, 'open_stdin': True, 'stdin_once': True, 'cap_add': ['NET_ADMIN'],
        'cap_drop': ['MKNOD'], 'read_only': True, 'restart_policy': {'Name': 'on-failure', 'MaximumRetryCount': 2},
        'devices': [{'path_on_host': '/dev/null', 'permissions': 'rw'}]}))
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    found = cloud.engine.inspect('web').spec
    assert (found.hostname, found.process.user, found.resources.memory_bytes) == ('web1', '7', 64 << 20)
    assert (found.resources.cpu_shares, found.resources.cpuset_cpus) == (10, '0')
    assert found.process.command == ('sleep', '100') and 'A=b=c' in found.process.env
    assert found.process.tty and found.process.open_stdin and found.process.stdin_once
    assert found.network.dns == ('192.0.2.1',) and {'53/udp', '90/tcp'} <= set(found.exposed_ports)
    assert set(found.network.ports) == {
        Port(container_port=90, host_port=9000), Port(container_port=80, host_port=8080), Port(container_port=82),
        Port(container_port=81, host_port=8081, host_ip='127.0.0.1'), Port(container_port=81, host_port=8082)}
    assert found.network.endpoints[0].links == (f'{other}:alias',) and found.volumes == ('/new',)
    assert [(one.kind, one.source, one.target, one.read_only) for one in found.mounts] == [
        (MountKind.BIND, '/srv', '/in', False), (MountKind.BIND, '/opt', '/opt', True)]
    assert found.security.cap_add == ('NET_ADMIN',) and found.security.cap_drop == ('MKNOD',)
    assert found.security.read_only_root and found.volumes_from == (other,)
    assert found.restart == RestartPolicy(name='on-failure', maximum_retries=2)
    assert found.devices == (Device(path_on_host='/dev/null', path_in_container='/dev/null', permissions='rw'),)


def test_attributes_are_what_they_were(cloud):
    stack = cloud.create(template({
        'cmd': ['sh', '-c', 'echo first; echo second; echo third; sleep 100'],
        'port_bindings': {'80': 8080, '53/udp': 5353}}, tuple(schema.ATTRIBUTES)))
    info = web.only(cloud)
    told = cloud.outputs(stack)
    assert told['info']['Id'] == info.id and told['info']['State']['Running'] is True
    assert told['network_info'] == told['info']['NetworkSettings']
    assert told['network_ip'] == info.endpoints[0].ipv4.partition('/')[0] and told['network_gateway'] == '172.17.0.1'
    assert (told['network_tcp_ports'], told['network_udp_ports']) == ('8080', '5353')
    assert (told['logs_head'], told['logs_tail']) == ('first', 'third') and told['logs'] == 'first\nsecond\nthird\n'


def test_it_is_suspended_by_a_stop_and_deleted_in_any_state(cloud):
    stack = cloud.create(template({}))
    cloud.act(stack, 'suspend')
    assert web.only(cloud).status is Status.STOPPED
    cloud.act(stack, 'resume')
    assert web.only(cloud).status is Status.RUNNING
    cloud.engine.stop(web.only(cloud).id)
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE') and not web.containers(cloud)


def test_a_change_replaces_it_and_the_old_one_comes_back_if_that_fails(cloud):
    fixed = {'name': 'web', 'port_bindings': {'80': 8080}}
    stack = cloud.create(template(fixed))
    before = web.only(cloud)
    stack = cloud.update(stack, template({**fixed, 'cmd': ['false']}), rollback=True)
    assert stack.state == ('ROLLBACK', 'COMPLETE'), stack.status_reason
    assert (web.only(cloud).id, web.only(cloud).status) == (before.id, Status.RUNNING)
    stack = cloud.update(stack, template({**fixed, 'env': ['A=b'], 'memory': 64 << 20}))
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    assert web.only(cloud).id != before.id and web.only(cloud).name == 'web'


@pytest.mark.parametrize(('properties', 'message'), [
    ({'docker_endpoint': 'unix:///var/run/docker.sock'}, 'endpoint'),
    ({'docker_endpoint': 'tcp://127.0.0.1:2375'}, 'endpoint'),
    ({'privileged': True}, 'privileged'), ({'volumes': {'/etc': '/etc'}}, 'binds a folder of the host'),
    ({'devices': [{'path_on_host': '/dev/sda'}]}, 'devices'), ({'cap_add': ['SYS_ADMIN']}, 'security'),
    ({'image': ''}, 'name one'), ({'port_specs': ['x']}, 'is not like')])
def test_what_was_open_to_all_then_is_within_policy_now(cloud, properties, message):
    with pytest.raises(exception.StackValidationFailed, match=message):
        cloud.create(template(properties))


def test_without_an_endpoint_it_is_on_the_operators_default_or_nowhere(cloud):
    cloud.set('default_endpoint', None, group='docker')
    with pytest.raises(exception.StackValidationFailed, match='endpoint'):
        cloud.create(template({}))


def test_an_operator_can_forbid_it(cloud, tmp_path):
    file = tmp_path / 'policy.yaml'
    file.write_text('"resource_types:DockerInc::Docker::Container": "!"\n')
    found = policy.ResourceEnforcer(policy_file=str(file))
    found.enforcer.use_conf = True
    found.load_rules(True)
    with pytest.raises(exception.Forbidden):
        found.enforce(cloud.context(), 'DockerInc::Docker::Container', is_registered_policy=True)


@pytest.mark.parametrize('volumes', [{'/a': 5}, {'/a': {'ro': True}}])
def test_a_volume_in_no_known_form_is_named(volumes):
    given = {**dict.fromkeys(schema.PROPERTIES), 'image': 'x', 'volumes': volumes}
    with pytest.raises(errors.InvalidSpec, match='/a'):
        legacy.modern(given)
