# SPDX-License-Identifier: Apache-2.0
"""What a container has mounted in the end."""

import pytest

from nova_container import errors
from nova_container.engine import ContainerSpec, Mount, MountKind, mounting
from nova_container.engine.volume import ANONYMOUS, Volume


def resolve(image=(), others=None, **fields):
    return mounting.resolve(ContainerSpec(name='x', image='box', **fields), image, lambda name: (others or {})[name])


def volume(source, target, **fields):
    return Mount(kind=MountKind.VOLUME, source=source, target=target, **fields)


def test_a_volume_without_a_name_gets_one_and_is_marked():
    [mount] = resolve(volumes=('/data/',))
    assert (mount.target, mount.source, len(mount.source)) == ('/data', mount.volume.name, 64)
    assert ANONYMOUS in mount.volume.labels


def test_a_name_is_kept_and_says_how_to_make_it():
    [mount] = resolve(mounts=(volume('data', '/d', volume=Volume(labels={'a': 'b'})),))
    assert mount.volume == Volume(name='data', labels={'a': 'b'})


def test_own_mounts_go_before_those_of_others_and_those_before_the_image_s():
    others = {'other': (volume('theirs', '/a'), volume('theirs', '/b'), Mount(kind=MountKind.TMPFS, target='/t'))}
    found = {mount.target: mount for mount in resolve(
        ('/a', '/b', '/c'), others, mounts=(volume('own', '/a'),), volumes_from=('other:ro',))}
    assert {target: mount.source for target, mount in found.items() if target != '/c'} == {'/a': 'own', '/b': 'theirs'}
    assert (found['/a'].read_only, found['/b'].read_only, found['/b'].no_copy) == (False, True, True)
    assert len(found['/c'].source) == 64


@pytest.mark.parametrize('entry', ['', ':ro', 'a:x'])
def test_a_wrong_entry_is_refused(entry):
    with pytest.raises(errors.InvalidSpec):
        resolve(volumes_from=(entry,))
