# SPDX-License-Identifier: Apache-2.0
"""Where a container is: beside a server, in a group, on an engine that is not there, or called off on the way."""

import json
import threading
import types
from collections.abc import Mapping

import pytest
from heat.engine.clients.os import nova

from heat_container import reach
from heat_container.resources.container import Container
from nova_container.engine import ContainerSpec, NetworkMode, Progress, Status
from tests.unit.heat import stacks
from tests.unit.heat.container import web

SERVER = 'c9f3a7ee-0c8d-4f4e-9b1c-5f2f9a4f7a01'
LABELS = {'org.openstack.nova.uuid': SERVER, 'org.openstack.nova.project_id': stacks.PROJECT}


@pytest.fixture
def server(cloud, monkeypatch):
    """A Nova server of the project on the engine ``compute``; the id of its container."""
    engine = cloud.offer('compute', compute_host='host1')
    engine.add_image(web.IMAGE)
    made = engine.create(ContainerSpec(name='instance', image=web.IMAGE, labels=LABELS))
    engine.start(made)
    found = types.SimpleNamespace(id=SERVER, tenant_id=stacks.PROJECT, status='ACTIVE',
                                  hostId=reach.host_id(stacks.PROJECT, 'host1'))
    client = types.SimpleNamespace(servers=types.SimpleNamespace(get=lambda server_id: found))
    monkeypatch.setattr(nova.NovaClientPlugin, 'client', lambda *_, **__: client)
    monkeypatch.setattr(nova.NovaClientPlugin, 'get_server', lambda *_: found)
    return engine, made, found


def test_a_sidecar_is_on_the_engine_of_its_server_and_shares_its_network(cloud, server):
    engine, instance, _found = server
    stack = cloud.create(web.template({'server': SERVER, 'placement': 'sidecar'}))
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    [made] = [info for info in engine.list() if info.id != instance]
    assert made.status is Status.RUNNING and (made.spec.network.mode, made.spec.network.container) == (
        NetworkMode.CONTAINER, instance)
    assert not web.containers(cloud)
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')
    assert [info.id for info in engine.list()] == [instance]


def test_nobody_gets_beside_the_server_of_another(cloud, server):
    engine, instance, found = server
    found.tenant_id = stacks.OTHER_PROJECT
    stack = cloud.create(web.template({'server': SERVER}))
    assert stack.state == ('CREATE', 'FAILED') and 'its own project' in stack.status_reason
    assert [info.id for info in engine.list()] == [instance]


def test_the_network_of_a_server_is_not_joined_by_its_name(cloud, server):
    """Only as its sidecar, which Nova is asked about."""
    stack = cloud.create(web.template({'endpoint': 'compute', 'network_mode': f'container:{server[1]}'}))
    assert stack.state == ('CREATE', 'FAILED') and 'No such container' in stack.status_reason


def test_what_never_had_an_endpoint_is_deleted(cloud):
    stack = cloud.create(web.template())
    web_of = cloud.load(stack)
    web_of['web'].resource_id_set(None)
    cloud.engine.remove(web.only(cloud).id, force=True)
    cloud.set('default_endpoint', None, group='docker')
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')


def test_a_pull_that_is_called_off_ends(cloud, monkeypatch):
    began, ended = threading.Event(), threading.Event()

    def endless(*_arguments, **_keywords):
        began.set()
        try:
            while not ended.wait(0.01):
                yield Progress()
        finally:
            ended.set()
    monkeypatch.setattr(cloud.engine, 'pull', endless)
    text = web.template({'image': 'far:1', 'name': 'fixed'})
    stack = stacks.stack.Stack(cloud.context(), 'web', stacks._template(text, None, None))
    stack.store()
    steps = stack['web'].handle_create()
    assert began.wait(10) and not stack['web'].check_create_complete(steps)
    stack['web'].handle_create_cancel(steps)
    assert ended.wait(10)


def test_heat_can_show_the_type(cloud):
    for kind in ('hot', 'cfn'):
        shown = Container.resource_to_template('OS::Docker::Container', kind)
        assert 'image' in json.dumps(shown)


def test_every_property_and_attribute_is_described_by_sentences():
    def described(fields):
        for name, one in fields.items():
            assert name == '*' or (one.description and one.description.endswith('.')), name
            described(one.schema if isinstance(getattr(one, 'schema', None), Mapping) else {})
    described(Container.properties_schema)
    described(Container.attributes_schema)
