# SPDX-License-Identifier: Apache-2.0
"""A tar written from a directory tree that may change meanwhile.

A file has the size it had when its header was written: what is missing then is zeros, what came later is left out.
Holes stay holes (GNU sparse format 1.0). Sockets are left out.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Collection, Iterator

from nova_container.errors import HostFailure
from nova_container.image import file_data, tar_reader, tar_sparse, tar_writer, tree, whiteout
from nova_container.image.tar_reader import Entry
from nova_container.image.tree import Found

_CHUNK = 1 << 20
_MIN_HOLE_BYTES = 64 << 10
_REDIRECTS = ('trusted.overlay.redirect', 'trusted.overlay.metacopy')
_KINDS = {stat.S_IFREG: tar_reader.REGULAR, stat.S_IFDIR: tar_reader.DIRECTORY, stat.S_IFLNK: tar_reader.SYMLINK,
          stat.S_IFCHR: tar_reader.CHAR, stat.S_IFBLK: tar_reader.BLOCK_DEVICE, stat.S_IFIFO: tar_reader.FIFO}


class TreeTar:
    """The pieces of a tar of one tree.

    :param is_upper: the tree is an overlay's upper directory: its marks of deletion become ``.wh.`` names, and files
        that a container itself gave such names are left out, for they would delete others.
    :param skip: paths left out if they are empty files, as the runtime's mount points are.
    """

    def __init__(self, *, is_upper: bool, skip: Collection[bytes] = ()) -> None:
        self._is_upper, self._skip = is_upper, frozenset(skip)
        self._first_names: dict[tuple[int, int], bytes] = {}

    def below(self, top_fd: int, prefix: bytes) -> Iterator[bytes]:
        """Give all below the open directory, each name with the prefix.

        :raises UnacceptableImage: the tree is too deep.
        :raises HostFailure: an upper directory has marks that only its own mount can read.
        """
        for found in tree.walk(top_fd):
            yield from self.one(found, prefix + found.path)

    def one(self, found: Found, name: bytes) -> Iterator[bytes]:
        """Give one file, or one directory without what it holds."""
        if self._is_upper and found.name.startswith(whiteout.PREFIX):
            return
        if self._is_upper and whiteout.is_whiteout(found.status):
            yield self._mark(found, name.removesuffix(found.name) + whiteout.PREFIX + found.name)
        elif found.directory_fd is not None:
            yield from self._directory(found, found.directory_fd, name)
        elif found.path in self._skip and found.status.st_size == 0:
            return
        elif stat.S_ISREG(found.status.st_mode):
            yield from self._file(found, name)
        elif stat.S_IFMT(found.status.st_mode) in _KINDS:
            yield from self._special(found, name)

    def _mark(self, found: Found, name: bytes) -> bytes:
        return tar_writer.header(Entry(name, tar_reader.REGULAR, 0, 0, 0, found.status.st_mtime_ns // 10**9 * 10**9))

    def _directory(self, found: Found, directory_fd: int, name: bytes) -> Iterator[bytes]:
        entry = _entry(found.status, name.rstrip(b'/') + b'/')
        entry.xattrs = self._xattrs(directory_fd, found)
        yield tar_writer.header(entry)
        if self._is_upper and whiteout.is_opaque(directory_fd):
            yield self._mark(found, entry.name + whiteout.OPAQUE_NAME)

    def _special(self, found: Found, name: bytes) -> Iterator[bytes]:
        entry = _entry(found.status, name)
        if entry.kind == tar_reader.SYMLINK:
            try:
                entry.link = os.readlink(found.name, dir_fd=found.parent_fd)
            except OSError:
                return
        first = self._first_name(found.status, name)
        yield tar_writer.header(entry if first is None else _hardlink(entry, first))

    def _file(self, found: Found, name: bytes) -> Iterator[bytes]:
        file = found.open_file()
        if file is None:
            return
        try:
            status = os.fstat(file)
            entry = _entry(status, name)
            first = self._first_name(status, name)
            if first is not None:
                yield tar_writer.header(_hardlink(entry, first))
                return
            entry.xattrs = self._xattrs(file, found)
            yield from _contents(file, entry, status)
        finally:
            os.close(file)

    def _first_name(self, status: os.stat_result, name: bytes) -> bytes | None:
        """Return the name under which the same file was given before, or none and remember this one."""
        if status.st_nlink < 2:
            return None
        first = self._first_names.setdefault((status.st_dev, status.st_ino), name)
        return None if first == name else first

    def _xattrs(self, descriptor: int, found: Found) -> dict[bytes, bytes]:
        kept: dict[bytes, bytes] = {}
        with contextlib.suppress(OSError):
            for name in sorted(os.listxattr(descriptor)):
                if self._is_upper and name in _REDIRECTS:
                    raise HostFailure(f'{repr(found.path[:200])[1:]} has {name}: its overlay must be mounted with '
                                      'redirect_dir=off and metacopy=off to be archived')
                value = _xattr(descriptor, name)
                if value is not None and file_data.may_keep(os.fsencode(name), value):
                    kept[os.fsencode(name)] = value
        return kept


def _xattr(descriptor: int, name: str) -> bytes | None:
    with contextlib.suppress(OSError):
        return os.getxattr(descriptor, name)
    return None


def _entry(status: os.stat_result, name: bytes) -> Entry:
    entry = Entry(name, _KINDS[stat.S_IFMT(status.st_mode)], stat.S_IMODE(status.st_mode), status.st_uid,
                  status.st_gid, status.st_mtime_ns)
    if entry.kind in (tar_reader.CHAR, tar_reader.BLOCK_DEVICE):
        entry.device = (os.major(status.st_rdev), os.minor(status.st_rdev))
    return entry


def _hardlink(entry: Entry, first: bytes) -> Entry:
    return Entry(entry.name, tar_reader.HARDLINK, entry.mode, entry.uid, entry.gid, entry.mtime_ns, link=first)


def _contents(file: int, entry: Entry, status: os.stat_result) -> Iterator[bytes]:
    entry.size = entry.real_size = status.st_size
    segments = _segments(file, status)
    if segments is None:
        yield tar_writer.header(entry)
        yield from _data(file, 0, status.st_size)
    else:
        sparse_map = tar_writer.sparse_map(segments)
        entry.segments, entry.size = segments, len(sparse_map) + sum(length for _, length in segments)
        yield tar_writer.header(entry)
        yield sparse_map
        for offset, length in segments:
            yield from _data(file, offset, length)
    yield tar_writer.padding(entry.size)


def _data(file: int, offset: int, length: int) -> Iterator[bytes]:
    end = offset + length
    while offset < end:
        wanted = min(end - offset, _CHUNK)
        chunk = os.pread(file, wanted, offset) or bytes(wanted)
        offset += len(chunk)
        yield chunk


def _segments(file: int, status: os.stat_result) -> tar_sparse.Segments | None:
    """Return where a file with holes has data, or none if it is stored whole."""
    if status.st_size - status.st_blocks * 512 < _MIN_HOLE_BYTES:
        return None
    found: list[tuple[int, int]] = []
    position, size = 0, status.st_size
    while position < size and len(found) < tar_sparse.MAX_SEGMENTS - 1:
        start = _seek(file, position, os.SEEK_DATA, size)
        end = _seek(file, start, os.SEEK_HOLE, size) if start < size else size
        if start < size:
            found.append((start, end - start))
        position = end
    if position < size:
        return None
    # GNU tar tells the length of a last hole by an empty segment.
    return (*found, (size, 0))


def _seek(file: int, position: int, whence: int, size: int) -> int:
    try:
        return min(os.lseek(file, position, whence), size)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return size
        raise
