# SPDX-License-Identifier: Apache-2.0
"""OS::Docker::Endpoint in stacks: engines of projects."""

import json
import types
from unittest import mock

import pytest
from heat.common import exception
from heat.db import models
from heat.engine.clients.os import barbican, nova
from heat.objects import event as events

from heat_container import reach, tenants
from heat_container.tls import Material
from nova_container import errors
from nova_container.engine.fake import FakeEngine
from tests.unit.heat import stacks

URL = 'tcp://203.0.113.7:2376'
KEY = '-----BEGIN PRIVATE KEY-----\nVERY-SECRET\n-----END PRIVATE KEY-----'
PARAMETERS = {'ca': 'CA TEXT', 'cert': 'CERT TEXT', 'key': KEY}
BY_TEXT = 'ca_cert: {get_param: ca}, client_cert: {get_param: cert}, client_key: {get_param: key}'


def template(properties=f'url: "{URL}", {BY_TEXT}', wait=5):
    return f'''
heat_template_version: 2021-04-16
parameters:
  ca: {{type: string, default: ''}}
  cert: {{type: string, default: ''}}
  key: {{type: string, hidden: true, default: ''}}
resources:
  engine: {{type: OS::Docker::Endpoint, properties: {{{properties}, wait_timeout: {wait}}}}}
  net: {{type: OS::Docker::Network, properties: {{endpoint: {{get_resource: engine}}, driver: macvlan}}}}
outputs:
  url: {{value: {{get_attr: [engine, url]}}}}
  address: {{value: {{get_attr: [engine, address]}}}}
  api: {{value: {{get_attr: [engine, api_version]}}}}
  cpus: {{value: {{get_attr: [engine, cpus]}}}}
  show: {{value: {{get_attr: [engine, show]}}}}
'''


@pytest.fixture
def theirs(cloud, monkeypatch):
    """A project's own engine; its certificates are not read, which the tests over a socket do."""
    monkeypatch.setattr(Material, 'context', lambda material: material)
    cloud.engines[URL] = FakeEngine()
    return cloud.engines[URL]


def secrets_of_barbican(monkeypatch, payloads):
    monkeypatch.setattr(barbican.SecretConstraint, 'validate', lambda constraint, value, context: True)
    monkeypatch.setattr(barbican.BarbicanClientPlugin, 'get_secret_payload_by_ref',
                        lambda plugin, ref: payloads[ref])


def server_of_nova(monkeypatch, addresses):
    server = types.SimpleNamespace(id='5e4f', addresses=addresses)
    monkeypatch.setattr(nova.ServerConstraint, 'validate', lambda constraint, value, context: True)
    monkeypatch.setattr(nova.NovaClientPlugin, 'get_server', lambda plugin, name: server)


def test_an_engine_of_the_project_is_used_without_policy_and_with_judged_addresses(cloud, theirs):
    stack = cloud.create(template(), PARAMETERS)
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    [network] = [info for info in theirs.list_networks() if info.spec.labels]
    assert network.spec.driver == 'macvlan'
    assert network.spec.labels['org.openstack.heat.project_id'] == stacks.PROJECT
    assert [info for info in cloud.engine.list_networks() if info.spec.labels] == []
    url, how = cloud.connected
    assert (url, how['judge']) == (URL, reach.judge)
    assert how['tls'] == Material(ca='CA TEXT', cert='CERT TEXT', key=KEY)
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')
    assert [info for info in theirs.list_networks() if info.spec.labels] == []


def test_its_attributes_are_what_the_engine_says(cloud, theirs):
    told = cloud.outputs(cloud.create(template(), PARAMETERS))
    assert (told['url'], told['address'], told['api'], told['cpus']) == (URL, '203.0.113.7', '1.41', 8)
    assert told['show']['operating_system'] == 'Fake Linux'


def test_it_is_complete_when_the_engine_answers(cloud, theirs):
    theirs.fail('ping', errors.Unavailable('still booting'), times=2)
    with mock.patch('heat_container.resources.endpoint._BETWEEN_S', 0.01):
        stack = cloud.create(template(), PARAMETERS)
    assert stack.state == ('CREATE', 'COMPLETE')
    assert [verb for verb, _ in theirs.calls][:3] == ['ping', 'ping', 'ping']


def test_it_fails_with_the_reason_when_it_does_not_answer_in_time(cloud, theirs):
    theirs.fail('ping', errors.Unavailable('certificate verify failed'), times=10000)
    with mock.patch('heat_container.resources.endpoint._BETWEEN_S', 0.01):
        stack = cloud.create(template(wait=1), PARAMETERS)
    assert stack.state == ('CREATE', 'FAILED')
    assert 'did not answer within 1 s: certificate verify failed' in stack.status_reason


def test_no_thread_of_heat_waits_and_cancellation_ends_the_wait(cloud, theirs):
    theirs.fail('ping', errors.Unavailable('still booting'), times=10000)
    cloud.set('stack_action_timeout', 1)
    with mock.patch('heat_container.resources.endpoint._BETWEEN_S', 0.01):
        stack = cloud.create(template(wait=600), PARAMETERS)
    assert stack.state == ('CREATE', 'FAILED')
    assert 'imed out' in stack.status_reason


def test_an_address_that_is_denied_fails_at_once(cloud, theirs):
    theirs.fail('ping', errors.Denied('127.0.0.1: heat-engine connects to no such address for a project'), times=100)
    stack = cloud.create(template(wait=600), PARAMETERS)
    assert stack.state == ('CREATE', 'FAILED')
    assert 'no such address' in stack.status_reason


def test_certificates_come_from_barbican(cloud, theirs, monkeypatch):
    secrets_of_barbican(monkeypatch, {'r1': b'CA', 'r2': 'CERT', 'r3': 'KEY'})
    stack = cloud.create(template(
        f'url: "{URL}", ca_cert_ref: r1, client_cert_ref: r2, client_key_ref: r3'))
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    assert cloud.connected[1]['tls'] == Material(ca='CA', cert='CERT', key='KEY')


@pytest.mark.parametrize(('network', 'url'), [
    ('', 'tcp://203.0.113.9:2376'), (', network: private', 'tcp://203.0.113.9:2376'),
    (', network: six, port: 4000', 'tcp://[2001:db8::9]:4000')])
def test_an_engine_in_a_server_is_reached_at_its_address(cloud, theirs, monkeypatch, network, url):
    server_of_nova(monkeypatch, {
        'private': [{'addr': '10.0.0.9', 'OS-EXT-IPS:type': 'fixed'},
                    {'addr': '203.0.113.9', 'OS-EXT-IPS:type': 'floating'}],
        'six': [{'addr': '2001:db8::9', 'OS-EXT-IPS:type': 'fixed'}]})
    cloud.engines[url] = theirs
    stack = cloud.create(template(f'server: vm{network}, {BY_TEXT}'), PARAMETERS)
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    assert cloud.connected[0] == url


def test_a_server_without_an_address_is_an_error(cloud, theirs, monkeypatch):
    server_of_nova(monkeypatch, {})
    stack = cloud.create(template(f'server: vm, network: none, {BY_TEXT}'), PARAMETERS)
    assert stack.state == ('CREATE', 'FAILED')
    assert 'Server 5e4f has no address in network none' in stack.status_reason


@pytest.mark.parametrize('address', ['169.254.169.254', '127.0.0.1', '::1'])
def test_a_server_cannot_lend_an_address_of_the_host(cloud, monkeypatch, address):
    """Its port may have any address in allowed address pairs; the connection is judged, not faked, here."""
    monkeypatch.setattr(Material, 'context', lambda material: None)
    server_of_nova(monkeypatch, {'private': [{'addr': address}]})
    from nova_container.connect import connect
    with mock.patch('heat_container.engines.connect', connect):
        stack = cloud.create(template(f'server: vm, {BY_TEXT}', wait=600), PARAMETERS)
    assert stack.state == ('CREATE', 'FAILED')
    assert 'connects to no such address' in stack.status_reason


@pytest.mark.parametrize('url', [
    'unix:///var/run/docker.sock', 'http://internal:2375', 'file:///etc/passwd', 'ssh://root@host'])
def test_other_targets_are_property_errors(cloud, url):
    with pytest.raises(exception.StackValidationFailed, match='tcp://host:port'):
        cloud.create(template(f'url: "{url}", {BY_TEXT}'), PARAMETERS)


@pytest.mark.parametrize('url', [
    'tcp://127.0.0.1:2376', 'tcp://localhost:2376', 'tcp://169.254.169.254:80', 'tcp://[::1]:2376', 'tcp://0:2376',
    'tcp://[::ffff:127.0.0.1]:2376', 'tcp://2130706433:2376'])
def test_loopback_link_local_and_metadata_are_never_connected_to(cloud, monkeypatch, url):
    monkeypatch.setattr(Material, 'context', lambda material: None)
    from nova_container.connect import connect
    with mock.patch('heat_container.engines.connect', connect):
        stack = cloud.create(template(f'url: "{url}", {BY_TEXT}', wait=600), PARAMETERS)
    assert stack.state == ('CREATE', 'FAILED')
    assert 'connects to no such address' in stack.status_reason


@pytest.mark.parametrize('properties', [
    f'url: "{URL}"', f'url: "{URL}", ca_cert: a, client_cert: b', BY_TEXT,
    f'url: "{URL}", server: vm, {BY_TEXT}'])
def test_an_engine_without_tls_or_with_two_places_is_a_property_error(cloud, monkeypatch, properties):
    monkeypatch.setattr(nova.ServerConstraint, 'validate', lambda constraint, value, context: True)
    with pytest.raises(exception.StackValidationFailed):
        cloud.create(template(properties), PARAMETERS)


def test_the_operator_can_turn_engines_of_projects_off(cloud, theirs):
    cloud.set('tenant_endpoints', False, group='docker')
    with pytest.raises(exception.StackValidationFailed, match='does not offer'):
        cloud.create(template(), PARAMETERS)


def test_the_rule_says_who_may_bring_an_engine(cloud, theirs):
    cloud.rule('docker:create:endpoint', 'role:docker')
    assert cloud.create(template(), PARAMETERS).state == ('CREATE', 'FAILED')
    allowed = cloud.create(template(), PARAMETERS, name='other', context=cloud.context(roles=('member', 'docker')))
    assert allowed.state == ('CREATE', 'COMPLETE'), allowed.status_reason


def test_another_project_cannot_use_it(cloud, theirs):
    stack = cloud.create(template(), PARAMETERS)
    text = f'''
heat_template_version: 2021-04-16
resources:
  net: {{type: OS::Docker::Network, properties: {{endpoint: {stack['engine'].resource_id}}}}}
'''
    with pytest.raises(exception.StackValidationFailed, match='No endpoint that this project may use'):
        cloud.create(text, context=cloud.context(stacks.OTHER_PROJECT))
    own = cloud.create(text, name='second')
    assert own.state == ('CREATE', 'COMPLETE')


def test_certificates_change_in_place(cloud, theirs):
    stack = cloud.create(template(), PARAMETERS)
    before = stack['engine'].resource_id
    updated = cloud.update(stack, template(), {**PARAMETERS, 'cert': 'NEW'})
    assert updated.state == ('UPDATE', 'COMPLETE'), updated.status_reason
    assert updated['engine'].resource_id == before
    assert cloud.connected[1]['tls'].cert == 'NEW'


def test_without_a_change_nothing_is_done(cloud, theirs):
    stack = cloud.create(template(), PARAMETERS)
    pings = theirs.calls.count(('ping', ''))
    assert cloud.update(stack, template(), PARAMETERS).state == ('UPDATE', 'COMPLETE')
    assert theirs.calls.count(('ping', '')) == pings


def test_check_asks_the_engine(cloud, theirs):
    stack = cloud.create(template(), PARAMETERS)
    theirs.fail('ping', errors.Unavailable('no route'), times=1)
    stack.check()
    assert stack.state == ('CHECK', 'FAILED')


def test_converge_sees_that_the_server_is_gone(cloud, theirs, monkeypatch):
    server_of_nova(monkeypatch, {'private': [{'addr': '203.0.113.9'}]})
    cloud.engines['tcp://203.0.113.9:2376'] = theirs
    text = template(f'server: vm, {BY_TEXT}')
    stack = cloud.create(text, PARAMETERS)
    before = stack['engine'].resource_id
    gone = mock.Mock(side_effect=[exception.EntityNotFound(entity='Server', name='vm'), mock.DEFAULT],
                     return_value=types.SimpleNamespace(id='5e4f', addresses={'p': [{'addr': '203.0.113.9'}]}))
    monkeypatch.setattr(nova.NovaClientPlugin, 'get_server', gone)
    updated = cloud.update(stack, text, PARAMETERS, converge=True)
    assert updated.state == ('UPDATE', 'COMPLETE'), updated.status_reason
    assert cloud.load(updated)['engine'].resource_id != before


def test_secrets_are_neither_in_events_nor_in_the_database_nor_in_attributes(cloud, theirs):
    stack = cloud.create(template(), PARAMETERS)
    stack = cloud.update(stack, template(), {**PARAMETERS, 'cert': 'NEW'})
    told = [(event.resource_properties, event.resource_status_reason)
            for event in events.Event.get_all_by_stack(stack.context, stack.id)]
    assert len(told) > 4
    shown = json.dumps([told, cloud.outputs(stack), stack.prepare_abandon()['resources']], default=str)
    kept = ' '.join(str(row) for table in (models.ResourceData, models.ResourcePropertiesData)
                    for row in cloud.rows(table))
    for text in ('VERY-SECRET', 'CERT TEXT', 'NEW'):
        assert text not in shown
        assert text not in kept
    assert cloud.load(stack)['engine'].data()[tenants.KEY] == KEY


def test_abandoned_and_adopted_it_works_on(cloud, theirs):
    alone = '\n'.join(line for line in template().split('\n') if 'net:' not in line)
    told = cloud.create(alone, PARAMETERS).prepare_abandon()['resources']
    adopted = cloud.adopt(alone, told, name='again', parameters=PARAMETERS)
    assert adopted.state == ('ADOPT', 'COMPLETE'), adopted.status_reason
    assert cloud.outputs(adopted)['api'] == '1.41'


def test_the_rule_says_who_may_adopt_an_engine(cloud, theirs):
    alone = '\n'.join(line for line in template().split('\n') if 'net:' not in line)
    told = cloud.create(alone, PARAMETERS).prepare_abandon()['resources']
    cloud.rule('docker:create:endpoint', '!')
    adopted = cloud.adopt(alone, told, name='again', parameters=PARAMETERS)
    assert adopted.state == ('ADOPT', 'FAILED')
    assert 'docker:create:endpoint' in adopted.status_reason
