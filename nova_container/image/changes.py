# SPDX-License-Identifier: Apache-2.0
"""What a container changed, for ``docker diff``: its overlay's upper directory against the layers below."""

import os
import stat
from collections.abc import Iterator, Sequence
from typing import Literal

from nova_container.image import tree, whiteout

Change = Literal['added', 'modified', 'deleted']
_Path = str | os.PathLike[str]


def diff_changes(upper_dir: _Path, lower_dirs: Sequence[_Path]) -> Iterator[tuple[str, Change]]:
    """Give each changed path (``/etc/hosts``) and how, a directory before what it holds, in byte order of names.

    A directory is changed if it itself is, or something in it.

    :param lower_dirs: the layers below, the base first. Nobody may write to them meanwhile.
    :raises UnacceptableImage: the tree is deeper than 256 levels.
    :raises OSError: a directory cannot be read.
    """
    held: list[str] = []
    for path, change, same in _raw_changes(upper_dir, lower_dirs):
        while held and not path.startswith(f'{held[-1]}/'):
            held.pop()
        if same:
            held.append(path)
            continue
        for directory in held:
            yield directory, 'modified'
        held.clear()
        yield path, change


def _raw_changes(upper_dir: _Path, lower_dirs: Sequence[_Path]) -> Iterator[tuple[str, Change, bool]]:
    """Also those directories that are only there because something was changed in them; the flag tells them."""
    below = {b'': [os.fsencode(layer) for layer in reversed(lower_dirs)]}
    top = os.open(upper_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for found in tree.walk(top):
            parents = below.get(os.path.dirname(found.path), [])
            existed, continued = _look(parents, found.name)
            path = '/' + os.fsdecode(found.path)
            if whiteout.is_whiteout(found.status):
                if existed:
                    yield path, 'deleted', False
                continue
            same = bool(continued) and found.directory_fd is not None and _same(found.status, os.lstat(continued[0]))
            yield path, 'modified' if existed else 'added', same
            if found.directory_fd is not None:
                hidden = continued if whiteout.is_opaque(found.directory_fd) else []
                below[found.path] = continued
                yield from ((gone, change, False) for gone, change in _hidden(path, hidden, found.directory_fd))
    finally:
        os.close(top)


def _same(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether two directories are the same but for what is in them."""
    return (one.st_mode, one.st_uid, one.st_gid) == (other.st_mode, other.st_uid, other.st_gid)


def _look(parents: list[bytes], name: bytes) -> tuple[bool, list[bytes]]:
    """Say whether the name exists below, and in which real directories it continues, the topmost first.

    No link is followed: a layer is in the list only while each component on the way is a directory of its own.
    """
    continued: list[bytes] = []
    for parent in parents:
        place = os.path.join(parent, name)
        try:
            status = os.lstat(place)
        except OSError:
            continue
        if not stat.S_ISDIR(status.st_mode):
            return bool(continued) or not whiteout.is_whiteout(status), continued
        continued.append(place)
        if _is_opaque(place):
            break
    return bool(continued), continued


def _is_opaque(directory: bytes) -> bool:
    try:
        return os.getxattr(directory, whiteout.OPAQUE_XATTR) == b'y'
    except OSError:
        return False


def _hidden(path: str, lower: list[bytes], directory_fd: int) -> Iterator[tuple[str, Change]]:
    """Give what an opaque directory hides and does not hold again."""
    present = {os.fsencode(name) for name in os.listdir(directory_fd)}
    names = {name for directory in lower for name in os.listdir(directory)}
    for name in sorted(names - present):
        if _look(lower, name)[0]:
            yield f'{path}/{os.fsdecode(name)}', 'deleted'
