# SPDX-License-Identifier: Apache-2.0
"""OS::Docker::Image in whole stacks."""

import contextlib
import io
import itertools
import threading
from unittest import mock

import pytest
from heat.common import exception
from heat.engine.clients.os import barbican, glance
from heat.objects import event as event_objects

from heat_container import names
from nova_container import errors
from nova_container.engine import ContainerSpec, ExecSpec
from nova_container.engine.fake import FakeEngine
from tests.unit.heat import stacks

NAME = 'registry.test/web:1'
numbers = itertools.count(1)
OWN = f'heat-container/{stacks.PROJECT}/'


def template(text: str) -> str:
    return f'''
heat_template_version: 2021-04-16
resources:
  image:
    type: OS::Docker::Image
    properties: {{{text}}}
outputs:
  image: {{value: {{get_resource: image}}}}
'''


def publish(engine: FakeEngine, name: str = NAME, greeting: str = 'hello') -> tuple[str, str]:
    """Put an image into the registry; its id and the digest of its manifest."""
    maker = FakeEngine()
    made = maker.add_image(name, files={'/greeting': greeting})
    engine.remote[name] = maker.find_image(made).content
    return made, engine.inspect_remote(name).digest


def created(cloud, text: str):
    stack = cloud.create(template(text), name=f'stack-{next(numbers)}')
    assert stack.state == ('CREATE', 'COMPLETE'), stack.status_reason
    return stack


def failed(cloud, text: str, reason: str) -> None:
    stack = cloud.create(template(text), name=f'stack-{next(numbers)}')
    assert stack.state == ('CREATE', 'FAILED')
    assert reason in stack.status_reason


def attribute(cloud, stack, name: str):
    loaded = cloud.load(stack)
    return loaded['image'].FnGetAtt(name)


# From a registry

def test_an_image_is_pulled_and_goes_with_the_stack(cloud):
    made, digest = publish(cloud.engine)
    stack = created(cloud, f'name: {NAME}')
    assert stack['image'].FnGetRefId() == made == cloud.engine.inspect_image(NAME).id
    assert attribute(cloud, stack, 'digest') == attribute(cloud, stack, 'remote_digest') == digest
    assert attribute(cloud, stack, 'tags') == [NAME]
    assert attribute(cloud, stack, 'architecture') == 'amd64' and attribute(cloud, stack, 'size') > 0
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')
    assert cloud.engine.list_images() == ()


def test_a_digest_pins_whatever_the_tag_says(cloud):
    old, digest = publish(cloud.engine)
    cloud.engine.remote['registry.test/web:old'] = cloud.engine.remote[NAME]
    publish(cloud.engine, greeting='newer')
    stack = created(cloud, f"name: {NAME}, digest: '{digest}'")
    assert stack['image'].FnGetRefId() == old
    assert attribute(cloud, stack, 'digest') == digest
    assert cloud.engine.inspect_image(old).references == (f'registry.test/web@{digest}',)
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')
    assert cloud.engine.list_images() == ()


def test_an_image_that_is_not_there_fails_the_stack(cloud):
    failed(cloud, 'name: registry.test/none:1', 'manifest for registry.test/none:1 not found')


@pytest.mark.parametrize('given', [
    'registry_credentials: {username: alice, password: wonderland}',
    'registry_credentials: {secret_ref: "http://barbican.test/v1/secrets/1"}'])
def test_credentials_are_shown_to_the_registry_and_to_nobody_else(cloud, given):
    made, _ = publish(cloud.engine)
    cloud.engine.logins['registry.test'] = ('alice', 'wonderland')
    with mock.patch.object(barbican.BarbicanClientPlugin, 'get_secret_by_ref'), mock.patch.object(
            barbican.BarbicanClientPlugin, 'get_secret_payload_by_ref', return_value='alice:wonderland'):
        failed(cloud, f'name: {NAME}', 'access denied')
        stack = created(cloud, f'name: {NAME}, {given}')
    assert stack['image'].FnGetRefId() == made
    assert 'wonderland' not in str(attribute(cloud, stack, 'show'))
    loaded = cloud.load(stack)
    assert not any('wonderland' in str(value) for value in loaded['image'].data().values())
    told = [str(row.resource_properties) for row in event_objects.Event.get_all_by_stack(stack.context, stack.id)]
    assert told and not any('wonderland' in text for text in told)


def test_an_update_pulls_again_only_if_it_is_to_and_the_registry_has_another(cloud):
    first, _ = publish(cloud.engine)
    text = f'name: {NAME}, tags: [web], update_on: digest_change'
    stack = created(cloud, text)
    row = stack['image'].id
    assert cloud.update(stack, template(text))['image'].FnGetRefId() == first
    second, _ = publish(cloud.engine, greeting='newer')
    stack = cloud.update(stack, template(text))
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    assert (stack['image'].FnGetRefId(), stack['image'].id) == (second, row)
    assert set(cloud.engine.inspect_image(second).references) >= {NAME, f'{OWN}web:latest'}
    third, _ = publish(cloud.engine, greeting='newest')
    stack = cloud.update(stack, template(text.replace('digest_change', 'never')))
    assert stack['image'].FnGetRefId() == second


def test_a_pull_that_nobody_waits_for_any_more_ends(cloud):
    begun, ended = threading.Event(), threading.Event()

    def endless(*_: object, **__: object):
        try:
            begun.set()
            while True:
                yield mock.Mock(result='', stream='')
        finally:
            ended.set()

    with mock.patch.object(cloud.engine, 'pull', endless):
        stack = stacks.stack.Stack(cloud.context(), 'web', stacks._template(template(f'name: {NAME}'), None, None),
                                   timeout_mins=0)
        stack.validate()
        stack.store()
        image = stack['image']
        image.store()
        token = image.handle_create()
        assert begun.wait(5) and not image.check_create_complete(token)
        image.handle_create_cancel(token)
        assert ended.wait(5)
    assert cloud.engine.list_images() == ()


# Names

def test_on_a_shared_engine_names_are_below_a_prefix_of_the_project(cloud):
    publish(cloud.engine)
    stack = created(cloud, f'name: {NAME}, tags: [nginx, "team/web:2"]')
    assert attribute(cloud, stack, 'tags') == [NAME, f'{OWN}nginx:latest', f'{OWN}team/web:2']
    stack = cloud.update(stack, template(f'name: {NAME}, tags: ["team/web:2"]'))
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    assert attribute(cloud, stack, 'tags') == [NAME, f'{OWN}team/web:2']
    cloud.delete(stack)
    assert cloud.engine.list_images() == ()


def test_a_name_that_somebody_else_pulled_before_stays(cloud):
    publish(cloud.engine)
    list(cloud.engine.pull(NAME))
    stack = created(cloud, f'name: {NAME}, tags: [web]')
    cloud.delete(stack)
    assert NAME in cloud.engine.inspect_image(NAME).references
    assert len(cloud.engine.inspect_image(NAME).references) == 2


@pytest.mark.parametrize(('kept', 'state', 'left'), [
    ('keep', 'COMPLETE', 1), ('untag', 'COMPLETE', 1), ('remove', 'FAILED', 1)])
def test_what_happens_to_an_image_in_use_is_the_templates_choice(cloud, kept, state, left):
    cloud.set('action_retry_limit', 0)
    publish(cloud.engine)
    stack = created(cloud, f'name: {NAME}, on_delete: {kept}')
    container = cloud.engine.create(ContainerSpec(name='user', image=NAME))
    assert cloud.delete(stack).state == ('DELETE', state)
    assert len(cloud.engine.list_images()) == left
    cloud.engine.remove(container)


def test_an_image_that_is_gone_already_does_not_hold_up_a_delete(cloud):
    publish(cloud.engine)
    stack = created(cloud, f'name: {NAME}, on_delete: remove')
    cloud.engine.remove_image(stack['image'].FnGetRefId(), force=True)
    assert cloud.delete(stack).state == ('DELETE', 'COMPLETE')


def test_a_check_finds_an_image_that_is_gone_or_lost_its_name(cloud):
    publish(cloud.engine)
    stack = created(cloud, f'name: {NAME}, tags: [web]')
    assert cloud.act(stack, 'check').state == ('CHECK', 'COMPLETE')
    cloud.engine.remove_image(f'{OWN}web:latest')
    checked = cloud.act(stack, 'check')
    assert checked.state == ('CHECK', 'FAILED')
    assert f'not called {OWN}web:latest any more' in checked.status_reason
    stack = cloud.update(stack, template(f'name: {NAME}, tags: [web, other]'))
    assert set(attribute(cloud, stack, 'tags')) == {NAME, f'{OWN}web:latest', f'{OWN}other:latest'}
    cloud.engine.remove_image(NAME, force=True)
    for name in cloud.engine.list_images():
        cloud.engine.remove_image(name.id, force=True)
    assert 'No such image' in cloud.act(stack, 'check').status_reason


# Pushing

def test_an_image_is_pushed_and_its_name_there_is_on_the_engine_only_meanwhile(cloud):
    publish(cloud.engine)
    cloud.engine.logins['push.test'] = ('bob', 'builder')
    target = 'repository: push.test/team/app, tag: "2", registry_credentials: {username: bob, password: builder}'
    stack = created(cloud, f'name: {NAME}, push: {{{target}}}')
    assert 'push.test/team/app:2' in cloud.engine.remote
    assert attribute(cloud, stack, 'pushed_digest') == cloud.engine.inspect_remote(
        'push.test/team/app:2', credentials=mock.Mock(username='bob', password='builder')).digest
    assert not any(name.startswith('push.test') for name in attribute(cloud, stack, 'tags'))
    stack = cloud.update(stack, template(f'name: {NAME}, push: {{{target.replace("2", "3")}}}'))
    assert stack.state == ('UPDATE', 'COMPLETE'), stack.status_reason
    assert 'push.test/team/app:3' in cloud.engine.remote


def test_a_push_that_is_refused_leaves_no_name_behind(cloud):
    publish(cloud.engine)
    cloud.engine.logins['push.test'] = ('bob', 'builder')
    failed(cloud, f'name: {NAME}, tags: [web], push: {{repository: push.test/app}}', 'access denied')
    assert [name for image in cloud.engine.list_images() for name in image.references if '@' not in name] == [NAME]


def test_a_push_does_not_take_a_name_from_another_image(cloud):
    publish(cloud.engine)
    other = cloud.engine.add_image('push.test/app:latest')
    failed(cloud, f'name: {NAME}, push: {{repository: push.test/app}}', 'is the name of another image')
    assert cloud.engine.inspect_image('push.test/app:latest').id == other


# Other sources

@contextlib.contextmanager
def in_glance(**shown: object):
    """An image of Glance with these fields; its archive is one of ``docker save``."""
    maker = FakeEngine()
    maker.add_image('evil/nginx:latest', files={'/greeting': 'from Glance'})
    client = mock.Mock()
    client.images.get.return_value = {'id': 'g1', 'container_format': 'docker', 'disk_format': 'raw', **shown}
    client.images.data.side_effect = lambda image_id: maker.save(('evil/nginx:latest',))
    with mock.patch.object(glance.GlanceClientPlugin, '_create', return_value=client), mock.patch.object(
            glance.GlanceClientPlugin, 'find_image_by_name_or_id', return_value='g1'):
        yield


def test_an_image_of_glance_gets_a_name_of_the_project_and_none_of_its_archive(cloud):
    with in_glance():
        stack = created(cloud, 'glance_image: web')
    assert attribute(cloud, stack, 'tags') == [f'{OWN}glance/g1:latest']
    cloud.delete(stack)
    assert cloud.engine.list_images() == ()


def test_an_image_of_glance_that_is_no_container_is_refused(cloud):
    with in_glance(container_format='bare', disk_format='qcow2'):
        failed(cloud, 'glance_image: web', 'upload the archive with --container-format docker')


def test_an_image_is_built_of_a_dockerfile_and_files(cloud):
    cloud.engine.add_image('base:1')
    stack = created(cloud, 'name: "app:2", build: {dockerfile: "FROM base:1\\nCOPY a /a\\nRUN echo $WHO >> /b\\n'
                           'ARG WHO=you", files: {a: text}, args: {WHO: me}}')
    info = cloud.engine.inspect_image(f'{OWN}app:2')
    assert info.id == stack['image'].FnGetRefId()
    assert attribute(cloud, stack, 'config')['Labels']['org.openstack.heat.image.resource_name'] == 'image'
    assert not names.OWN_LABELS & info.config['Labels'].keys()


def test_a_step_that_fails_tells_what_it_said(cloud):
    cloud.engine.add_image('base:1')
    failed(cloud, 'build: {dockerfile: "FROM base:1\\nRUN echo broken pipe; false"}', 'broken pipe')


def test_a_build_needs_the_level_or_the_rule(cloud):
    cloud.offer('strict', policy_level='restricted').add_image('base:1')
    failed(cloud, 'endpoint: strict, build: {dockerfile: "FROM base:1"}', 'the policy restricted')


def test_a_file_of_a_build_stays_inside_its_context(cloud):
    cloud.engine.add_image('base:1')
    failed(cloud, 'build: {dockerfile: "FROM base:1", files: {"../../etc/passwd": x}}', 'no path inside the context')


def test_an_image_is_made_of_a_container_of_the_project(cloud):
    cloud.engine.add_image('base:1')
    container = cloud.engine.create(ContainerSpec(name='mine', image='base:1', labels={names.PROJECT: stacks.PROJECT}))
    cloud.engine.start(container)
    cloud.engine.exec(container, ExecSpec(command=('sh', '-c', 'echo changed > /mark')))
    stack = created(cloud, 'name: copy, commit: {container: mine, command: [cat, /mark], author: me}')
    info = cloud.engine.inspect_image(f'{OWN}copy:latest')
    assert (info.author, info.config['Cmd']) == ('me', ['cat', '/mark'])
    assert info.config['Labels']['org.openstack.heat.image.resource_name'] == 'image'
    assert not any(info.config['Labels'].get(key) for key in names.OWN_LABELS)
    assert attribute(cloud, stack, 'id') == info.id


def test_no_image_is_made_of_a_container_of_another_project(cloud):
    cloud.engine.add_image('base:1')
    cloud.engine.create(ContainerSpec(name='theirs', image='base:1', labels={names.PROJECT: stacks.OTHER_PROJECT}))
    failed(cloud, 'commit: {container: theirs}', 'No such container')


@pytest.mark.parametrize('address', [
    'http://127.0.0.1:1/a.tar', 'http://169.254.169.254/latest', 'http://[::1]/a', 'http://[::ffff:127.0.0.1]/a'])
def test_an_archive_is_not_fetched_from_where_only_heat_engine_is(cloud, address):
    failed(cloud, f'name: x, url: {{address: "{address}"}}', 'connects to no such address')


@pytest.mark.parametrize('address', ['file:///etc/passwd', 'ftp://a.test/b', 'http://user:word@a.test/b', 'nonsense'])
def test_an_archive_comes_by_http(cloud, address):
    failed(cloud, f'name: x, url: {{address: "{address}"}}', 'give an http or https URL')


@pytest.mark.parametrize(('text', 'reason'), [
    ('tags: [x]', 'Say where the image comes from'),
    ('glance_image: a, build: {dockerfile: FROM x}', 'An image has one source'),
    ('build: {dockerfile: FROM x}, update_on: digest_change', 'for images of a registry'),
    ('name: "Not An Image"', 'name'), ('name: "x:1", digest: "sha256:12"', 'pattern'),
    ('name: "x:1", on_delete: burn', 'burn')])
def test_what_cannot_work_is_said_when_the_template_is_looked_at(cloud, text, reason):
    with in_glance(), pytest.raises(exception.StackValidationFailed, match=reason):
        cloud.create(template(text))


def test_a_digest_and_a_name_with_another_contradict_each_other(cloud):
    one, other = ('sha256:' + digit * 64 for digit in '12')
    failed(cloud, f'name: "x@{one}", digest: "{other}"', 'give one')


def test_registries_that_the_operator_does_not_list_are_refused(cloud):
    cloud.offer('picky', registries=['registry.test'])
    publish(cloud.engines['unix:///run/picky.sock'])
    created(cloud, f'endpoint: picky, name: {NAME}')
    failed(cloud, 'endpoint: picky, name: "elsewhere.test/web:1"', 'images on this endpoint come from registry.test')


def test_the_image_of_another_project_is_not_run():
    from heat_container import image_names
    with pytest.raises(errors.Denied):
        image_names.check_usable(stacks.PROJECT, [f'heat-container/{stacks.OTHER_PROJECT}/web:1'])
    image_names.check_usable(stacks.PROJECT, [f'heat-container/{stacks.OTHER_PROJECT}/web:1', 'nginx:1'])
    image_names.check_usable(stacks.PROJECT, [f'{OWN}web:1'])


def test_an_archive_has_a_limit():
    from heat_container import image_sources
    never = threading.Event()
    with pytest.raises(errors.UnacceptableImage), image_sources.archive_of([b'x' * 10] * 3, never, limit=20):
        pass
    with image_sources.archive_of([b'x' * 10] * 2, never, limit=20) as archive:
        assert io.BytesIO(archive.read()).getbuffer().nbytes == 20
