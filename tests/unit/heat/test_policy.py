# SPDX-License-Identifier: Apache-2.0
"""Rules of policy.yaml for resource types and docker:create:*, and what heat-engine loads."""

import importlib
import logging

import pytest
from heat.common import exception
from heat.common import policy as heat_policy
from heat.engine import resources

from heat_container import policy, registration
from tests.unit.heat import stacks

VOLUME = '''
heat_template_version: 2021-04-16
resources:
  data:
    type: OS::Docker::Volume
    properties: {driver_opts: {type: none, o: bind, device: /srv}}
'''
NETWORK = '''
heat_template_version: 2021-04-16
resources:
  net: {type: OS::Docker::Network}
'''


def enforcer(text, tmp_path):
    """As heat-engine builds it, with a policy.yaml."""
    file = tmp_path / 'policy.yaml'
    file.write_text(text)
    made = heat_policy.ResourceEnforcer(policy_file=str(file))
    made.enforcer.use_conf = True
    made.load_rules(True)
    return made


@pytest.mark.parametrize('rule', ['resource_types:OS::Docker::Network', 'resource_types:OS::Docker::*'])
def test_an_operator_can_forbid_a_type_or_all_of_them(cloud, tmp_path, rule):
    found = enforcer(f'"{rule}": "!"\n', tmp_path)
    with pytest.raises(exception.Forbidden):
        found.enforce(cloud.context(), 'OS::Docker::Network', is_registered_policy=True)


def test_types_are_for_everybody_otherwise(cloud, tmp_path):
    found = enforcer('', tmp_path)
    for kind in registration.KINDS:
        assert found.enforce(cloud.context(), f'OS::Docker::{kind}', is_registered_policy=True)


def test_every_feature_is_for_nobody_until_the_operator_says_for_whom(cloud):
    granted = policy.granted_to(cloud.context(roles=('admin', 'member')))
    allowed = [rule.name for rule in policy.create_rules() if granted(rule.name.removeprefix('docker:create:'))]
    assert allowed == ['docker:create:endpoint', 'docker:create:sidecar']


def test_a_rule_gives_a_feature_to_a_role_in_a_stack(cloud):
    cloud.rule('docker:create:volume_driver_opts', 'role:storage')
    refused = cloud.create(VOLUME)
    assert refused.state == ('CREATE', 'FAILED')
    allowed = cloud.create(VOLUME, name='other', context=cloud.context(roles=('member', 'storage')))
    assert allowed.state == ('CREATE', 'COMPLETE'), allowed.status_reason


def test_the_level_of_the_endpoint_decides_without_rules(cloud):
    engine = cloud.offer('free', policy_level='privileged')
    free = VOLUME.replace('properties: {', 'properties: {endpoint: free, ')
    assert cloud.create(free).state == ('CREATE', 'COMPLETE')
    assert len(engine.list_volumes()) == 1


def test_users_that_heat_makes_for_signals_bring_no_engines(cloud):
    assert not policy.granted_to(cloud.context(roles=('heat_stack_user',)))('endpoint')


def test_registering_again_changes_nothing():
    from heat.policies import resource_types
    before = len(resource_types.resource_types_policies)
    policy.register(policy.list_rules())
    assert len(resource_types.resource_types_policies) == before


def test_each_rule_says_what_it_is_for():
    rules = policy.list_rules()
    assert [rule.name for rule in rules if not rule.description] == []
    assert len({rule.name for rule in rules}) == len(rules)


def test_heat_loads_the_types_by_plugin_dirs_from_the_real_package():
    environment = resources.global_env()
    cls = environment.get_class('OS::Docker::Network')
    assert cls is importlib.import_module('heat_container.resources.network').Network


def test_a_part_that_cannot_be_imported_is_logged_and_the_rest_is_offered(monkeypatch, caplog):
    monkeypatch.setattr(registration, 'MODULES', {'Network': 'network', 'Broken': 'not_there'})
    with caplog.at_level(logging.ERROR):
        found = registration.resource_mapping()
    assert 'OS::Docker::Network' in found
    assert 'OS::Docker::Broken' not in found
    assert 'Broken could not be loaded' in caplog.text


def test_without_its_rules_nothing_is_offered(monkeypatch, caplog):
    def broken(rules):
        raise RuntimeError('no policy')

    monkeypatch.setattr(policy, 'register', broken)
    assert registration.resource_mapping() == {}
    assert 'no such type is offered' in caplog.text


def test_a_stack_of_another_project_does_not_see_ours(cloud):
    ours = cloud.create(NETWORK)
    text = f'''
heat_template_version: 2021-04-16
resources:
  tap: {{type: OS::Docker::NetworkAttachment, properties: {{container: c, network: {ours['net'].resource_id}}}}}
'''
    theirs = cloud.create(text, name='spy', context=cloud.context(stacks.OTHER_PROJECT))
    assert theirs.state == ('CREATE', 'FAILED')
    assert 'No such' in theirs.status_reason
