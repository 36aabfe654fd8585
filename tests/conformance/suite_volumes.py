# SPDX-License-Identifier: Apache-2.0
"""Volumes: made, filled, shared, kept and removed."""

import io
import tarfile

import pytest

from nova_container import errors
from nova_container.engine import ExecSpec, Mount, MountKind
from nova_container.engine.volume import Volume

DATA = '/opt/data'  # where the image has files


def volume(source='', target='/v', **fields):
    return Mount(kind=MountKind.VOLUME, source=source, target=target, **fields)


class VolumesSuite:
    def test_a_volume_is_made_shown_listed_and_removed(self, engine):
        made = engine.create_volume(Volume(name='conformance-a', labels={'l': 'v'}))
        try:
            assert (made.name, made.spec.driver, made.spec.labels, made.anonymous) == (
                'conformance-a', 'local', {'l': 'v'}, False)
            assert engine.inspect_volume('conformance-a').used_by == ()
            assert 'conformance-a' in [found.name for found in engine.list_volumes()]
        finally:
            engine.remove_volume('conformance-a')
        with pytest.raises(errors.VolumeNotFound):
            engine.inspect_volume('conformance-a')
        engine.remove_volume('conformance-a')

    def test_making_a_volume_again_is_silent_and_with_other_options_refused(self, engine, named_volume):
        named_volume('conformance-b')
        assert engine.create_volume(Volume(name='conformance-b')).name == 'conformance-b'
        with pytest.raises((errors.AlreadyExists, errors.InvalidRequest)):
            engine.create_volume(Volume(name='conformance-b', options={'type': 'tmpfs', 'device': 'tmpfs'}))

    @pytest.mark.parametrize('name', ['x', '../up', 'a/b', '-a', 'a b'])
    def test_a_wrong_name_is_an_invalid_request(self, engine, name):
        with pytest.raises(errors.InvalidRequest):
            engine.create_volume(Volume(name=name))

    def test_a_volume_without_a_name_gets_one(self, engine):
        made = engine.create_volume(Volume())
        try:
            assert len(made.name) == 64
            assert made.anonymous
        finally:
            engine.remove_volume(made.name)

    def test_files_outlive_their_container(self, engine, named_volume, create, output_of):
        named_volume('conformance-c')
        output_of('sh', '-c', 'echo kept > /v/file', mounts=(volume('conformance-c'),))
        assert output_of('cat', '/v/file', mounts=(volume('conformance-c'),)) == 'kept\n'

    def test_an_unknown_name_makes_a_volume(self, engine, create):
        container = create('true', mounts=(volume('conformance-d'),))
        try:
            info = engine.inspect_volume('conformance-d')
            assert info.used_by == (container,)
            [mount] = engine.inspect(container).mounts
            assert (mount.kind, mount.volume.name, mount.source) == (
                MountKind.VOLUME, 'conformance-d', info.mountpoint)
            engine.remove(container, force=True)
            assert engine.inspect_volume('conformance-d').used_by == ()
        finally:
            engine.remove(container, force=True)
            engine.remove_volume('conformance-d')

    def test_an_empty_volume_takes_what_the_image_has_there(self, engine, output_of):
        assert output_of('cat', f'{DATA}/one', mounts=(volume(target=DATA),)) == '1'

    def test_a_volume_with_files_keeps_them(self, engine, named_volume, output_of):
        named_volume('conformance-e')
        output_of('sh', '-c', 'echo own > /v/one', mounts=(volume('conformance-e'),))
        assert output_of('cat', f'{DATA}/one', mounts=(volume('conformance-e', DATA),)) == 'own\n'

    def test_no_copy_leaves_it_empty(self, engine, create, run):
        container = run('cat', f'{DATA}/one', mounts=(volume(target=DATA, no_copy=True),))
        assert engine.wait(container, timeout_s=20).code != 0

    def test_a_read_only_volume_is_not_written(self, engine, named_volume, run):
        named_volume('conformance-f')
        container = run('sh', '-c', 'echo x > /v/file', mounts=(volume('conformance-f', read_only=True),))
        assert engine.wait(container, timeout_s=20).code != 0

    def test_a_used_volume_is_not_removed(self, engine, named_volume, create):
        named_volume('conformance-g')
        container = create('true', mounts=(volume('conformance-g'),))
        with pytest.raises(errors.WrongState):
            engine.remove_volume('conformance-g')
        engine.remove(container)
        engine.remove_volume('conformance-g')

    def test_anonymous_volumes_go_with_their_container(self, engine, create):
        container = create('true', volumes=('/v', '/w'))
        names = {mount.volume.name for mount in engine.inspect(container).mounts}
        assert {info.name for info in engine.list_volumes() if info.anonymous} >= names
        engine.remove(container)
        assert not names & {info.name for info in engine.list_volumes()}

    def test_anonymous_volumes_stay_if_the_caller_says_so(self, engine, create):
        container = create('true', volumes=('/v',))
        [mount] = engine.inspect(container).mounts
        engine.remove(container, volumes=False)
        try:
            assert engine.inspect_volume(mount.volume.name).anonymous
        finally:
            engine.remove_volume(mount.volume.name)

    def test_volumes_of_the_image_are_made(self, engine, image_with, create):
        name = image_with(config={'Volumes': {'/opt/kept': {}}}, files={'/opt/kept/file': 'of the image'})
        container = create('cat', '/opt/kept/file', image=name)
        assert [mount.target for mount in engine.inspect(container).mounts] == ['/opt/kept']
        engine.start(container)
        assert engine.wait(container, timeout_s=20).code == 0

    def test_a_container_takes_the_volumes_of_another(self, engine, create, output_of):
        first = create('true', volumes=('/v',))
        output_of('sh', '-c', 'echo shared > /v/file', volumes_from=(first,))
        assert output_of('cat', '/v/file', volumes_from=(f'{first}:ro',)) == 'shared\n'
        assert len(engine.inspect(first).mounts) == 1

    def test_volumes_from_nobody_is_refused_and_leaves_nothing(self, engine, create):
        before = {info.name for info in engine.list_volumes()}
        with pytest.raises((errors.NotFound, errors.InvalidSpec)):
            create('true', volumes_from=('no-such-container',), volumes=('/v',))
        assert {info.name for info in engine.list_volumes()} == before

    def test_prune_removes_unused_anonymous_volumes_only(self, engine, named_volume, create):
        named_volume('conformance-h')
        create('true', volumes=('/v',))
        lonely = engine.create_volume(Volume()).name
        gone, freed = engine.prune_volumes()
        assert lonely in gone
        assert freed >= 0
        assert 'conformance-h' not in gone
        assert lonely not in {info.name for info in engine.list_volumes()}

    def test_prune_of_all_removes_named_ones_too(self, engine, named_volume, create):
        named_volume('conformance-i')
        named_volume('conformance-j')
        create('true', mounts=(volume('conformance-j'),))
        gone, _ = engine.prune_volumes(all_unused=True)
        assert 'conformance-i' in gone
        assert 'conformance-j' not in gone

    def test_sizes_are_counted_if_asked_for(self, engine, named_volume, output_of):
        named_volume('conformance-k')
        output_of('sh', '-c', 'echo 0123456789 > /v/file', mounts=(volume('conformance-k'),))
        sizes = {info.name: info.size_bytes for info in engine.list_volumes(sizes=True)}
        assert sizes['conformance-k'] >= 11
        assert {info.size_bytes for info in engine.list_volumes()} == {None}

    def test_files_are_copied_into_and_out_of_volumes(self, engine, named_volume, run):
        named_volume('conformance-l')
        container = run('sleep', '600', mounts=(volume('conformance-l'),))
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode='w') as archive:
            entry = tarfile.TarInfo('in')
            entry.size = 4
            archive.addfile(entry, io.BytesIO(b'data'))
        engine.copy_in(container, '/v', io.BytesIO(buffer.getvalue()))
        assert engine.stat_path(container, '/v/in').size_bytes == 4
        assert engine.exec(container, ExecSpec(command=('cat', '/v/in'))).stdout == b'data'
        with tarfile.open(fileobj=io.BytesIO(b''.join(engine.copy_out(container, '/v')))) as archive:
            assert 'v/in' in [name.removeprefix('./') for name in archive.getnames()]

    def test_events_tell_of_volumes(self, engine):
        events = engine.events()
        engine.remove_volume(engine.create_volume(Volume(name='conformance-m')).name)
        told = []
        while len(told) < 2:
            event = next(events)
            if event.type == 'volume' and event.actor_id == 'conformance-m':
                told.append(event.action)
        assert told == ['create', 'destroy']
