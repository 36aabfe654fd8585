# SPDX-License-Identifier: Apache-2.0
"""Updates in place, and by a replacement that comes back if it fails."""

import dataclasses
import json

import pytest
from heat.db import api as db_api
from heat.db import models

from heat_container import names
from nova_container import errors
from nova_container.engine import RestartPolicy, Status
from nova_container.engine.network import Endpoint, Network
from tests.unit.heat import stacks
from tests.unit.heat.container import web

FAILING = {'after': {'type': 'OS::Docker::Container', 'depends_on': 'web',
                     'properties': {'image': web.IMAGE, 'command': ['false']}}}


@pytest.fixture
def networks(cloud):
    """The ids of two networks of the project."""
    return tuple(cloud.engine.create_network(Network(name=name, labels={names.PROJECT: stacks.PROJECT}))
                 for name in ('one', 'two'))


def test_limits_name_and_restart_policy_change_in_place(cloud):
    stack = cloud.create(web.template({'memory': 64 << 20, 'cpus': 0.5, 'name': 'first'}))
    before = web.only(cloud)
    stack = cloud.update(stack, web.template({
        'memory': 128 << 20, 'cpus': 1, 'name': 'second', 'pids_limit': 50, 'cpu_shares': 512,
        'restart_policy': {'name': 'on-failure', 'maximum_retry_count': 3}}))
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    after = web.only(cloud)
    assert (after.id, after.started_at, after.name) == (before.id, before.started_at, 'second')
    found = after.spec.resources
    assert (found.memory_bytes, found.cpu_quota_us, found.pids_limit, found.cpu_shares) == (128 << 20, 100000, 50, 512)
    assert after.spec.restart == RestartPolicy(name='on-failure', maximum_retries=3)


def test_a_container_that_loses_its_fixed_name_gets_one_of_heat(cloud):
    stack = cloud.create(web.template({'name': 'first'}))
    before = web.only(cloud)
    cloud.update(stack, web.template())
    assert web.only(cloud).id == before.id and web.only(cloud).name.startswith('web-web-')


def test_networks_are_connected_and_disconnected_live(cloud, networks):
    one, two = networks
    stack = cloud.create(web.template({'networks': [{'network': 'bridge'}, {'network': one, 'aliases': ['a']}]}))
    before = web.only(cloud)
    stack = cloud.update(stack, web.template({'networks': [
        {'network': one, 'aliases': ['b']}, {'network': two, 'ipv4_address': _address(cloud, two, 77)}]}))
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    after = web.only(cloud)
    assert (after.id, after.started_at) == (before.id, before.started_at)
    found = {endpoint.network_id: endpoint for endpoint in after.endpoints}
    assert found.keys() == {one, two}
    assert 'b' in found[one].aliases and 'a' not in found[one].aliases
    assert found[two].ipv4.partition('/')[0] == _address(cloud, two, 77)


def test_the_way_to_the_world_is_chosen_where_the_engine_can(cloud, networks, monkeypatch):
    front, _ = networks
    text = web.template({'networks': [{'network': 'bridge'}, {'network': front, 'gateway_priority': 7}]})
    refused = cloud.create(text, name='old')
    assert 'networks.gateway_priority needs API 1.48 or later' in refused.status_reason
    newer = dataclasses.replace(cloud.engine.info(), api_version='1.48')
    monkeypatch.setattr(cloud.engine, 'info', lambda: newer)
    stack = cloud.create(text)
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    assert [one.wanted.priority for one in web.only(cloud).endpoints] == [0, 7]
    before = web.only(cloud).id
    cloud.update(stack, web.template({'networks': [{'network': 'bridge'}, {'network': front, 'gateway_priority': -1}]}))
    assert (web.only(cloud).id, sorted(one.wanted.priority for one in web.only(cloud).endpoints)) == (before, [-1, 0])


def test_a_network_that_something_else_connected_is_left_alone(cloud, networks):
    stack = cloud.create(web.template({'networks': [{'network': networks[0]}]}))
    cloud.engine.connect(web.only(cloud).id, Endpoint(network=networks[1]))
    cloud.update(stack, web.template({'networks': [{'network': networks[0], 'aliases': ['x']}]}), converge=True)
    assert {one.network_id for one in web.only(cloud).endpoints} == set(networks)


def test_files_change_in_place(cloud):
    files = [{'path': '/etc/rules', 'content': 'old'}, {'path': '/etc/kept', 'content': 'kept'}]
    stack = cloud.create(web.template({'files': files}))
    before = web.only(cloud)
    stack = cloud.update(stack, web.template({'files': [{**files[0], 'content': 'new'}, files[1]],
                                              'output_files': ['/etc/rules']}))
    assert web.only(cloud).id == before.id
    assert web.attribute(cloud, stack, 'output_files') == {'/etc/rules': 'new'}


@pytest.mark.parametrize(('old', 'new'), [
    ({'memory': 64 << 20}, {}), ({'cpus': 1}, {}), ({'image': web.IMAGE}, {'hostname': 'other'}),
    ({'files': [{'path': '/a', 'content': ''}]}, {}), ({'environment': {'A': 'a'}}, {'environment': {'A': 'b'}}),
    ({'device_read_bps': [{'path': '/dev/sda', 'rate': 9}]}, {})])
def test_what_no_engine_can_change_replaces_the_container(cloud, old, new):
    stack = cloud.create(web.template(old))
    before = web.only(cloud)
    stack = cloud.update(stack, web.template(new))
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    assert web.only(cloud).id != before.id and web.only(cloud).status is Status.RUNNING


def test_an_engine_that_says_yes_and_does_nothing_is_found_out_and_the_container_replaced(cloud, monkeypatch):
    stack = cloud.create(web.template({'memory': 64 << 20}))
    before = web.only(cloud)
    monkeypatch.setattr(cloud.engine, 'update', lambda *_: None)
    stack = cloud.update(stack, web.template({'memory': 128 << 20}))
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    assert web.only(cloud).id != before.id and web.only(cloud).spec.resources.memory_bytes == 128 << 20


def test_an_update_that_fails_half_way_is_taken_back(cloud):
    stack = cloud.create(web.template({'name': 'first', 'memory': 64 << 20}))
    cloud.engine.fail('update', errors.HostFailure('no'))
    stack = cloud.update(stack, web.template({'name': 'second', 'memory': 128 << 20}), rollback=True)
    assert stack.state == ('ROLLBACK', 'COMPLETE'), stack.status_reason
    info = web.only(cloud)
    assert (info.name, info.spec.resources.memory_bytes, info.status) == ('first', 64 << 20, Status.RUNNING)


def test_starting_and_stopping_is_an_update_in_place(cloud):
    stack = cloud.create(web.template())
    before = web.only(cloud)
    cloud.update(stack, web.template({'start': False}))
    assert (web.only(cloud).id, web.only(cloud).status) == (before.id, Status.STOPPED)
    cloud.update(stack, web.template({'start': True}))
    assert (web.only(cloud).id, web.only(cloud).status) == (before.id, Status.RUNNING)


# Replacement

FIXED = {'name': 'fixed', 'ports': [{'container_port': 80, 'host_port': 8080}]}


def fixed(cloud, networks, **properties):
    """A container with all that only one can have."""
    return {**FIXED, 'networks': [{'network': networks[0], 'ipv4_address': _address(cloud, networks[0], 50)}],
            'environment': {'VERSION': 'one'}, **properties}


def test_a_container_with_a_fixed_name_port_and_address_is_replaced(cloud, networks):
    stack = cloud.create(web.template(fixed(cloud, networks)))
    before = web.only(cloud)
    stack = cloud.update(stack, web.template(fixed(cloud, networks, environment={'VERSION': 'two'})))
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    after = web.only(cloud)
    assert after.id != before.id and after.name == 'fixed' and after.status is Status.RUNNING
    assert after.ports[0].host_port == 8080 and 'VERSION=two' in after.spec.process.env
    assert after.endpoints[0].ipv4.partition('/')[0] == _address(cloud, networks[0], 50)


def test_the_old_one_comes_back_if_the_new_one_fails(cloud, networks):
    stack = cloud.create(web.template(fixed(cloud, networks)))
    before = web.only(cloud)
    stack = cloud.update(stack, web.template(fixed(cloud, networks, command=['false'])), rollback=True)
    assert stack.state == ('ROLLBACK', 'COMPLETE'), stack.status_reason
    after = web.only(cloud)
    assert (after.id, after.name, after.status) == (before.id, 'fixed', Status.RUNNING)
    assert after.ports[0].host_port == 8080
    assert cloud.load(stack).state == ('ROLLBACK', 'COMPLETE')
    loaded = cloud.load(stack)
    assert loaded['web'].resource_id == before.id


def test_it_is_as_before_if_something_later_fails(cloud, networks):
    """Without convergence Heat has removed the old one by then, and makes it anew."""
    stack = cloud.create(web.template(fixed(cloud, networks)))
    stack = cloud.update(stack, web.template(fixed(cloud, networks, environment={'VERSION': 'two'}), more=FAILING),
                         rollback=True)
    assert stack.state == ('ROLLBACK', 'COMPLETE'), stack.status_reason
    after = web.only(cloud)
    assert (after.name, after.status) == ('fixed', Status.RUNNING) and 'VERSION=one' in after.spec.process.env


def test_after_a_failure_without_rollback_the_next_update_makes_it_good(cloud, networks):
    stack = cloud.create(web.template(fixed(cloud, networks)))
    stack = cloud.update(stack, web.template(fixed(cloud, networks, command=['false'])))
    assert stack.state == ('UPDATE', 'FAILED')
    stack = cloud.update(stack, web.template(fixed(cloud, networks, environment={'VERSION': 'three'})))
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    assert web.only(cloud).name == 'fixed' and web.only(cloud).status is Status.RUNNING


@pytest.mark.parametrize(('properties', 'stopped'), [
    ({'name': 'fixed'}, False), ({**FIXED}, True), ({**FIXED, 'replace_strategy': 'stop_first'}, True),
    ({'name': 'fixed', 'replace_strategy': 'stop_first'}, True),
    ({'name': 'fixed', 'replace_strategy': 'create_first', 'anonymous_volumes': ['/x']}, False)])
def test_the_old_one_is_stopped_before_the_new_one_starts_only_if_it_must_be(cloud, properties, stopped):
    stack = cloud.create(web.template(properties))
    old = web.only(cloud).id
    seen = len(cloud.engine.calls)
    stack = cloud.update(stack, web.template({**properties, 'hostname': 'new'}))
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    calls = cloud.engine.calls[seen:]
    start = next(index for index, call in enumerate(calls) if call[0] == 'start')
    assert (('stop', old) in calls[:start]) is stopped


def test_secrets_that_did_not_change_change_nothing_and_are_kept_nowhere(cloud):
    parameters = {'password': {'type': 'string', 'hidden': True}}
    text = web.template({'secret_environment': {'PASSWORD': {'get_param': 'password'}}}, parameters=parameters)
    stack = cloud.create(text, {'password': 'gd48Xs-secret'})
    before = web.only(cloud)
    assert 'PASSWORD=gd48Xs-secret' in before.spec.process.env
    stack = cloud.update(stack, text, {'password': 'gd48Xs-secret'})
    assert web.only(cloud).id == before.id
    assert 'gd48Xs-secret' not in _all_that_heat_keeps_but_parameters(cloud, stack)
    assert 'gd48Xs-secret' not in json.dumps(web.attribute(cloud, stack, 'show'))
    stack = cloud.update(stack, text, {'password': 'another-secret'})
    assert web.only(cloud).id != before.id and 'PASSWORD=another-secret' in web.only(cloud).spec.process.env


def test_a_secret_that_a_container_writes_is_not_in_the_reason_of_a_failure(cloud):
    stack = cloud.create(web.template({'secret_environment': {'PASSWORD': 'gd48Xs'},
                                       'command': ['sh', '-c', 'echo $PASSWORD; exit 1'], 'wait_for': 'exited'}))
    assert 'ends: ***' in stack.status_reason and 'gd48Xs' not in stack.status_reason
    hooked = cloud.create(web.template({'secret_environment': {'PASSWORD': 'gd48Xs'}, 'hooks': {
        'post_start': ['sh', '-c', 'echo is $PASSWORD; exit 1']}}), name='hooked')
    assert 'post_start ended with 1: is ***' in hooked.status_reason


def _all_that_heat_keeps_but_parameters(cloud, stack) -> str:
    with db_api.context_manager.reader.using(stack.context) as session:
        kept = [session.query(model).all() for model in (
            models.Event, models.Resource, models.ResourceData, models.ResourcePropertiesData)]
        return '\n'.join(str({column.name: getattr(row, column.key, None) for column in row.__table__.columns})
                         for rows in kept for row in rows)


def _address(cloud, network: str, last: int) -> str:
    subnet = cloud.engine.inspect_network(network).spec.subnets[0].subnet
    return f'{subnet.rsplit(".", 1)[0]}.{last}'
