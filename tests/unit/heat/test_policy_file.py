# SPDX-License-Identifier: Apache-2.0
"""policy.yaml as heat-engine reads it: by ``[oslo_policy] policy_file``, with an enforcer that it makes of it."""

import pathlib
import subprocess
import sys
from unittest import mock

import pytest
from heat.common import exception
from heat.common import policy as heat_policy

from heat_container import features, policy, registration
from nova_container import errors
from nova_container.engine import BuildSpec, ExecSpec
from nova_container.engine.fake import FakeEngine
from tests.unit.heat import stacks
from tests.unit.heat.test_guard import ESCAPES
from tests.unit.heat.test_guard_images import context
from tests.unit.heat.views import running, view

SAMPLE = pathlib.Path(__file__).parents[3] / 'etc/nova-container/heat-policy.yaml.sample'


@pytest.fixture
def policy_file(cloud, tmp_path):
    """Writes it, and has heat begin anew with it."""
    file = tmp_path / 'policy.yaml'
    with mock.patch.object(heat_policy, 'ENFORCER', None):
        def write(text):
            file.write_text(text)
            cloud.set('policy_file', str(file), group='oslo_policy')
            heat_policy.ENFORCER = None
        write('')
        yield write


@pytest.fixture
def engine():
    made = FakeEngine()
    made.add_image('busybox')
    yield made
    stacks.stop_all(made)


def granted(cloud, *roles):
    return policy.granted_to(cloud.context(roles=('member', *roles)))


def allowed(cloud, *roles):
    return {name for name in features.ALL if granted(cloud, *roles)(name)}


@pytest.mark.parametrize('feature', features.ALL)
def test_each_rule_gives_its_feature_to_whom_it_names_and_to_nobody_else(cloud, policy_file, feature):
    before = allowed(cloud, 'nfv')
    policy_file(f'"docker:create:{feature}": "role:nfv"\n')
    assert allowed(cloud, 'nfv') == before | {feature}
    assert allowed(cloud, 'admin') == before - {feature}
    policy_file(f'"docker:create:{feature}": "!"\n')
    assert allowed(cloud, 'nfv', 'admin') == before - {feature}


@pytest.mark.parametrize('escape', ESCAPES)
def test_each_rule_decides_about_what_a_container_may_ask(cloud, policy_file, engine, escape):
    spec, feature = ESCAPES[escape]
    policy_file(f'"docker:create:{feature}": "role:nfv"\n')
    with pytest.raises(errors.Denied, match=f'docker:create:{feature}'):
        features.check_container(view(engine)._level, spec, granted(cloud))
    assert features.check_container(view(engine)._level, spec, granted(cloud, 'nfv')) == (feature,)


def test_the_rules_about_commands_and_builds_decide(cloud, policy_file, engine):
    policy_file('"docker:create:exec_privileged": "role:nfv"\n"docker:create:build": "role:nfv"\n')
    made = view(engine).create(running())
    engine.start(made)
    for verb, arguments in (('exec', (made, ExecSpec(command=('echo', 'x'), privileged=True))),
                            ('build', (context('FROM busybox\nADD http://x.test/ /x'), BuildSpec()))):
        with pytest.raises(errors.Denied):
            _done(view(engine, granted=allowed(cloud)), verb, arguments)
        try:
            _done(view(engine, granted=allowed(cloud, 'nfv')), verb, arguments)
        except errors.Denied:
            pytest.fail('the rule did not help')
        except errors.InvalidRequest:
            assert verb == 'build'  # the fake fetches nothing, but was asked
    assert {'exec', 'build'} <= {name for name, _ in engine.calls}


def _done(engine, verb, arguments):
    found = getattr(engine, verb)(*arguments)
    return list(found) if verb == 'build' else found


def test_rules_about_types_are_read_from_the_file_too(cloud, policy_file):
    policy_file('"resource_types:OS::Docker::Exec": "role:nfv"\n')
    enforcer = heat_policy.ResourceEnforcer()
    assert enforcer.enforce(cloud.context(roles=('nfv',)), 'OS::Docker::Exec', is_registered_policy=True)
    with pytest.raises(exception.Forbidden):
        enforcer.enforce(cloud.context(), 'OS::Docker::Exec', is_registered_policy=True)


def test_the_sample_is_what_the_generator_writes(tmp_path):
    """In a process of its own, as the generator adds options to those of heat."""
    made = tmp_path / 'sample'
    subprocess.run([sys.executable, '-W', 'ignore', '-c',
                    'from oslo_policy import generator; generator.generate_sample()',
                    '--namespace', 'heat_container', '--output-file', str(made)], check=True, timeout=60)
    assert made.read_text() == SAMPLE.read_text(), (
        f'oslopolicy-sample-generator --namespace heat_container --output-file {SAMPLE}')


def test_the_sample_names_each_rule_with_its_default_and_changes_nothing(cloud, policy_file):
    text = SAMPLE.read_text()
    before = allowed(cloud, 'admin')
    for name in (*(f'docker:create:{each}' for each in features.ALL),
                 *(f'resource_types:OS::Docker::{kind}' for kind in registration.KINDS)):
        assert f'#"{name}": ' in text
    policy_file(text)
    assert allowed(cloud, 'admin') == before == {'endpoint', 'sidecar'}
    policy_file('\n'.join(line[1:] if line.startswith('#"') else line for line in text.splitlines()))
    assert allowed(cloud, 'admin') == before
