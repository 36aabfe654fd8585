# SPDX-License-Identifier: Apache-2.0
"""Who may use the server's unix socket: root, our own user, and one user or group that an operator names.

Whoever may use it is root of the host: an engine that lets mount folders of the host keeps nothing from its clients.
"""

import dataclasses
import grp
import os
import pwd
import stat
from pathlib import Path

from nova_container import errors
from nova_container.docker.server.client import Client


@dataclasses.dataclass(frozen=True)
class Access:
    """A user and a group beside root, by their numbers; ``groups`` are all that the user is in."""

    user: int | None = None
    group: int | None = None
    groups: frozenset[int] = frozenset()

    @classmethod
    def of(cls, user: str | None, group: str | None) -> 'Access':
        """By names or numbers; '' and None are nobody. :raises InvalidRequest: the host does not know one of them."""
        found, gid = _user(user) if user else None, _group(group) if group else None
        if found is None:
            return cls(None, gid)
        return cls(found.pw_uid, gid, frozenset(os.getgrouplist(found.pw_name, found.pw_gid)))

    @property
    def is_shared(self) -> bool:
        """Whether anybody is named."""
        return self.user is not None or self.group is not None

    def admits(self, client: Client) -> bool:
        return client.uid in (0, os.getuid(), self.user) or (
            self.group is not None and (client.gid == self.group or self.group in client.groups))

    def open_socket(self, path: Path) -> None:
        """Hand a socket of mode 0600 to the user and the group."""
        if self.is_shared:
            os.chown(path, -1 if self.user is None else self.user, -1 if self.group is None else self.group,
                     follow_symlinks=False)
            if self.group is not None:
                path.chmod(0o660)

    def open_folder(self, folder: Path) -> None:
        """Let everybody through one of our own folders, who can still not list it."""
        if self.is_shared:
            folder.chmod(stat.S_IMODE(folder.stat().st_mode) | 0o011)

    def check_way(self, path: Path) -> None:
        """:raises InvalidRequest: a folder above the path is closed to the user or the group."""
        for folder in path.absolute().parents if self.is_shared else ():
            found = folder.stat()
            if self._user_stopped(found) or self._group_stopped(found):
                raise errors.InvalidRequest(
                    f'{folder} is closed to socket_user or socket_group: open it by "chmod o+x {folder}", or set '
                    'socket to a path in a folder that they may enter')

    def _user_stopped(self, folder: os.stat_result) -> bool:
        if self.user in (None, 0):
            return False
        if folder.st_uid == self.user:
            return not folder.st_mode & stat.S_IXUSR
        return not folder.st_mode & (stat.S_IXGRP if folder.st_gid in self.groups else stat.S_IXOTH)

    def _group_stopped(self, folder: os.stat_result) -> bool:
        return self.group is not None and not folder.st_mode & (
            stat.S_IXGRP if folder.st_gid == self.group else stat.S_IXOTH)


def _user(name: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name)
    except (KeyError, OverflowError):
        raise errors.InvalidRequest(f'There is no user {name!r}: set [engine] socket_user to one of this host, or '
                                    'leave it out, so that only root uses the engine') from None


def _group(name: str) -> int:
    try:
        return (grp.getgrgid(int(name)) if name.isdecimal() else grp.getgrnam(name)).gr_gid
    except (KeyError, OverflowError):
        raise errors.InvalidRequest(f'There is no group {name!r}: set [engine] socket_group to one of this host, or '
                                    'leave it out') from None
