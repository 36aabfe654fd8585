# SPDX-License-Identifier: Apache-2.0
"""Control groups of version 2 on a fake tree, and of the version of this host on the real one."""

import errno
import os
import pathlib
import subprocess
import threading
import time

import pytest

from nova_container import errors
from nova_container.host import cgroups
from nova_container.host.cgroups import Cgroup

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason='control groups need root')


@pytest.fixture
def fake(tmp_path):
    (tmp_path / 'cgroup.controllers').write_text('cpu memory pids\n')
    (tmp_path / 'ours/box').mkdir(parents=True)
    return tmp_path


@pytest.fixture
def box(fake):
    return Cgroup('/ours/box', 2, fake)


def test_the_version_is_told_by_the_root(fake, tmp_path_factory):
    assert cgroups.version(fake) == 2
    assert cgroups.version(tmp_path_factory.mktemp('v1')) == 1


def test_version_2_has_one_folder_for_all(box, fake):
    assert box.folder('memory') == box.folder('pids') == fake / 'ours/box'
    assert list(box.folders()) == [fake / 'ours/box']


def test_version_1_has_a_folder_in_each_hierarchy(tmp_path):
    for name in ('cpu', 'memory', 'systemd'):
        (tmp_path / name).mkdir()
    for name in ('cpu', 'systemd'):
        (tmp_path / name / 'ours/box').mkdir(parents=True)
    (tmp_path / 'cpu,cpuacct').symlink_to('cpu')
    assert list(Cgroup('/ours/box', 1, tmp_path).folders()) == [
        tmp_path / 'cpu/ours/box', tmp_path / 'systemd/ours/box']
    assert cgroups.children('/ours', tmp_path) == {'box'}


def test_processes_of_groups_below_count(box):
    (box.folder('') / 'below').mkdir()
    (box.folder('') / 'cgroup.procs').write_text('1\n2\n')
    (box.folder('') / 'below/cgroup.procs').write_text('3\n')
    assert sorted(box.pids()) == [1, 2, 3]


def test_what_is_not_there_reads_empty(box):
    assert box.read('', 'memory.max') == ''
    assert Cgroup('/none', 2, box.root).pids() == []


def kernel(box, stop):
    """Do what a kernel does: tell in cgroup.events what cgroup.freeze asks for."""
    events = box.folder('') / 'cgroup.events'
    while not stop.is_set():
        if asked := box.read('', 'cgroup.freeze').strip():  # a plain file is empty for a moment while it is written
            events.with_suffix('.new').write_text(f'populated 1\nfrozen {asked}\n')
            events.with_suffix('.new').replace(events)
        time.sleep(0.002)


def test_version_2_freezes_and_thaws(box):
    stop = threading.Event()
    (box.folder('') / 'cgroup.freeze').write_text('0')
    thread = threading.Thread(target=kernel, args=(box, stop))
    thread.start()
    try:
        box.freeze(10)
        assert box.frozen()
        box.thaw(10)
        assert not box.frozen()
    finally:
        stop.set()
        thread.join()


def test_what_does_not_freeze_is_let_go(box):
    (box.folder('') / 'cgroup.events').write_text('frozen 0\n')
    with pytest.raises(errors.HostFailure, match='did not freeze within 0.05 s'):
        box.freeze(0.05)
    assert box.read('', 'cgroup.freeze') == '0'


def test_a_group_that_is_gone_is_thawed_removed_and_not_frozen(fake):
    gone = Cgroup('/gone', 2, fake)
    gone.thaw()
    gone.remove()
    assert not gone.frozen()
    with pytest.raises(FileNotFoundError):
        gone.freeze()


def test_version_2_kills_by_its_file(box):
    killer = box.folder('') / 'cgroup.kill'
    killer.touch()
    box.kill()
    assert killer.read_text() == '1'


def test_removal_takes_groups_below_first(box, fake):
    (box.folder('') / 'a/b').mkdir(parents=True)
    box.remove()
    assert not box.folder('').exists()
    cgroups.remove_if_empty('/ours', fake)
    assert not (fake / 'ours').exists()


def test_a_parent_with_groups_stays(fake):
    cgroups.remove_if_empty('/ours', fake)
    assert cgroups.children('/ours', fake) == {'box'}
    assert cgroups.children('/none', fake) == set()


def test_what_does_not_die_is_told(box):
    (box.folder('') / 'held').touch()  # as a process would, it keeps rmdir from succeeding
    with pytest.raises(errors.HostFailure, match='still holds processes after 0.05 s'):
        box.remove(0.05)


@pytest.fixture
def real():
    """A group of this host with a process that ignores all that can be ignored."""
    group = Cgroup(f'/nf-test-{os.getpid()}/box', cgroups.version())
    child = subprocess.Popen(['sh', '-c', 'trap "" TERM INT HUP; sleep 600 & wait; sleep 600'])
    hierarchies = [''] if group.version == 2 else ['pids', 'freezer', 'memory']
    for name in hierarchies:
        group.folder(name).mkdir(parents=True)
        (group.folder(name) / 'cgroup.procs').write_text(str(child.pid))
    yield group, child
    group.remove()
    child.wait(10)
    cgroups.remove_if_empty(group.path.rpartition('/')[0])


@pytest.mark.root
@needs_root
def test_a_real_group_is_frozen_and_removed_with_all_in_it(real):
    group, child = real
    assert child.pid in group.pids()
    group.freeze()
    group.freeze()
    assert group.frozen()
    group.remove()
    assert child.wait(10) == -9
    assert list(path for path in group.folders() if path.exists()) == []
    group.remove()


@pytest.mark.parametrize(('version', 'controllers', 'below'), [(1, 'pids', 'pids'), (2, '', '')])
def test_a_move_to_where_this_process_is_asks_its_own_group(tmp_path, version, controllers, below):
    lines = (line.split(':', 2) for line in pathlib.Path('/proc/self/cgroup').read_text().splitlines())
    own = next((path for _, names, path in lines if names == controllers), None)
    if own is None:
        pytest.skip(f'this host has no hierarchy of version {version}')
    members = tmp_path / below / own.lstrip('/') / 'cgroup.procs'
    members.parent.mkdir(parents=True, exist_ok=True)
    members.write_text('')
    cgroups.move_to_where_it_is(version, tmp_path)
    assert members.read_text() == '0'


@pytest.mark.parametrize('version', [1, 2])
def test_a_group_that_is_not_seen_is_not_moved_to(tmp_path, version):
    cgroups.move_to_where_it_is(version, tmp_path)
    assert list(tmp_path.iterdir()) == []


@needs_root
def test_a_move_to_where_this_process_is_changes_nothing():
    before = pathlib.Path('/proc/self/cgroup').read_text()
    cgroups.move_to_where_it_is(cgroups.version())
    assert pathlib.Path('/proc/self/cgroup').read_text() == before


@pytest.mark.parametrize('code', [errno.ENOENT, errno.ENODEV])
def test_a_group_that_goes_while_it_thaws_is_no_failure(tmp_path, monkeypatch, code):
    group = cgroups.Cgroup('/ours/box', 1, tmp_path)
    group.folder('freezer').mkdir(parents=True)

    def gone(*_, **__):
        raise OSError(code, 'gone')

    monkeypatch.setattr(pathlib.Path, 'write_text', gone)
    group.thaw()
    with pytest.raises(OSError, match='gone'):
        group.freeze()
