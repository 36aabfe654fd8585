# SPDX-License-Identifier: Apache-2.0
"""OS::Docker::Stack in whole stacks; what one heat-engine asks of another is done in this process."""

import pytest
from heat.common import exception
from heat.engine import resource
from heat.rpc import client

from heat_container import names
from nova_container.engine import ContainerSpec, Status
from nova_container.engine.network import Network
from nova_container.engine.volume import Volume
from tests.unit.heat import own_conf

with own_conf.swapped():  # importing it reads options
    from heat.engine import service

    from tests.unit.heat import stacks

TEMPLATE = '''
heat_template_version: 2021-04-16
parameters:
  compose: {type: string}
  colour: {type: string, default: red}
resources:
  app:
    type: OS::Docker::Stack
    properties:
      compose: {get_param: compose}
      environment: {COLOUR: {get_param: colour}}
      secret_environment: {PW: hush-hush}
      files: {c.conf: 'conf of {}'}
'''
COMPOSE = '''
services:
  web:
    image: box:1
    command: sleep infinity
    stop_signal: SIGKILL
    environment: {COLOUR: $COLOUR, PASSWORD: $PW}
    depends_on: {prepare: {condition: service_completed_successfully}, db: {condition: service_healthy}}
    configs: [{source: c, target: /etc/c.conf}]
    secrets: [pw]
    ports: ["8080:80"]
  prepare: {image: "box:1", command: sh -c 'echo ready'}
  db:
    image: box:1
    command: sleep infinity
    stop_signal: SIGKILL
    healthcheck: {test: [CMD, "true"], interval: 1s}
    volumes: ["data:/data"]
volumes: {data: }
configs: {c: {file: c.conf}}
secrets: {pw: {environment: PW}}
'''


class _Here:
    """Threads of heat-engine that are done before they are started."""

    def start(self, stack_id, work, *arguments, **keywords):
        work(*arguments, **keywords)
        return self

    def start_with_lock(self, context, stack, engine_id, work, *arguments, **keywords):
        return self.start(stack.id, work, *arguments, **keywords)

    def start_with_acquired_lock(self, stack, lock, work, *arguments, **keywords):
        lock.release()
        return self.start(stack.id, work, *arguments, **keywords)

    def link(self, *_):
        return None

    add_msg_queue = remove_msg_queue = stop = stop_timers = send = link


class _Local(client.EngineClient):
    def __init__(self):
        super().__init__()
        self.engine = service.EngineService('here', 'engine')
        self.engine.thread_group_mgr = _Here()
        self.engine.engine_id = 'here'

    def call(self, context, message, version=None, timeout=None):
        method, arguments = message
        return getattr(self.engine, method)(context, **arguments)

    cast = call


@pytest.fixture
def compose(cloud, monkeypatch):
    cloud.engine.add_image('box:1')
    cloud.set('convergence_engine', False)
    local = _Local()
    monkeypatch.setattr(resource.Resource, 'rpc_client', lambda self: local)
    return cloud


def services(cloud) -> dict:
    """Containers by the alias that others know them by."""
    return {info.spec.network.endpoints[0].aliases[0]: info for info in cloud.engine.list()}


def test_a_compose_file_runs_changes_in_part_and_goes(compose):
    stack = compose.create(TEMPLATE, {'compose': COMPOSE})
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    there = services(compose)
    assert there.keys() == {'web', 'prepare', 'db'} and there['prepare'].exit.code == 0
    assert there['web'].started_at >= there['prepare'].exit.finished_at
    assert {'COLOUR=red', 'PASSWORD=hush-hush'} <= set(there['web'].spec.process.env)
    assert compose.engine.stat_path(there['web'].id, '/etc/c.conf').size_bytes == len('conf of {}')
    told = stack['app'].FnGetAtt('services')
    assert told['web'][0]['id'] == there['web'].id and told['db'][0]['ip_address']
    assert told['web'][0]['ports']['80/tcp'][0]['host_port'] == 8080

    stack = compose.update(stack, TEMPLATE, {'compose': COMPOSE, 'colour': 'blue'})
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    after = services(compose)
    assert 'COLOUR=blue' in after['web'].spec.process.env and after['web'].id != there['web'].id
    assert after['db'].id == there['db'].id and after['web'].status is Status.RUNNING

    stack = compose.delete(stack)
    assert stack.state == ('DELETE', 'COMPLETE'), stack.status_reason
    assert not compose.engine.list() and not compose.engine.list_volumes()
    assert {info.spec.name for info in compose.engine.list_networks()} <= {'bridge', 'host', 'none'}


def test_its_members_are_suspended_resumed_and_checked_with_it(compose):
    stack = compose.create(TEMPLATE, {'compose': COMPOSE})
    stack.suspend()
    assert stack.state == ('SUSPEND', 'COMPLETE'), stack.status_reason
    assert services(compose)['db'].status is Status.PAUSED
    stack = compose.load(stack)
    stack.resume()
    assert stack.state == ('RESUME', 'COMPLETE'), stack.status_reason
    compose.engine.remove(services(compose)['db'].id, force=True)
    stack = compose.load(stack)
    stack.check()
    assert stack.state == ('CHECK', 'FAILED')


def test_a_key_that_cannot_be_expressed_is_said_when_the_template_is_looked_at(compose):
    with pytest.raises(exception.StackValidationFailed, match=r'services\.web\.build'):
        compose.create(TEMPLATE, {'compose': 'services: {web: {image: i, build: .}}'})


def test_what_the_level_denies_is_denied_in_a_compose_file_too(compose):
    stack = compose.create(TEMPLATE, {'compose': 'services: {web: {image: "box:1", privileged: true}}'})
    assert stack.state == ('CREATE', 'FAILED') and 'policy baseline' in stack.status_reason
    assert not compose.engine.list()


@pytest.mark.parametrize(('service', 'top', 'said'), [
    *((f'{key}: "container:victim"', '', 'No such container') for key in ('network_mode', 'pid', 'ipc')),
    ('volumes_from: ["container:victim"]', '', 'No such container'),
    ('networks: [n]', 'networks: {n: {external: true, name: victim}}', 'No such network'),
    ('volumes: ["v:/x"]', 'volumes: {v: {external: true, name: victim}}', 'No such volume: victim')])
def test_nothing_of_another_project_is_reached_from_a_compose_file(compose, service, top, said):
    theirs = {names.PROJECT: stacks.OTHER_PROJECT}
    compose.engine.create(ContainerSpec(name='victim', image='box:1', labels=theirs))
    compose.engine.create_network(Network(name='victim', labels=theirs))
    compose.engine.create_volume(Volume(name='victim', labels=theirs))
    stack = compose.create(TEMPLATE, {'compose': f'services: {{web: {{image: "box:1", {service}}}}}\n{top}'})
    assert stack.state == ('CREATE', 'FAILED') and said in stack.status_reason
    assert [info.name for info in compose.engine.list()] == ['victim']


def test_secrets_are_neither_in_templates_nor_in_properties(compose):
    from heat.db import api as db_api
    from heat.db import models
    stack = compose.create(TEMPLATE, {'compose': COMPOSE})
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    nested = stack['app'].nested()
    assert 'hush' not in str(nested.t.t)
    with db_api.context_manager.reader.using(stack.context) as session:
        kept = session.query(models.ResourcePropertiesData).all()
    assert kept and not any('hush' in str(row.data) for row in kept)


def test_a_newer_update_calls_off_what_the_nested_stack_does(compose, monkeypatch):
    stack = compose.create(TEMPLATE, {'compose': COMPOSE})
    called_off = []
    monkeypatch.setattr(_Local, 'stack_cancel_update', lambda _, context, identity, **how: called_off.append(
        (identity['stack_id'], how)))
    stack['app'].handle_preempt()
    assert called_off == [(stack['app'].resource_id.rpartition('/')[2], {'cancel_with_rollback': False})]
