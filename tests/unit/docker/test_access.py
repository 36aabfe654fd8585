# SPDX-License-Identifier: Apache-2.0
"""Who an operator may let use the engine's socket; tests/functional/runtime/test_socket_access.py tries it."""

import grp
import os
import pwd
import types

import pytest

from nova_container import errors
from nova_container.docker.server import Access

NOBODY = pwd.getpwnam('nobody')
OTHER = max(entry.gr_gid for entry in grp.getgrall()) + 1


def client(uid, gid=OTHER, groups=()):
    return types.SimpleNamespace(uid=uid, gid=gid, groups=groups)


def test_names_and_numbers_are_understood():
    by_name = Access.of('nobody', 'daemon')
    by_number = Access.of(str(NOBODY.pw_uid), str(grp.getgrnam('daemon').gr_gid))
    assert by_name == by_number
    assert (by_name.user, by_name.group) == (NOBODY.pw_uid, grp.getgrnam('daemon').gr_gid)
    assert NOBODY.pw_gid in by_name.groups
    assert Access.of(None, None) == Access.of('', '') == Access()
    assert not Access().is_shared


@pytest.mark.parametrize(('user', 'group', 'said'), [
    ('no-such', None, "There is no user 'no-such'"), ('4000000000', None, "There is no user '4000000000'"),
    ('9' * 30, None, 'There is no user'), (None, 'no-such', "There is no group 'no-such'"),
    ('nobody', '9' * 30, 'There is no group')])
def test_whom_the_host_does_not_know_is_refused(user, group, said):
    with pytest.raises(errors.InvalidRequest, match=said):
        Access.of(user, group)


def test_who_is_admitted():
    stranger = client(NOBODY.pw_uid + 7)
    assert Access().admits(client(0)) and Access().admits(client(os.getuid()))
    assert not Access().admits(client(NOBODY.pw_uid))
    for_user = Access.of('nobody', None)
    assert for_user.admits(client(NOBODY.pw_uid)) and for_user.admits(client(0))
    assert not for_user.admits(stranger)
    assert not for_user.admits(client(stranger.uid, NOBODY.pw_gid, (NOBODY.pw_gid,)))
    daemon = grp.getgrnam('daemon').gr_gid
    for_group = Access.of(None, 'daemon')
    assert for_group.admits(client(stranger.uid, daemon)) and for_group.admits(client(stranger.uid, 5, (7, daemon)))
    assert not for_group.admits(client(stranger.uid, 5, (7,)))


def test_a_way_that_is_closed_is_named(tmp_path):
    closed = tmp_path / 'closed'
    closed.mkdir(mode=0o700)
    for access in (Access(OTHER), Access(None, OTHER)):
        with pytest.raises(errors.InvalidRequest, match='is closed to socket_user or socket_group: open it by "chmod'):
            access.check_way(closed / 'engine.sock')
    Access().check_way(closed / 'engine.sock')


def test_a_folder_of_ours_is_opened_only_if_somebody_is_named(tmp_path):
    folder = tmp_path / 'run'
    folder.mkdir(mode=0o700)
    Access().open_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    Access(OTHER).open_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o711
