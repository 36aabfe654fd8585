# SPDX-License-Identifier: Apache-2.0
"""Services, secrets and configs of a real dockerd that is a swarm of one node, in whole stacks in this process."""

import contextlib
import pathlib
import subprocess

import pytest

from nova_container import errors
from nova_container.docker.engine import DockerEngine
from tests.conformance.deadline import eventually
from tests.conformance.dockerd import running_dockerd
from tests.fixtures import busybox_image
from tests.unit.heat import own_conf, stacks

pytestmark = [pytest.mark.root, pytest.mark.dockerd]
BRIDGE = pathlib.Path('/sys/class/net/docker_gwbridge')
TEMPLATE = '''
heat_template_version: 2021-04-16
parameters:
  password: {type: string, hidden: true, default: hush-hush}
  word: {type: string, default: one}
  replicas: {type: number, default: 2}
  command: {type: string, default: cat /run/secrets/pw /etc/c; echo " $WORD"; sleep 600}
resources:
  pw: {type: OS::Docker::Secret, properties: {data: {get_param: password}, labels: {a: b}}}
  c: {type: OS::Docker::Config, properties: {name: conf, data: {get_param: word}}}
  web:
    type: OS::Docker::Service
    properties:
      image: box:1
      command: [sh, -c, {get_param: command}]
      environment: {WORD: {get_param: word}}
      replicas: {get_param: replicas}
      secrets: [{secret: {get_resource: pw}, target: pw}]
      configs: [{config: {get_resource: c}, target: /etc/c, mode: '0400'}]
      stop_signal: SIGKILL
      cpus: 0.5
      memory: 67108864
      mounts: [{type: tmpfs, target: /run/x, size: 1048576}]
      healthcheck: {test: [CMD, 'true'], interval: 1}
      restart_policy: {condition: any, delay: 0}
      update_config: {parallelism: 0, failure_action: pause, monitor: 1, order: stop-first}
      placement: {constraints: [node.role==manager]}
      labels: {tier: front}
      ports: [{target_port: 80, published_port: 18080, publish_mode: ingress}]
      endpoint_mode: vip
'''


@pytest.fixture(scope='module')
def engine(tmp_path_factory):
    path = tmp_path_factory.mktemp('image') / 'box.tar'
    busybox_image.build(path, 'box:1')
    was_there = BRIDGE.exists()
    with running_dockerd() as url:
        client = DockerEngine(url)
        with path.open('rb') as archive:
            client.load(archive)
        yield client
        client.close()
    if BRIDGE.exists() and not was_there:  # it outlives the swarm
        subprocess.run(['ip', 'link', 'delete', BRIDGE.name], check=True, timeout=10)


@pytest.fixture(scope='module')
def manager(engine):
    engine.do('POST', '/swarm/init', document={'ListenAddr': '127.0.0.1:0', 'AdvertiseAddr': '127.0.0.1'})
    yield engine
    engine.do('POST', '/swarm/leave', query={'force': True})


@pytest.fixture
def offered():
    """A heat-engine whose default endpoint is an engine, at a level."""
    with own_conf.swapped(), stacks.Cloud() as cloud:
        def offer(engine, level='privileged'):
            cloud.offer('swarm', engine, policy_level=level)
            cloud.set('default_endpoint', 'swarm', group='docker')
            offered.append(engine)
            return cloud
        offered = []
        yield offer
        for engine in offered:
            eventually(lambda engine=engine: _is_empty(engine), 60)


def _is_empty(engine) -> bool:
    """A swarm removes containers of services a while after them, and leaves those that ended."""
    for info in engine.list():
        if not info.status.alive:
            with contextlib.suppress(errors.WrongState):  # it is being removed
                engine.remove(info.id)
    return not engine.list()


def told(cloud, stack, name):
    loaded = cloud.load(stack)
    return loaded['web'].FnGetAtt(name)


def test_an_engine_that_manages_no_swarm_says_what_to_do(engine, offered):
    cloud = offered(engine)
    stack = cloud.create(TEMPLATE)
    assert stack.state == ('CREATE', 'FAILED') and 'docker swarm init' in stack.status_reason


def test_a_service_runs_changes_and_goes(manager, offered):
    cloud = offered(manager)
    stack = cloud.create(TEMPLATE)
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    service = stack['web'].resource_id
    assert told(cloud, stack, 'replicas_running') == 2
    assert told(cloud, stack, 'ports') == [
        {'target_port': 80, 'published_port': 18080, 'protocol': 'tcp', 'publish_mode': 'ingress'}]
    assert 'hush-hushone one' in told(cloud, stack, 'logs')
    assert {task['state'] for task in told(cloud, stack, 'tasks')} == {'running'}

    stack = cloud.update(stack, TEMPLATE, {'word': 'two', 'replicas': 3})
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    assert stack['web'].resource_id == service and told(cloud, stack, 'replicas_running') == 3
    assert 'hush-hushtwo two' in told(cloud, stack, 'logs')
    assert len(manager.get('/configs')) == 1 and manager.get('/configs')[0]['Spec']['Name'].startswith('conf-')

    stack = cloud.update(stack, TEMPLATE.replace('a: b', 'a: c'), {'word': 'two', 'replicas': 3})
    assert manager.get('/secrets')[0]['Spec']['Labels']['a'] == 'c'

    stack = cloud.update(stack, TEMPLATE.replace('a: b', 'a: c'), {'word': 'two', 'command': 'exit 7'}, rollback=True)
    assert stack.state == ('ROLLBACK', 'COMPLETE'), stack.status_reason
    assert told(cloud, stack, 'replicas_running') == 3

    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')
    assert not (manager.get('/services') or manager.get('/secrets') or manager.get('/configs'))
    assert not [info.name for info in manager.list() if info.status.alive]


def test_a_job_is_complete_when_it_ended_well_and_a_failing_one_fails(manager, offered):
    cloud = offered(manager)
    job = '''
heat_template_version: 2021-04-16
resources:
  web:
    type: OS::Docker::Service
    properties: {image: 'box:1', mode: replicated_job, replicas: 2, command: [sh, -c, CODE],
                 restart_policy: {condition: none}}
'''
    stack = cloud.create(job.replace('CODE', 'exit 0'))
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    assert {task['state'] for task in told(cloud, stack, 'tasks')} == {'complete'}
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')
    stack = cloud.create(job.replace('CODE', 'exit 3'))
    assert stack.state == ('CREATE', 'FAILED') and 'non-zero exit (3)' in stack.status_reason
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')


def test_tasks_find_each_other_in_an_overlay_and_a_global_service_has_one_on_each_node(manager, offered):
    cloud = offered(manager)
    stack = cloud.create('''
heat_template_version: 2021-04-16
resources:
  net: {type: OS::Docker::Network, properties: {driver: overlay}}
  web:
    type: OS::Docker::Service
    properties: {image: 'box:1', mode: global, command: [sleep, '600'], stop_signal: SIGKILL, name: found,
                 endpoint_mode: dnsrr, networks: [{network: {get_resource: net}}]}
''')
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    task, = told(cloud, stack, 'tasks')
    assert task['state'] == 'running'
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')


def test_a_service_of_another_project_is_not_there(manager, offered):
    cloud = offered(manager)
    stack = cloud.create(TEMPLATE)
    other = cloud.context(stacks.OTHER_PROJECT)
    stolen = cloud.create(f'''
heat_template_version: 2021-04-16
resources:
  web:
    type: OS::Docker::Service
    properties: {{image: 'box:1', secrets: [{{secret: {stack['pw'].resource_id}, target: x}}]}}
''', name='other', context=other)
    assert stolen.state == ('CREATE', 'FAILED') and 'No such secret' in stolen.status_reason
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')


def test_a_level_below_privileged_needs_the_rule(manager, offered):
    cloud = offered(manager, 'baseline')
    stack = cloud.create(TEMPLATE)
    assert stack.state == ('CREATE', 'FAILED') and 'docker:create:swarm' in stack.status_reason
    assert not manager.get('/services')
