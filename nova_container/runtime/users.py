# SPDX-License-Identifier: Apache-2.0
"""Who a process runs as: names looked up in the image's own ``/etc/passwd`` and ``/etc/group``, which are hostile."""

import contextlib
import dataclasses
import errno
import os
import stat
from collections.abc import Iterator

from nova_container import errors

#: The most bytes read of either file; a bigger one is refused, as its end would be missed in silence.
LIMIT_BYTES = 1024 * 1024

_LARGEST_ID = 2**31 - 1
_MOST_STEPS = 128


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The ids of a process. ``additional_gids`` begins with ``gid``, as in Docker; ``name`` is '' if none is known."""

    uid: int
    gid: int
    additional_gids: tuple[int, ...]
    home: str
    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class _User:
    name: str
    uid: int
    gid: int
    home: str


@dataclasses.dataclass(frozen=True, slots=True)
class _Group:
    name: str
    gid: int
    members: tuple[str, ...]


def resolve(rootfs: str | int, user: str, groups: tuple[str, ...] = ()) -> Identity:
    """Look ``user`` (``name|uid[:group|gid]``, '' = root) and the further ``groups`` up below ``rootfs``.

    ``rootfs`` is a path or an open directory. Numbers need no entry. A link in the image is followed as the container
    would follow it, never out of ``rootfs``; anything but a regular file counts as absent and is not opened.
    Raises InvalidSpec for an unknown name, an id out of range, or a file above ``LIMIT_BYTES``.
    """
    user_name, _, group_name = user.partition(':')
    with _opened(rootfs) as root:
        found = _find_user(_users(root), user_name or '0')
        known_groups = tuple(_groups(root))
    gid = _group_id(known_groups, group_name) if group_name else found.gid
    implicit = () if group_name or not found.name else tuple(
        group.gid for group in known_groups if found.name in group.members)
    asked = tuple(_group_id(known_groups, name) for name in groups)
    return Identity(uid=found.uid, gid=gid, additional_gids=tuple(dict.fromkeys((gid, *implicit, *asked))),
                    home=found.home, name=found.name)


def _find_user(users: Iterator[_User], wanted: str) -> _User:
    """The first entry, or for a number none: then group 0 and no home, as Docker has it."""
    uid = _number(wanted)
    for entry in users:
        if entry.uid == uid if uid is not None else entry.name == wanted:
            return entry
    if uid is None:
        raise errors.InvalidSpec(f'Unable to find user {wanted!r}: no such name in /etc/passwd of the image')
    return _User(name='', uid=uid, gid=0, home='/')


def _group_id(groups: tuple[_Group, ...], wanted: str) -> int:
    gid = _number(wanted)
    if gid is not None:
        return gid
    for entry in groups:
        if entry.name == wanted:
            return entry.gid
    raise errors.InvalidSpec(f'Unable to find group {wanted!r}: no such name in /etc/group of the image')


def _number(text: str) -> int | None:
    """The id that ``text`` spells, None if it is a name. A number is never looked up as a name."""
    if not (text.isascii() and text.lstrip('+-').isdigit()):
        return None
    try:
        number = int(text)
    except ValueError:
        return None
    if not 0 <= number <= _LARGEST_ID:
        raise errors.InvalidSpec(f'User or group id {text} is out of range 0 to {_LARGEST_ID}')
    return number


def _users(root: int) -> Iterator[_User]:
    for fields in _entries(root, 'etc/passwd'):
        if len(fields) >= 4 and (ids := _ids(fields[2], fields[3])) is not None:
            yield _User(fields[0], ids[0], ids[1], (fields[5] if len(fields) > 5 else '') or '/')


def _groups(root: int) -> Iterator[_Group]:
    for fields in _entries(root, 'etc/group'):
        if len(fields) >= 3 and (ids := _ids(fields[2])) is not None:
            members = fields[3].split(',') if len(fields) > 3 and fields[3] else ()
            yield _Group(fields[0], ids[0], tuple(members))


def _ids(*texts: str) -> tuple[int, ...] | None:
    """None for a malformed line, which is skipped: Docker reads it as 0, and so gives root."""
    try:
        numbers = [_number(text) for text in texts]
    except errors.InvalidSpec:
        return None
    return tuple(number for number in numbers if number is not None) if None not in numbers else None


def _entries(root: int, path: str) -> Iterator[list[str]]:
    for line in _read(root, path).decode('utf-8', 'surrogateescape').split('\n'):
        if line.strip():
            yield line.strip().split(':')


def _read(root: int, path: str) -> bytes:
    with contextlib.ExitStack() as stack:
        try:
            found = _walk(stack, root, path)
            if not stat.S_ISREG(os.fstat(found).st_mode):
                return b''
            # An O_PATH descriptor names the very file that was checked: nothing can be swapped in between.
            with open(f'/proc/self/fd/{found}', 'rb') as file:
                data = file.read(LIMIT_BYTES + 1)
        except OSError:
            return b''
    if len(data) > LIMIT_BYTES:
        raise errors.InvalidSpec(f'/{path} of the image is larger than {LIMIT_BYTES} bytes: no user is looked up in it')
    return data


def _walk(stack: contextlib.ExitStack, root: int, path: str) -> int:
    """Open ``path`` with O_PATH as if ``root`` were /.

    Going up returns to a folder that is already open, so no rename in a running container leads out.
    """
    folders, pending = [root], path.split('/')[::-1]
    for _ in range(_MOST_STEPS):
        if not pending:
            return folders[-1]
        part = pending.pop()
        if part == '..':
            folders = folders[:-1] or folders
        elif part not in ('', '.'):
            opened = os.open(part, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folders[-1])
            stack.callback(os.close, opened)
            if not stat.S_ISLNK(os.fstat(opened).st_mode):
                folders.append(opened)
                continue
            target = os.readlink('', dir_fd=opened)
            folders = folders[:1] if target.startswith('/') else folders
            pending += target.split('/')[::-1]
    raise OSError(errno.ELOOP, 'too many links or folders on the way')


@contextlib.contextmanager
def _opened(rootfs: str | int) -> Iterator[int]:
    if isinstance(rootfs, int):
        yield rootfs
        return
    try:
        root = os.open(rootfs, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise errors.HostFailure(f'The root filesystem {rootfs} cannot be opened: {error.strerror}') from error
    try:
        yield root
    finally:
        os.close(root)
