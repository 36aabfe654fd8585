# SPDX-License-Identifier: Apache-2.0
"""Images that projects share an engine with: what others made is neither seen, run, built on, renamed nor replaced."""

import dataclasses
import io
import socket
import tarfile

import pytest

from heat_container import image_names, names
from nova_container import errors
from nova_container.docker import infra_image
from nova_container.docker.policy import Level
from nova_container.engine import BuildSpec, CommitSpec, Credentials
from nova_container.engine.fake import FakeEngine
from tests.unit.heat import stacks
from tests.unit.heat.views import THEIRS, running, view, wanted

OUR_NAME, THEIR_NAME = 'heat-container/ours/app:1', 'heat-container/theirs/app:1'
NOVAS = 'glance/5e4f0000-0000-0000-0000-000000000001:0123456789abcdef'
BEING_PUSHED = 'heat-container/ours/being-pushed:' + '0' * 32


@pytest.fixture
def engine():
    made = FakeEngine()
    made.add_image('busybox')
    made.add_image(THEIR_NAME, config={'Env': ['PASSWORD=secret']}, files={'/secret': 'x'})
    made.add_image(NOVAS, config={'Env': ['OF=nova']})
    yield made
    stacks.stop_all(made)


def of(image, **fields):
    return dataclasses.replace(wanted(**fields), image=image)


def context(recipe, **files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w') as archive:
        for name, text in {'Dockerfile': recipe, **files}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    buffer.seek(0)
    return buffer


def built(engine, recipe, spec=BuildSpec(), **seen):
    return [line.result for line in view(engine, **seen).build(context(recipe), spec) if line.result][-1]


@pytest.mark.parametrize('name', [THEIR_NAME, f'docker.io/{THEIR_NAME}', f'index.docker.io/{THEIR_NAME}', NOVAS])
@pytest.mark.parametrize('level', [Level.BASELINE, Level.PRIVILEGED])
def test_what_only_others_name_is_not_there(engine, name, level):
    ours = view(engine, level=level)
    for asked in (name, engine.inspect_image(NOVAS if name == NOVAS else THEIR_NAME).id):
        with pytest.raises(errors.ImageNotFound):
            ours.inspect_image(asked)
        with pytest.raises((errors.Denied, errors.ImageNotFound)):
            ours.create(of(asked))
        with pytest.raises(errors.ImageNotFound):
            ours.tag_image(asked, OUR_NAME)
        assert ours.remove_image(asked, force=True) == ()
    assert len(engine.list_images()) == 3


@pytest.mark.parametrize('name', [THEIR_NAME, NOVAS, 'nova-container/infra:1', 'heat-container/x', BEING_PUSHED])
def test_no_name_that_others_trust_can_be_given(engine, name):
    ours = view(engine)
    container = ours.create(running())
    for give in (lambda: ours.tag_image('busybox', name), lambda: ours.load(io.BytesIO(), reference=name),
                 lambda: ours.import_image(io.BytesIO(), CommitSpec(reference=name)),
                 lambda: ours.commit(container, CommitSpec(reference=name)),
                 lambda: list(ours.build(context('FROM busybox'), BuildSpec(tags=(name,))))):
        with pytest.raises(errors.Denied, match='no name that this project may give'):
            give()
    for fetch in (ours.pull, ours.push, ours.inspect_remote):
        with pytest.raises(errors.Denied, match='which no registry has'):
            fetch(name)
    assert image_names.owner(name) is not None


def test_what_is_being_pushed_is_run_under_that_name_by_nobody_else(engine):
    """Engines push a name that an image has: meanwhile others might take it for what the registry has."""
    ours = view(engine)
    made = built(engine, 'FROM busybox\nRUN echo evil > /bin/sh')
    ours.tag_image(made, OUR_NAME)
    ours.tag_image(made, 'registry.test/team/app:1')
    with pytest.raises(errors.ImageNotFound):
        view(engine, THEIRS).inspect_image('registry.test/team/app:1')
    assert ours.inspect_image('registry.test/team/app:1').id == made
    assert view(engine, THEIRS).remove_image('registry.test/team/app:1') == ()
    ours.remove_image('registry.test/team/app:1')
    assert engine.inspect_image(made).references == (OUR_NAME,)


def test_what_is_being_pushed_does_not_come_from_that_registry_yet(engine):
    listed = {'registries': frozenset({'registry.test'}), 'infra_image': 'registry.test/pause:1'}
    engine.add_image(OUR_NAME)
    view(engine, **listed).tag_image(OUR_NAME, 'registry.test/team/app:1')
    view(engine, **listed).tag_image(OUR_NAME, 'registry.test/pause:1')
    with pytest.raises(errors.Denied, match='images on this endpoint come from'):
        view(engine, **listed).create(of(OUR_NAME))
    engine.tag_image(OUR_NAME, 'registry.test/team/app:2')
    view(engine, **listed).create(of(OUR_NAME))


@pytest.mark.parametrize('verb', ['save', 'list_images', 'search', 'check_login', 'prune_images'])
def test_what_would_tell_of_the_images_of_all_is_refused(engine, verb):
    with pytest.raises(errors.Denied, match='projects share'):
        getattr(view(engine), verb)(('busybox',))


@pytest.mark.parametrize('recipe', [
    'FROM {}', 'FROM busybox\nFROM {}', 'FROM busybox\nFROM\t{}', 'FROM busybox\nCOPY --from={} /secret /x',
    'FROM busybox\nRUN --mount=type=bind,from={},target=/x cp /x/secret /', 'ARG A={}\nFROM $A'])
@pytest.mark.parametrize('level', [Level.BASELINE, Level.PRIVILEGED])
def test_nothing_is_built_on_what_others_made(engine, recipe, level):
    for name in (THEIR_NAME, NOVAS, engine.inspect_image(THEIR_NAME).id):
        with pytest.raises((errors.Denied, errors.ImageNotFound)):
            built(engine, recipe.format(name), level=level)
    assert not [call for call in engine.calls if call[0] == 'build']


@pytest.mark.parametrize('step', [
    'ADD http://169.254.169.254/latest/meta-data /x', 'ADD\thttp://127.0.0.1:5000/ /x', 'ADD $WHERE /x',
    'ADD git@internal:x.git /x', 'ONBUILD ADD https://internal/x /x', 'a\\\ndd http://internal/ /x'])
def test_a_build_fetches_nothing_from_where_only_the_engine_is(engine, step):
    with pytest.raises(errors.Denied, match='docker:create:build'):
        built(engine, f'FROM busybox\n{step}')
    assert not [call for call in engine.calls if call[0] == 'build']


def test_steps_that_an_image_brings_along_need_the_rule(engine):
    engine.add_image('trap:1', config={'OnBuild': ['ADD http://169.254.169.254/ /x']})
    with pytest.raises(errors.Denied, match='ONBUILD'):
        built(engine, 'FROM trap:1')
    assert built(engine, 'FROM trap:1', granted=['build'])


def test_what_was_looked_at_is_what_is_built(engine, monkeypatch):
    """By ids and as it was read, as another may get the name the next moment, and builders may read it otherwise."""
    given = []
    monkeypatch.setattr(engine, 'build', lambda archive, spec: given.append((archive.read(), spec)) or iter(()))
    list(view(engine).build(context('ARG V=box\nFROM busy$V AS one\nFROM one\nCOPY a /a', a='text'),
                            BuildSpec(pull=False)))
    [(archive, spec)] = given
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        recipe = opened.extractfile(spec.dockerfile).read().decode()
        assert opened.extractfile('a').read() == b'text'
    base = engine.inspect_image('busybox').id
    assert recipe == f'ARG V=box\nFROM {base} AS one\nFROM one\nCOPY a /a'
    assert (spec.network, spec.pull) == ('none', False)


def test_a_context_without_a_plain_dockerfile_is_refused(engine):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w') as archive:
        link = tarfile.TarInfo('Dockerfile')
        link.type, link.linkname = tarfile.SYMTYPE, '/etc/passwd'
        archive.addfile(link)
    for archive in (buffer, io.BytesIO(b'no tar')):
        with pytest.raises(errors.InvalidRequest, match='build: '):
            list(view(engine).build(archive, BuildSpec()))


def test_a_login_is_shown_to_the_registry_that_it_is_for_only(engine, monkeypatch):
    shown = {}

    def pull(reference, *, credentials, platform, all_tags):
        shown[reference] = credentials
        engine.add_image(reference)
        return iter(())
    monkeypatch.setattr(engine, 'pull', pull)
    login = Credentials(username='me', password='word')
    built(engine, 'FROM registry.test/a:1\nFROM alpine:1', BuildSpec(credentials=(login,)))
    assert shown == {'registry.test/a:1': login, 'alpine:1': None}
    shown.clear()
    built(engine, 'FROM registry.test/b:1\nFROM evil.test/a:1', BuildSpec(credentials=(login,)))
    assert shown == {'registry.test/b:1': None, 'evil.test/a:1': None}


@pytest.mark.parametrize('registry', ['127.0.0.1:5000', 'localhost:5000', '169.254.169.254', '2130706433:80',
                                      '[::1]:443', '[::ffff:169.254.169.254]:80', '0x7f000001:1'])
def test_an_engine_is_not_sent_to_where_no_registry_of_projects_is(engine, registry):
    ours = view(engine)
    for ask in (ours.pull, ours.push, ours.inspect_remote):
        with pytest.raises((errors.Denied, errors.InvalidReference)):
            ask(f'{registry}/a:1')
    with pytest.raises((errors.Denied, errors.InvalidReference)):
        built(engine, f'FROM {registry}/a:1')
    assert not [call for call in engine.calls if call[0] in ('pull', 'push', 'inspect_remote', 'build')]


def test_the_operator_may_let_projects_use_a_registry_of_its_own(engine):
    for listed in ({'internal_registries': frozenset({'127.0.0.1'})}, {'registries': frozenset({'127.0.0.1:5000'})},
                   {'level': Level.PRIVILEGED}):
        with pytest.raises(errors.ImageNotFound):
            list(view(engine, **listed).pull('127.0.0.1:5000/a:1'))
    with pytest.raises(errors.Denied, match='images on this endpoint come from'):
        view(engine, registries=frozenset({'registry.test'})).pull('nginx:1')


def test_a_registry_by_a_name_that_means_this_host_is_denied(engine, monkeypatch):
    monkeypatch.setattr(socket, 'getaddrinfo', lambda host, port, **how: [
        (socket.AF_INET, socket.SOCK_STREAM, 6, '', ('127.0.0.1', port))])
    with pytest.raises(errors.Denied, match='internal_registries'):
        view(engine).pull('rebound.test/a:1')


@pytest.mark.parametrize('label', [
    'org.openstack.nova.uuid', 'org.openstack.nova.project_id', 'org.nova-container.infra',
    'org.nova-container.sandbox', names.PROJECT])
def test_nothing_of_a_tenant_looks_like_a_server_of_nova(engine, label):
    """By such labels Nova's driver finds its servers, and the client of an engine what it hides."""
    with pytest.raises(errors.InvalidSpec, match=label):
        view(engine).create(wanted(labels={label: 'x'}))
    engine.add_image('crafted:1', config={'Labels': {label: 'x'}})
    with pytest.raises(errors.Denied, match='labels'):
        view(engine).create(of('crafted:1'))


def test_what_holds_a_pod_need_not_come_from_the_listed_registries(engine):
    limit = frozenset({'registry.test'})
    _id, archive = infra_image.archive('amd64')
    engine.load(io.BytesIO(archive), reference='heat-container/ours/infra:1')
    view(engine, registries=limit).create(of('heat-container/ours/infra:1'))
    engine.add_image('corp.test/pause:3')
    with pytest.raises(errors.Denied, match='come from'):
        view(engine, registries=limit).create(of('corp.test/pause:3', name='d'))
    view(engine, registries=limit, infra_image='corp.test/pause:3').create(of('corp.test/pause:3', name='d'))
    with pytest.raises(errors.ImageNotFound):
        list(view(engine, registries=limit, infra_image='corp.test/pause:4').pull('corp.test/pause:4'))


def test_a_project_sees_what_it_made(engine):
    ours = view(engine)
    engine.add_image(OUR_NAME)
    assert ours.inspect_image(OUR_NAME).references == (OUR_NAME,)
    assert ours.remove_image(OUR_NAME)
    assert OUR_NAME not in str(engine.list_images())
