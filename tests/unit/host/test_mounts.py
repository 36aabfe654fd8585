# SPDX-License-Identifier: Apache-2.0
"""Mounts on a real kernel: overlays of any number of layers, binds, and what is mounted where."""

import os

import pytest

from nova_container import errors
from nova_container.host import mounts

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason='mounts need root')]


def made(folder, *names):
    for name in names:
        (folder / name).mkdir(parents=True)
    return [folder / name for name in names]


def layers(folder, count):
    found = made(folder, *(f'layer{number}' for number in range(count)))
    for number, layer in enumerate(found):
        (layer / 'top').write_text(str(number))
        (layer / f'only{number}').touch()
    return found


@pytest.mark.parametrize('count', [1, 2, 40])
def test_an_overlay_shows_the_first_layer_on_top(folder, count):
    target, upper, work = made(folder, 'target', 'upper', 'work')
    mounts.mount_overlay(target, lower=layers(folder, count), upper=upper, work=work)
    assert (target / 'top').read_text() == '0'
    assert len(list(target.glob('only*'))) == count
    (target / 'new').write_text('x')
    assert (upper / 'new').read_text() == 'x'
    assert mounts.is_mount(target)
    mounts.unmount(target)
    assert not mounts.is_mount(target)


def test_an_overlay_of_too_many_layers_is_refused(folder):
    with pytest.raises(errors.MountFailed, match='501 layers, but overlayfs takes at most 500'):
        mounts.mount_overlay(folder, lower=[folder] * 501, upper=folder, work=folder)


def test_a_refused_overlay_says_why_and_leaves_nothing(folder):
    target, upper = made(folder, 'target', 'upper')
    before = len(os.listdir('/proc/self/fd'))
    with pytest.raises(errors.MountFailed, match='No such file'):
        mounts.mount_overlay(target, lower=[folder / 'none'], upper=upper, work=folder / 'none')
    assert mounts.below(folder) == []
    assert len(os.listdir('/proc/self/fd')) == before


def test_old_kernels_take_layers_as_options(folder, monkeypatch):
    monkeypatch.setattr(mounts, '_mount_by_fsopen', lambda *_: (_ for _ in ()).throw(OSError(38, 'not implemented')))
    target, upper, work = made(folder, 'target', 'upper', 'work')
    mounts.mount_overlay(target, lower=layers(folder, 3), upper=upper, work=work)
    assert (target / 'top').read_text() == '0'
    mounts.unmount(target)
    with pytest.raises(errors.MountFailed, match='need Linux 6.8'):
        mounts.mount_overlay(target, lower=[folder] * 200, upper=upper, work=work)


def test_a_device_node_in_an_overlay_stays_closed(folder):
    lower, target, upper, work = made(folder, 'lower', 'target', 'upper', 'work')
    os.mknod(lower / 'null', 0o20666, os.makedev(1, 3))
    mounts.mount_overlay(target, lower=[lower], upper=upper, work=work)
    with pytest.raises(PermissionError):
        os.open(target / 'null', os.O_RDONLY)


def test_a_bind_shows_the_same_and_is_seen_below(folder):
    source, target, deep = made(folder, 'source', 'target', 'target/a b\\c')
    mounts.bind(source, target)
    (source / 'file').touch()
    assert (target / 'file').exists()
    (source / 'a b\\c').mkdir()
    mounts.bind(source, deep)
    assert mounts.below(folder) == [deep, target]
    assert mounts.below(folder / 'tar') == []
    with pytest.raises(errors.MountFailed, match='Cannot bind'):
        mounts.bind(folder / 'none', target)


def test_unmounting_nothing_is_silent_and_what_is_busy_is_told(folder):
    source, target = made(folder, 'source', 'target')
    mounts.unmount(target)
    mounts.unmount(folder / 'none')
    mounts.bind(source, target)
    held = os.open(target, os.O_RDONLY)
    try:
        with pytest.raises(errors.MountFailed, match='busy'):
            mounts.unmount(target)
        mounts.unmount(target, detach=True)
    finally:
        os.close(held)
    assert mounts.below(folder) == []


def test_a_link_is_never_unmounted_through(folder):
    source, target = made(folder, 'source', 'target')
    mounts.bind(source, target)
    (folder / 'link').symlink_to(target)
    mounts.unmount(folder / 'link', detach=True)
    assert mounts.below(folder) == [target]
