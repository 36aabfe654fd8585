# SPDX-License-Identifier: Apache-2.0
"""Images to and from a registry, and made from tars and Dockerfiles."""

import io
import itertools
import re
import tarfile

import pytest

from nova_container import errors
from nova_container.engine import BuildSpec, CommitSpec

_numbers = itertools.count()


def context(dockerfile, **files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w') as archive:
        for name, text in {'Dockerfile': dockerfile, **files}.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text.encode()), 0o644
            archive.addfile(entry, io.BytesIO(text.encode()))
    buffer.seek(0)
    return buffer


def said(progress):
    return ''.join(one.stream for one in progress)


class RegistrySuite:
    def test_an_image_comes_back_from_a_registry_as_it_went(self, engine, pushed, output_of):
        name, image_id = pushed
        told = list(engine.pull(name))
        assert told[-1].result == image_id
        assert any(one.status.startswith('Digest: sha256:') for one in told)
        assert any(one.status == f'Status: Downloaded newer image for {name}' for one in told)
        assert output_of('cat', '/x', image=name) == name

    def test_a_pulled_image_knows_its_digest(self, engine, pushed):
        name, image_id = pushed
        list(engine.pull(name))
        tag, digest = sorted(engine.inspect_image(name).references, key=len)
        assert (tag, digest.partition('@')[0]) == (name, name.removesuffix(':1'))
        assert engine.inspect_image(digest).id == image_id

    def test_an_image_is_pulled_by_digest(self, engine, pushed):
        name, image_id = pushed
        by_digest = f'{name.removesuffix(":1")}@{engine.inspect_remote(name).digest}'
        assert list(engine.pull(by_digest))[-1].result == image_id
        assert engine.inspect_image(image_id).references == (by_digest,)

    def test_all_tags_of_a_repository_are_pulled(self, engine, pushed):
        name, image_id = pushed
        list(engine.pull(name))
        other = f'{name.removesuffix(":1")}:2'
        engine.tag_image(name, other)
        list(engine.push(other))
        engine.remove_image(image_id, force=True)
        told = list(engine.pull(name.removesuffix(':1'), all_tags=True))
        assert {one.id for one in told if one.status.startswith('Pulling from ')} == {'1', '2'}
        assert {name, other} <= set(engine.inspect_image(image_id).references)

    def test_a_repository_without_tags_is_not_found(self, engine, registry):
        with pytest.raises(errors.NotFound, match='conformance/none'):
            list(engine.pull(f'{registry}/conformance/none', all_tags=True))

    def test_a_second_pull_finds_it_up_to_date(self, engine, pushed):
        list(engine.pull(pushed[0]))
        assert any(f'Image is up to date for {pushed[0]}' in one.status for one in engine.pull(pushed[0]))

    def test_removing_the_tag_removes_the_digest_with_it(self, engine, pushed):
        name, image_id = pushed
        list(engine.pull(name))
        gone = engine.remove_image(name)
        assert (gone[0], image_id in gone) == (name, True)
        with pytest.raises(errors.ImageNotFound):
            engine.inspect_image(image_id)

    def test_what_a_registry_lacks_is_not_found(self, engine, registry):
        for verb in (engine.pull, engine.inspect_remote):
            with pytest.raises(errors.ImageNotFound, match='manifest'):
                list(verb(f'{registry}/conformance/none:1'))

    def test_what_the_engine_lacks_is_not_pushed(self, engine, registry):
        with pytest.raises(errors.ImageNotFound, match='conformance/none:1'):
            list(engine.push(f'{registry}/conformance/none:1'))

    def test_a_digest_cannot_be_pushed(self, engine, registry):
        with pytest.raises(errors.InvalidRequest):
            list(engine.push(f'{registry}/conformance/x@sha256:{"0" * 64}'))

    def test_a_malformed_name_is_refused(self, engine):
        with pytest.raises(errors.InvalidRequest):
            list(engine.pull('Not A Reference'))

    def test_a_remote_image_is_inspected_without_fetching_it(self, engine, pushed):
        found = engine.inspect_remote(pushed[0])
        assert found.digest.startswith('sha256:')
        assert found.platforms == ('linux/amd64',)
        with pytest.raises(errors.ImageNotFound):
            engine.inspect_image(pushed[0])

    def test_a_tar_becomes_an_image(self, engine, archive_of, create, only_its_images):
        tree = context('', greeting='hello')
        image_id = engine.import_image(tree, CommitSpec(reference='conformance/imported:1', config={
            'Cmd': ['cat', '/greeting'], 'Env': ['A=b c'], 'WorkingDir': '/w'}))
        info = engine.inspect_image('conformance/imported:1')
        assert (info.id, len(info.diff_ids)) == (image_id, 1)
        assert (info.config['Cmd'], info.config['Env'], info.config['WorkingDir']) == (
            ['cat', '/greeting'], ['A=b c'], '/w')
        container = create('cat', image=image_id)
        assert engine.stat_path(container, '/greeting').size_bytes == 5

    def test_a_dockerfile_becomes_an_image(self, engine, image, output_of, only_its_images):
        recipe = f'FROM {image}\nARG WHO=nobody\nENV A=b\nRUN echo $WHO > /who\nCOPY f /f\nCMD ["cat", "/who", "/f"]\n'
        told = list(engine.build(context(recipe, f='from the context\n'), BuildSpec(
            tags=('conformance/built:1', 'conformance/built:2'), arguments={'WHO': 'me'}, labels={'l': 'v'},
            network='none')))
        info = engine.inspect_image('conformance/built:1')
        assert info.id == engine.inspect_image('conformance/built:2').id
        assert info.id in {one.result for one in told}
        assert re.search(r'Step 4/\d : RUN echo \$WHO > /who', said(told))
        assert f'Successfully built {info.id[7:19]}' in said(told)
        assert 'Successfully tagged conformance/built:2' in said(told)
        assert (info.config['Labels']['l'], 'A=b' in info.config['Env']) == ('v', True)
        assert output_of(image='conformance/built:1') == 'me\nfrom the context\n'

    def test_a_step_done_before_is_not_done_again(self, engine, image, only_its_images):
        recipe = f'FROM {image}\nRUN echo {next(_numbers)} > /cached\n'
        first, second, afresh = (
            list(engine.build(context(recipe), BuildSpec(network='none', cache=cache)))
            for cache in (True, True, False))
        assert 'Using cache' not in said(first)
        assert 'Using cache' in said(second)
        assert 'Using cache' not in said(afresh)
        assert {one.result for one in first} == {one.result for one in second}

    def test_a_step_that_fails_ends_the_build(self, engine, image):
        before = {known.id for known in engine.list_images() if known.references}
        told = engine.build(context(f'FROM {image}\nRUN echo seen; exit 7\n'), BuildSpec(
            network='none', tags=('c/f:1',)))
        kept = []
        with pytest.raises(errors.StepFailed, match='returned a non-zero code: 7') as failed:
            kept += told
            kept += list(told)
        assert failed.value.code == 7
        assert {known.id for known in engine.list_images() if known.references} == before

    def test_a_context_without_its_dockerfile_is_refused(self, engine):
        with pytest.raises(errors.InvalidRequest, match='Dockerfile'):
            list(engine.build(context('FROM scratch\n'), BuildSpec(dockerfile='other')))
