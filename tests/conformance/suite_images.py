# SPDX-License-Identifier: Apache-2.0
"""Images: load, save, names, removal."""

import gzip
import hashlib
import io
import json
import tarfile
import time

import pytest

from nova_container import errors
from nova_container.engine.state import Feature

class ImagesSuite:
    def test_a_loaded_image_is_described(self, engine, archive_of, only_its_images):
        config = {'Cmd': ['echo', 'x'], 'Labels': {'a': 'b'}}
        loaded = engine.load(archive_of('conformance/described:1', config=config, files={'/x': 'x' * 1000}))
        assert len(loaded) == 1
        image = engine.inspect_image('conformance/described:1')
        assert image == loaded[0]
        assert image.id.startswith('sha256:')
        assert image.references == ('conformance/described:1',)
        assert (image.os, image.architecture) == ('linux', 'amd64')
        assert image.config['Cmd'] == ['echo', 'x']
        assert len(image.diff_ids) == 2
        assert 1_000_000 < image.size_bytes < 10_000_000
        assert 1_700_000_000 < image.created_at < time.time() + 1e8

    def test_an_image_is_found_by_reference_id_and_prefix(self, engine, image):
        image_id = engine.inspect_image(image).id
        for key in (image_id, image_id[:20], image_id.removeprefix('sha256:')[:12]):
            assert engine.inspect_image(key).id == image_id

    def test_an_unknown_image_is_not_found(self, engine):
        for key in ('no/such:image', f'sha256:{"0" * 64}'):
            with pytest.raises(errors.ImageNotFound):
                engine.inspect_image(key)

    @pytest.mark.parametrize('compressed', ['archive', 'layer'])
    def test_a_compressed_archive_is_loaded(self, engine, archive_of, output_of, only_its_images, compressed):
        archive = archive_of('conformance/small:1', compressed_layer=compressed == 'layer')
        if compressed == 'archive':
            archive = io.BytesIO(gzip.compress(archive.read(), 1))
        engine.load(archive)
        assert output_of('echo', 'x', image='conformance/small:1') == 'x\n'

    def test_a_load_under_a_reference_ignores_the_names_inside(self, engine, archive_of, only_its_images):
        require_load_as_reference(engine)
        loaded = engine.load(archive_of('conformance/inside:1', files={'/x': '1'}), reference='conformance/given:1')
        assert [image.references for image in loaded] == [('conformance/given:1',)]
        with pytest.raises(errors.ImageNotFound):
            engine.inspect_image('conformance/inside:1')

    def test_two_tenants_images_of_one_name_coexist(self, engine, archive_of, output_of, only_its_images):
        require_load_as_reference(engine)
        for tenant in ('a', 'b'):
            engine.load(archive_of('app:latest', files={'/who': tenant}), reference=f'conformance/tenant-{tenant}:1')
        assert output_of('cat', '/who', image='conformance/tenant-a:1') == 'a'
        assert output_of('cat', '/who', image='conformance/tenant-b:1') == 'b'

    def test_a_reference_names_one_image_only(self, engine, archive_of, only_its_images):
        require_load_as_reference(engine)
        for number in ('1', '2'):
            engine.load(archive_of(f'conformance/pair:{number}', files={'/x': number}))
        both = io.BytesIO(b''.join(engine.save(('conformance/pair:1', 'conformance/pair:2'))))
        with pytest.raises(errors.InvalidRequest):
            engine.load(both, reference='conformance/one:1')
        with pytest.raises(errors.ImageNotFound):
            engine.inspect_image('conformance/one:1')

    def test_a_saved_image_is_loaded_again(self, engine, archive_of, output_of, only_its_images):
        [before] = engine.load(archive_of('conformance/kept:1', files={'/x': 'same'}))
        archive = b''.join(engine.save(('conformance/kept:1',)))
        engine.remove_image('conformance/kept:1')
        [after] = engine.load(io.BytesIO(archive))
        assert (after.id, after.references, after.diff_ids) == (before.id, before.references, before.diff_ids)
        assert output_of('cat', '/x', image='conformance/kept:1') == 'same'

    def test_a_saved_archive_is_docker_save_and_oci_layout(self, engine, image):
        files = archive_files(engine.save((image,)))
        [row] = json.loads(files['manifest.json'])
        assert row['RepoTags'] == [image]
        assert digest(files[row['Config']]) == engine.inspect_image(image).id
        [entry] = json.loads(files['index.json'])['manifests']
        manifest = json.loads(files[blob_name(entry['digest'])])
        assert manifest['config']['digest'] == engine.inspect_image(image).id

    def test_an_oci_layout_is_loaded(self, engine, archive_of, output_of, only_its_images):
        engine.load(archive_of('conformance/layout:1', files={'/x': 'layout'}))
        files = archive_files(engine.save(('conformance/layout:1',)))
        engine.remove_image('conformance/layout:1')
        del files['manifest.json']
        engine.load(archive_from(files), reference='conformance/layout:2')
        assert output_of('cat', '/x', image='conformance/layout:2') == 'layout'

    def test_saving_an_unknown_image_is_not_found(self, engine):
        with pytest.raises(errors.ImageNotFound):
            list(engine.save(('no/such:image',)))

    @pytest.mark.parametrize('rubbish', [b'', b'no archive', b'\x1f\x8bbroken', b'\0' * 10240])
    def test_what_is_no_image_archive_is_unacceptable(self, engine, rubbish):
        before = engine.list_images()
        with pytest.raises(errors.UnacceptableImage):
            engine.load(io.BytesIO(rubbish))
        assert engine.list_images() == before

    def test_a_layer_that_differs_from_its_digest_is_refused(self, engine, archive_of):
        files = archive_files([archive_of('conformance/forged:1', files={'/x': 'right'}).read()])
        [row] = json.loads(files['manifest.json'])
        forged = row['Layers'][-1]
        files[forged] = files[forged].replace(b'right', b'wrong')
        with pytest.raises(errors.Corrupt):
            engine.load(archive_from(files))
        with pytest.raises(errors.ImageNotFound):
            engine.inspect_image('conformance/forged:1')

    def test_images_are_listed(self, engine, image, archive_of, only_its_images):
        [loaded] = engine.load(archive_of('conformance/listed:1', files={'/x': 'listed'}))
        by_id = {known.id: known for known in engine.list_images()}
        assert by_id[loaded.id].references == ('conformance/listed:1',)
        assert engine.inspect_image(image).id in by_id

    def test_an_image_may_have_many_names(self, engine, archive_of, only_its_images):
        [loaded] = engine.load(archive_of('conformance/named:1', files={'/x': 'named'}))
        engine.tag_image('conformance/named:1', 'conformance/named:2')
        engine.tag_image(loaded.id, 'conformance/other')
        assert set(engine.inspect_image(loaded.id).references) == {
            'conformance/named:1', 'conformance/named:2', 'conformance/other:latest'}
        assert engine.inspect_image('conformance/other').id == loaded.id

    def test_a_name_moves_to_the_image_that_gets_it_last(self, engine, archive_of, only_its_images):
        [first] = engine.load(archive_of('conformance/moved:1', files={'/x': 'first'}))
        [second] = engine.load(archive_of('conformance/moved:2', files={'/x': 'second'}))
        engine.tag_image(second.id, 'conformance/moved:1')
        assert engine.inspect_image('conformance/moved:1').id == second.id
        assert engine.inspect_image(first.id).references == ()

    def test_tagging_an_unknown_image_is_not_found(self, engine):
        with pytest.raises(errors.ImageNotFound):
            engine.tag_image('no/such:image', 'conformance/x:1')

    def test_a_malformed_reference_is_refused(self, engine, image):
        with pytest.raises(errors.InvalidRequest):
            engine.tag_image(image, 'Not A Reference')

    def test_removing_one_of_many_names_keeps_the_image(self, engine, archive_of, only_its_images):
        [loaded] = engine.load(archive_of('conformance/two:1', files={'/x': 'two'}))
        engine.tag_image(loaded.id, 'conformance/two:2')
        assert engine.remove_image('conformance/two:1') == ('conformance/two:1',)
        assert engine.inspect_image(loaded.id).references == ('conformance/two:2',)

    def test_removing_the_last_name_removes_the_image(self, engine, archive_of, only_its_images):
        [loaded] = engine.load(archive_of('conformance/last:1', files={'/x': 'last'}))
        gone = engine.remove_image('conformance/last:1')
        assert (gone[0], loaded.id in gone) == ('conformance/last:1', True)
        with pytest.raises(errors.ImageNotFound):
            engine.inspect_image(loaded.id)

    def test_removing_an_id_removes_all_its_names(self, engine, archive_of, only_its_images):
        [loaded] = engine.load(archive_of('conformance/all:1', files={'/x': 'all'}))
        engine.tag_image(loaded.id, 'conformance/all:2')
        assert {'conformance/all:1', 'conformance/all:2', loaded.id} <= set(engine.remove_image(loaded.id))
        with pytest.raises(errors.ImageNotFound):
            engine.inspect_image('conformance/all:2')

    def test_removing_an_unknown_image_is_silent(self, engine):
        assert engine.remove_image('no/such:image') == ()

    def test_an_image_in_use_is_not_removed(self, engine, create, image_with):
        image = image_with(files={'/x': 'used'})
        container = create('true', image=image)
        for key in (image, engine.inspect_image(image).id):
            with pytest.raises(errors.WrongState):
                engine.remove_image(key)
        assert engine.inspect_image(image).references == (image,)
        engine.remove(container)
        assert engine.remove_image(image) != ()

    def test_prune_removes_what_is_nameless_and_unused(self, engine, create, image, archive_of, only_its_images):
        nameless = engine.commit(create('true'))
        used = engine.commit(create('true'))
        [named] = engine.load(archive_of('conformance/pruned:1', files={'/x': 'pruned'}))
        create('true', image=used)
        gone, freed_bytes = engine.prune_images()
        assert nameless in gone
        assert not {used, named.id} & set(gone)
        assert freed_bytes >= 0
        gone, freed_bytes = engine.prune_images(all_unused=True)
        assert named.id in gone
        assert not {used, engine.inspect_image(image).id} & set(gone)
        assert freed_bytes > 0


def require_load_as_reference(engine):
    if Feature.LOAD_AS_REFERENCE not in engine.info().features:
        pytest.skip('the engine does not claim Feature.LOAD_AS_REFERENCE')


def digest(blob):
    return f'sha256:{hashlib.sha256(blob).hexdigest()}'


def blob_name(of_digest):
    return f'blobs/{of_digest.replace(":", "/")}'


def archive_files(pieces):
    with tarfile.open(fileobj=io.BytesIO(b''.join(pieces))) as archive:
        return {entry.name: archive.extractfile(entry).read() for entry in archive if entry.isreg()}


def archive_from(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w') as archive:
        for name, blob in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(blob)
            archive.addfile(entry, io.BytesIO(blob))
    buffer.seek(0)
    return buffer
