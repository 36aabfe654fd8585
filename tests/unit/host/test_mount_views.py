# SPDX-License-Identifier: Apache-2.0
"""Views of the host's mounts on a real kernel: fresh, without what is hidden, one-way, and nothing stays."""

import concurrent.futures
import os
import pathlib
import subprocess

import pytest

from nova_container import errors
from nova_container.host import mount_views, mounts, own_thread

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason='mounts need root')]


@pytest.fixture
def views():
    made = mount_views.MountViews()
    yield made
    made.close()


def points(mountinfo):
    """Mount points that a text of /proc/<pid>/mountinfo lists."""
    return {line.split()[4] for line in mountinfo.splitlines()}


def steady(found, folder):
    """Without what tests beside this one mount and unmount meanwhile."""
    return {point for point in found
            if point.startswith(str(folder)) or not point.startswith(('/tmp/', '/run/netns/', '/var/tmp/'))}


def of_this_thread():
    return pathlib.Path('/proc/thread-self/mountinfo').read_text()


def mounted(folder, name):
    place = folder / name
    place.mkdir()
    mounts.mount_tmpfs(place)
    return place


def seen(views, *showing):
    """Mount points in a view."""
    def look():
        views.enter(showing)
        return points(subprocess.check_output(['cat', '/proc/self/mountinfo'], text=True))
    return own_thread.run('view', look)


def test_what_is_mounted_now_is_there_but_for_what_is_hidden(folder, views):
    plain, hidden = mounted(folder, 'plain'), mounted(folder, 'hidden')
    mounts.hide(hidden)
    host = points(of_this_thread())
    assert steady(seen(views), folder) == steady(host, folder) - {str(hidden)}
    late = mounted(folder, 'late')
    assert {str(plain), str(late)} <= seen(views)


def test_what_is_hidden_is_shown_to_those_who_ask(folder, views):
    one, other = mounted(folder, 'one'), mounted(folder, 'other')
    for each in (one, other):
        mounts.hide(each)
    (one / 'file').write_text('x')

    def look():
        views.enter([one])
        return (one / 'file').read_text()

    assert own_thread.run('view', look) == 'x'
    assert {str(one), str(other)} & seen(views, one) == {str(one)}
    assert not {str(one), str(other)} & seen(views)


def test_a_view_is_as_small_with_many_hidden(folder, views):
    before = len(steady(seen(views), folder))
    for number in range(50):
        mounts.hide(mounted(folder, str(number)))
    assert len(steady(seen(views), folder)) == before


@pytest.mark.parametrize('shared', [False, True], ids=['private', 'shared'])
def test_what_is_mounted_in_a_view_stays_there(folder, views, shared):
    base = mounted(folder, 'base')
    if shared:
        subprocess.run(['mount', '--make-shared', base], check=True)
    (base / 'inside').mkdir()
    (base / 'later').mkdir()
    before = mounts.below(folder)

    def act():
        views.enter([])
        mounts.mount_tmpfs(base / 'inside')
        return points(of_this_thread())

    assert str(base / 'inside') in own_thread.run('view', act)
    assert mounts.below(folder) == before


def test_what_shared_mounts_get_later_comes_in(folder, views):
    base = mounted(folder, 'base')
    subprocess.run(['mount', '--make-shared', base], check=True)
    (base / 'later').mkdir()

    def act():
        views.enter([])
        host = f'--mount=/proc/{os.getpid()}/ns/mnt'
        subprocess.run(['nsenter', host, 'mount', '-t', 'tmpfs', 'none', base / 'later'], check=True)
        return mounts.is_mount(base / 'later')

    assert own_thread.run('view', act)


def test_the_caller_and_the_host_are_as_before(folder, views):
    hidden = mounted(folder, 'hidden')
    mounts.hide(hidden)
    seen(views)  # for what is kept
    before = of_this_thread(), len(os.listdir('/proc/self/fd')), os.getcwd()
    seen(views, hidden)
    with pytest.raises(errors.MountFailed, match='Cannot copy the mount'):
        seen(views, hidden, folder)
    assert (of_this_thread(), len(os.listdir('/proc/self/fd')), os.getcwd()) == before


def test_one_mount_is_lent_to_many_at_once(folder, views):
    hidden = mounted(folder, 'hidden')
    mounts.hide(hidden)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(str(hidden) in points for points in pool.map(lambda _: seen(views, hidden), range(40)))
    assert str(hidden) not in seen(views)


def test_what_is_no_mount_is_not_hidden(folder):
    with pytest.raises(errors.MountFailed, match='Cannot hide the mount'):
        mounts.hide(folder)
