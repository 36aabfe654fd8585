# SPDX-License-Identifier: Apache-2.0
"""The engine's socket used by real second users: those an operator names are served, nobody else."""

import dataclasses
import grp
import pathlib
import pwd
import shutil
import stat
import subprocess
import tempfile

import pytest

from nova_container.docker.server import Access, Server
from nova_container.engine.fake import FakeEngine
from tests.conformance import presence
from tests.fixtures.daemon import Daemon

pytestmark = pytest.mark.root
NOBODY, DAEMON = pwd.getpwnam('nobody'), pwd.getpwnam('daemon')
GAMES = grp.getgrnam('games').gr_gid
_ASK = 'curl', '--silent', '--max-time', '5', 'http://engine/_ping', '--unix-socket'


@dataclasses.dataclass(frozen=True)
class Person:
    """A user of the host: uid, gid, further groups."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()

    def asks(self, path):
        """Whether the server behind a socket answers this user."""
        answer = subprocess.run([*_ASK, path], user=self.uid, group=self.gid, extra_groups=self.groups,
                                capture_output=True, timeout=20, check=False, cwd='/')
        return answer.stdout == b'OK'


ROOT, USER, OTHER = Person(0, 0), Person(NOBODY.pw_uid, NOBODY.pw_gid), Person(DAEMON.pw_uid, DAEMON.pw_gid)
MEMBER, LEADER = Person(DAEMON.pw_uid, DAEMON.pw_gid, (5, GAMES)), Person(DAEMON.pw_uid, GAMES)


@pytest.fixture
def folder():
    presence.require_root()
    presence.require_program('curl')
    path = pathlib.Path(tempfile.mkdtemp(prefix='ns-', dir='/tmp'))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.mark.parametrize(('user', 'group', 'mode', 'owner', 'served'), [
    (None, None, 0o600, (0, 0), {ROOT}),
    ('nobody', None, 0o600, (NOBODY.pw_uid, 0), {ROOT, USER}),
    (None, 'games', 0o660, (0, GAMES), {ROOT, MEMBER, LEADER}),
    ('nobody', 'games', 0o660, (NOBODY.pw_uid, GAMES), {ROOT, USER, MEMBER, LEADER})])
def test_who_is_named_is_served(folder, user, group, mode, owner, served):
    path = folder / 'engine.sock'
    server = Server(FakeEngine(), path, access=Access.of(user, group))
    server.start()
    try:
        found = path.stat()
        assert (stat.S_IMODE(found.st_mode), (found.st_uid, found.st_gid)) == (mode, owner)
        assert {one for one in (ROOT, USER, OTHER, MEMBER, LEADER) if one.asks(path)} == served
    finally:
        server.stop()


def test_the_kernel_is_asked_even_where_the_mode_lets_in(folder):
    path = folder / 'engine.sock'
    server = Server(FakeEngine(), path, access=Access.of('nobody', None))
    server.start()
    try:
        path.chmod(0o666)
        assert USER.asks(path)
        assert not OTHER.asks(path)
    finally:
        server.stop()


def test_the_daemon_lets_its_user_through_its_own_folder(folder):
    daemon = Daemon(folder, socket_user='nobody', socket=folder / 'run/engine.sock')
    daemon.socket = folder / 'run/engine.sock'
    daemon.start()
    try:
        assert USER.asks(daemon.socket)
        assert not OTHER.asks(daemon.socket)
        assert stat.S_IMODE(daemon.settings.run_dir.stat().st_mode) == 0o711
        inside = [one for one in daemon.settings.run_dir.iterdir() if one != daemon.socket]
        assert inside and all(stat.S_IMODE(one.stat().st_mode) == 0o700 for one in inside)
    finally:
        assert daemon.end() == 0


@pytest.mark.parametrize(('name', 'value', 'said'), [
    ('socket_user', 'no-such', "There is no user 'no-such': set [engine] socket_user to one of this host"),
    ('socket_group', 'no-such', "There is no group 'no-such': set [engine] socket_group to one of this host"),
    ('socket_user', 'nobody', 'is closed to socket_user or socket_group: open it by "chmod o+x ')])
def test_the_daemon_says_why_it_does_not_start(folder, name, value, said):
    folder.chmod(0o700)
    daemon = Daemon(folder, **{name: value})
    ended = subprocess.run([*daemon.argv], cwd=pathlib.Path(__file__).parents[3], capture_output=True, text=True,
                           timeout=60, check=False)
    assert ended.returncode == 1
    assert said in ended.stderr
