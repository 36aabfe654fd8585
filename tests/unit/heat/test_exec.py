# SPDX-License-Identifier: Apache-2.0
"""OS::Docker::Exec in whole stacks."""

import pytest
from heat.common import exception
from heat.db import models
from heat.engine import api

from heat_container import names
from nova_container.engine import ContainerSpec, ProcessSpec
from tests.unit.heat import stacks

TEMPLATE = '''
heat_template_version: 2021-04-16
parameters:
  actions: {type: comma_delimited_list, default: CREATE}
  command: {type: string, default: echo hello}
  trigger: {type: string, default: one}
  container: {type: string, default: target}
  codes: {type: comma_delimited_list, default: '0'}
resources:
  run:
    type: OS::Docker::Exec
    properties:
      container: {get_param: container}
      command: [sh, -c, {get_param: command}]
      environment: {WORD: hi}
      actions: {get_param: actions}
      triggers: {trigger: {get_param: trigger}}
      expected_exit_codes: {get_param: codes}
      timeout: 5
outputs:
  code: {value: {get_attr: [run, exit_code]}}
  said: {value: {get_attr: [run, stdout]}}
  complained: {value: {get_attr: [run, stderr]}}
  runs: {value: {get_attr: [run, runs]}}
'''


@pytest.fixture
def target(cloud):
    """A running container of the project that harness stacks are of; its id."""
    return running(cloud, 'target', stacks.PROJECT)


def running(cloud, name: str, project: str) -> str:
    cloud.engine.add_image('box:1')
    made = cloud.engine.create(ContainerSpec(name=name, image='box:1', labels={names.PROJECT: project},
                                             process=ProcessSpec(command=('sleep', 'infinity'))))
    cloud.engine.start(made)
    return made


def outputs(cloud, stack) -> dict:
    """By name, as another request would see them."""
    loaded = cloud.load(stack)
    loaded._update_all_resource_data(for_resources=False, for_outputs=True)
    return {name: output.get_value() for name, output in loaded.outputs.items()}


def test_a_command_runs_when_the_stack_is_created_and_tells_what_it_said(cloud, target):
    stack = cloud.create(TEMPLATE, {'command': 'echo $WORD; echo oh >&2'})
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    assert outputs(cloud, stack) == {'code': 0, 'said': 'hi\n', 'complained': 'oh\n', 'runs': 1}
    assert stack['run'].FnGetRefId() == target


def test_an_exit_code_that_is_not_expected_fails_the_stack_once(cloud, target):
    stack = cloud.create(TEMPLATE, {'command': 'echo no such table >&2; echo x >> /ran; exit 3'})
    assert stack.state == ('CREATE', 'FAILED')
    assert 'ended with 3, expected is 0; what it said is in the attribute stderr.' in stack.status_reason
    assert _ran(cloud, target) == 1


def test_what_a_failed_command_said_is_read_from_its_attributes_and_is_in_no_event(cloud, target):
    stack = cloud.create(TEMPLATE, {'command': 'echo $WORD$WORD; echo $WORD-$WORD >&2; exit 3'})
    assert stack.state == ('CREATE', 'FAILED')
    assert 'in the attribute stderr and in stdout.' in stack.status_reason
    loaded = cloud.load(stack)
    shown = api.format_stack_resource(loaded['run'])['attributes']
    assert (shown['stdout'], shown['stderr'], shown['exit_code']) == ('hihi\n', 'hi-hi\n', 3)
    kept = ''.join(str(cloud.rows(table)) for table in (models.Event, models.Resource, models.Stack))
    assert 'in the attribute stderr' in kept and 'hihi' not in kept and 'hi-hi' not in kept
    quiet = cloud.create(TEMPLATE, {'command': 'exit 3'}, name='quiet')
    assert 'it said nothing.' in quiet.status_reason


def test_a_secret_variable_reaches_the_command_and_not_the_database(cloud, target):
    text = TEMPLATE.replace('environment: {WORD: hi}', 'secret_environment: {WORD: {get_param: word}}').replace(
        'parameters:', 'parameters:\n  word: {type: string, hidden: true}')
    stack = cloud.create(text, {'command': 'echo $WORD', 'word': 'gd48Xs-secret'})
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    assert outputs(cloud, stack)['said'] == 'gd48Xs-secret\n'
    assert 'gd48Xs' not in ''.join(str(cloud.rows(table)) for table in (
        models.Event, models.Resource, models.ResourceData, models.ResourcePropertiesData))
    twice = cloud.create(text.replace('secret_environment', 'environment: {WORD: x}\n      secret_environment'),
                         {'word': 'gd48Xs-secret'}, name='twice')
    assert 'WORD is in environment and in secret_environment' in twice.status_reason


def test_an_exit_code_may_be_expected(cloud, target):
    stack = cloud.create(TEMPLATE, {'command': 'exit 3', 'codes': '0,3'})
    assert stack.state == ('CREATE', 'COMPLETE')
    assert outputs(cloud, stack)['code'] == 3


def test_a_trigger_runs_the_command_again_in_place(cloud, target):
    stack = cloud.create(TEMPLATE, {'command': 'echo x >> /ran'})
    before = stack['run'].id
    stack = cloud.update(stack, TEMPLATE, {'command': 'echo x >> /ran', 'trigger': 'two'})
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    assert (stack['run'].id, _ran(cloud, target)) == (before, 2)
    assert outputs(cloud, stack)['runs'] == 2


@pytest.mark.parametrize(('actions', 'runs'), [('CREATE', 0), ('CREATE,UPDATE', 1)])
def test_another_command_runs_at_an_update_if_that_is_one_of_its_actions(cloud, target, actions, runs):
    stack = cloud.create(TEMPLATE, {'actions': actions})
    stack = cloud.update(stack, TEMPLATE, {'actions': actions, 'command': 'echo x >> /ran'})
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    assert _ran(cloud, target) == runs


def test_it_runs_at_each_action_it_names(cloud, target):
    given = {'actions': 'SUSPEND,RESUME,CHECK,DELETE', 'command': 'echo x >> /ran'}
    stack = cloud.create(TEMPLATE, given)
    assert stack.state == ('CREATE', 'COMPLETE') and _ran(cloud, target) == 0
    for count, action in enumerate(('suspend', 'resume', 'check', 'delete'), 1):
        stack = cloud.delete(stack) if action == 'delete' else cloud.act(stack, action)
        assert stack.state == (action.upper(), 'COMPLETE'), stack.status_reason
        assert _ran(cloud, target) == count, action


def test_a_signal_runs_it_if_that_is_one_of_its_actions(cloud, target):
    stack = cloud.create(TEMPLATE, {'actions': 'SIGNAL', 'command': 'echo x >> /ran'})
    loaded = cloud.load(stack)
    loaded['run'].signal()
    assert _ran(cloud, target) == 1
    stack = cloud.update(stack, TEMPLATE, {'actions': 'CREATE', 'command': 'echo x >> /ran'})
    loaded = cloud.load(stack)
    loaded['run'].signal()
    assert _ran(cloud, target) == 1


def test_another_container_gets_a_run_of_its_own(cloud, target):
    stack = cloud.create(TEMPLATE, {'command': 'echo x >> /ran'})
    other = running(cloud, 'other', stacks.PROJECT)
    stack = cloud.update(stack, TEMPLATE, {'command': 'echo x >> /ran', 'container': 'other'})
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    assert (_ran(cloud, target), _ran(cloud, other)) == (1, 1)


def test_a_container_that_is_gone_or_stopped_does_not_hold_up_a_delete(cloud, target):
    for end in (cloud.engine.stop, lambda name: cloud.engine.remove(name, force=True)):
        stack = cloud.create(TEMPLATE, {'actions': 'DELETE', 'command': 'exit 9'})
        end(target)
        assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')
        if cloud.engine.list():
            cloud.engine.start(target)


def test_the_container_of_another_project_is_not_there(cloud):
    foreign = running(cloud, 'target', stacks.OTHER_PROJECT)
    stack = cloud.create(TEMPLATE, {'command': 'echo x >> /ran'})
    assert stack.state == ('CREATE', 'FAILED') and 'No such container' in stack.status_reason
    assert _ran(cloud, foreign) == 0


def test_a_privileged_command_needs_the_rule(cloud, target):
    stack = cloud.create(TEMPLATE.replace('timeout: 5', 'privileged: true'))
    assert stack.state == ('CREATE', 'FAILED')
    assert 'privileged' in stack.status_reason and 'policy baseline' in stack.status_reason


def test_a_command_that_takes_too_long_fails_the_stack(cloud, target):
    stack = cloud.create(TEMPLATE.replace('timeout: 5', 'timeout: 1'), {'command': 'sleep 30'})
    assert stack.state == ('CREATE', 'FAILED')
    assert 'did not end within 1 s' in stack.status_reason


def test_output_is_kept_up_to_a_limit_and_never_in_the_clear(cloud, target):
    stack = cloud.create(TEMPLATE.replace('timeout: 5', 'output_limit: 4'), {'command': 'echo secret words'})
    assert outputs(cloud, stack)['said'] == 'secr'
    loaded = cloud.load(stack)
    assert loaded['run'].FnGetAtt('truncated') is True
    from heat.db import api as db_api
    from heat.db import models
    with db_api.context_manager.reader.using(stack.context) as session:
        rows = session.query(models.ResourceData).all()
    assert rows and not any('secr' in row.value for row in rows)


def test_text_of_any_kind_fits_what_heat_keeps():
    from heat_container.resources import execution
    from heat_container.schema import execution as schema
    record = {schema.STDOUT: '\0' * schema.MAX_LIMIT, schema.STDERR: '\U0001f600' * 9000, schema.TRUNCATED: False}
    assert len(execution._packed(record).encode()) <= 45000


@pytest.mark.parametrize(('text', 'message'), [
    ('actions: [CREATE, SOMETIMES]', 'SOMETIMES'), ('expected_exit_codes: [300]', '300'), ('command: []', 'length'),
    ('timeout: 0', 'range'), ('working_dir: here', 'pattern')])
def test_what_cannot_work_is_said_when_the_template_is_looked_at(cloud, text, message):
    template = f'''
heat_template_version: 2021-04-16
resources:
  run:
    type: OS::Docker::Exec
    properties: {{container: x, {"" if text.startswith("command") else "command: [a], "}{text}}}
'''
    with pytest.raises(exception.StackValidationFailed, match=message):
        cloud.create(template)


def _ran(cloud, container: str) -> int:
    """How often ``echo x >> /ran`` ran."""
    from nova_container import errors
    try:
        return int(cloud.engine.stat_path(container, '/ran').size_bytes) // 2
    except errors.NotFound:
        return 0
