# SPDX-License-Identifier: Apache-2.0
"""Tars of what containers wrote: a layer of an overlay's upper directory, a tree for export and ``docker cp``.

These run in the daemon, as root, on trees a tenant is changing: see ``tree.py`` for why that is safe.
The list of changes for ``docker diff`` is in ``changes.py`` and offered here.
"""

import dataclasses
import hashlib
import os
import posixpath
import stat
from collections.abc import Callable, Collection, Iterator
from typing import Protocol

from nova_container.errors import InvalidRequest, NotFound
from nova_container.image import child, tar_writer
from nova_container.image.changes import diff_changes
from nova_container.image.confined import ConfinedRoot
from nova_container.image.tree import Found
from nova_container.image.tree_tar import TreeTar

__all__ = ['PackResult', 'Writable', 'diff_changes', 'pack_layer', 'pack_tree']

Path = str | bytes | os.PathLike[str]
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Writable(Protocol):
    """Somewhere to write bytes to."""

    def write(self, chunk: bytes, /) -> object: ...


NOTHING = f'sha256:{hashlib.sha256(bytes(1024)).hexdigest()}'
"""The digest of a layer without entries."""


@dataclasses.dataclass(frozen=True)
class PackResult:
    """What was written: digest and size in bytes of the uncompressed tar."""

    diff_id: str
    size: int


def pack_layer(upper_dir: Path, write: Callable[[bytes], object] | Writable, *,
               skip: Collection[str | bytes] = ()) -> PackResult:
    """Write the layer that an overlay's upper directory is, uncompressed; equal trees give equal bytes.

    The directory itself has no entry: its owner and mode are the runtime's, not the tenant's.

    :param skip: paths such as ``etc/hosts``, left out if they are empty files (mount points of the runtime).
    :raises UnacceptableImage: the tree is deeper than an archive may be.
    :raises HostFailure: it cannot be read, or needs its own mount to be understood.
    """
    send = write if callable(write) else write.write
    hashed, size = hashlib.sha256(), 0
    paths = [os.fsencode(path).strip(b'/') for path in skip]
    top = os.open(upper_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for piece in _complete(TreeTar(is_upper=True, skip=paths).below(top, b'')):
            hashed.update(piece)
            size += len(piece)
            send(piece)
    finally:
        os.close(top)
    return PackResult('sha256:' + hashed.hexdigest(), size)


def pack_tree(root_dir: Path, path: str = '/', *, name: str | None = None) -> Iterator[bytes]:
    """Give a tar of what is at a path inside a root, links on the way followed inside the root only.

    As in Docker, a last link is archived itself, unless the path ends with ``/`` or ``/.``.

    :param name: the name the file gets; not given, the last component of the path (``.`` and ``/`` included, as
        Docker does); empty, what a directory holds comes without prefix and without the directory, as for export.
    :raises NotFound: there is nothing at the path.
    :raises InvalidRequest: it should be a directory and is none.
    """
    root_fd = os.open(root_dir, os.O_RDONLY | os.O_DIRECTORY)
    root = ConfinedRoot(root_fd)
    directory = -1
    try:
        found = find(root, path)
        directory = -1 if found.directory_fd is None else found.directory_fd
        yield from _complete(_named(found, base_name(path) if name is None else os.fsencode(name)))
    finally:
        root.forget()
        os.close(root_fd)
        if directory >= 0:
            os.close(directory)


def find(root: ConfinedRoot, path: str) -> Found:
    """Return what is at a path; the caller closes ``directory_fd``.

    :raises NotFound: there is nothing.
    :raises InvalidRequest: the path ends with ``/`` and it is no directory.
    """
    asked = os.fsencode(path)
    wants_directory = posixpath.basename(asked) in (b'', b'.', b'..')
    try:
        parent_fd, name = root.parent(root.final(asked) if wants_directory else asked)
        found = Found(b'', name, parent_fd, os.lstat(name or b'.', dir_fd=parent_fd))
        if stat.S_ISDIR(found.status.st_mode):
            found.directory_fd = os.open(name or b'.', _DIRECTORY, dir_fd=parent_fd)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise NotFound(f'No such file in the container: {path[:300]!r}: {reason}') from error
    if wants_directory and found.directory_fd is None:
        raise InvalidRequest(f'Not a directory in the container: {path[:300]!r}')
    return found


def base_name(path: str) -> bytes:
    """Return the name Docker gives to what it archives (Go's filepath.Base, a last dot kept)."""
    asked = os.fsencode(path)
    return posixpath.basename(asked.rstrip(b'/')) or b'/'


def _named(found: Found, name: bytes) -> Iterator[bytes]:
    tar = TreeTar(is_upper=False)
    if name or found.directory_fd is None:
        yield from tar.one(found, name or found.name)
    if found.directory_fd is not None:
        yield from tar.below(found.directory_fd, name.rstrip(b'/') + b'/' if name else b'')


def _complete(pieces: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from (piece for piece in pieces if piece)
        yield tar_writer.END
    except OSError as error:
        raise child.as_ours(error, 'The tree cannot be archived') from error
