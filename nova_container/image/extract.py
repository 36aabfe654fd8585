# SPDX-License-Identifier: Apache-2.0
"""Files made from the entries of a tar, never outside one directory.

What is made: directories, regular files (sparse ones stay sparse), hard and symbolic links, FIFOs, with owner, mode
(setuid included: the rootfs is mounted nosuid or run with no-new-privileges), time, ``user.*`` and
``security.capability``. What is not: device nodes, which are skipped (the runtime supplies /dev, so a layer needs
none, and every character device in a layer is then a whiteout), and all other extended attributes.
"""

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from typing import TypeVar

from nova_container.errors import InvalidRequest, UnacceptableImage
from nova_container.image import file_data, tar_reader, whiteout
from nova_container.image.confined import ConfinedRoot, components
from nova_container.image.deletions import Deletions
from nova_container.image.tar_reader import Entry

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_T = TypeVar('_T')


class Extractor:
    """Make files below one directory.

    :param root_fd: the directory, open for reading; stays the caller's.
    :param data: gives the stored bytes of the entry at hand.
    :param is_layer: turn whiteouts into overlayfs's marks; else ``.wh.`` names are ordinary.
    :param into: where the entries go, a path of an existing directory inside the root.
    :param may_change_kind: a directory may replace a file, and a file a directory.
    """

    def __init__(self, root_fd: int, data: Callable[[], Iterator[memoryview]], *, is_layer: bool, into: bytes = b'',
                 may_change_kind: bool = True) -> None:
        self._root_fd, self._data, self._is_layer = root_fd, data, is_layer
        self._into, self._may_change_kind = into, may_change_kind
        self._root = ConfinedRoot(root_fd, self._make_missing)
        self._times: dict[bytes, int] = {}
        self._deletions = Deletions(self._root)
        self._has_removed = False
        self._makers: dict[bytes, Callable[[int, bytes, Entry], None]] = {
            tar_reader.REGULAR: self._file, tar_reader.HARDLINK: self._hardlink, tar_reader.SYMLINK: self._symlink,
            tar_reader.DIRECTORY: self._directory, tar_reader.FIFO: self._fifo}

    def add(self, entry: Entry, max_file_bytes: int) -> None:
        """Make one entry, in place of what has its name.

        :param max_file_bytes: the largest file made, holes included.
        :raises UnacceptableImage: the name leads upwards, a whiteout is invalid, a hard link has no target.
        :raises OSError: the kernel refused.
        """
        self._settle_removals()
        parts = components(entry.name)
        if b'..' in parts:
            raise UnacceptableImage(f'The entry {entry.shown} leads out of the archive')
        if parts and self._is_layer and self._deletions.apply(parts):
            return
        if entry.kind in (tar_reader.CHAR, tar_reader.BLOCK_DEVICE):
            if self._is_layer and entry.kind == tar_reader.CHAR and entry.device == (0, 0):
                raise UnacceptableImage(f'The entry {entry.shown} is a character device 0:0')
            return
        if entry.real_size > max_file_bytes:
            raise UnacceptableImage(f'The entry {entry.shown} is larger than {max_file_bytes} bytes')
        if not parts and entry.kind != tar_reader.DIRECTORY:
            raise UnacceptableImage('The archive would replace its own root')
        if parts:
            parent_fd, name = self._root.parent(self._path(parts), make=True)
            self._makers[entry.kind](parent_fd, name, entry)
        elif not self._into:
            self._dress_directory(os.dup(self._root_fd), entry)

    @property
    def hides_below(self) -> bool:
        """Whether the layer as a whole hides all layers below it."""
        return self._deletions.hides_below

    def finish(self) -> None:
        """Set the times of the directories, which making their files had changed, and release descriptors."""
        self._settle_removals()
        for path, mtime_ns in self._times.items():
            try:
                parent_fd, name = self._root.parent(path)
                directory = os.open(name or b'.', _OPEN_DIRECTORY, dir_fd=parent_fd)
            except OSError:
                continue
            os.utime(directory, ns=(mtime_ns, mtime_ns))
            os.close(directory)
        self.close()

    def close(self) -> None:
        """Release descriptors."""
        self._root.forget()

    def _path(self, parts: list[bytes]) -> bytes:
        return b'/'.join([self._into, *parts] if self._into else parts)

    def _make_missing(self, parent_fd: int, name: bytes) -> None:
        self._make_directory(parent_fd, name, 0o755, replace=self._is_whiteout(parent_fd, name))

    def _make_directory(self, parent_fd: int, name: bytes, mode: int, *, replace: bool) -> None:
        """Make the directory unless there is one; with replace, in place of anything else."""
        hides = False
        try:
            os.mkdir(name, mode, dir_fd=parent_fd)
        except FileExistsError:
            if not replace or stat.S_ISDIR(os.lstat(name, dir_fd=parent_fd).st_mode):
                return
            hides = self._is_whiteout(parent_fd, name)
            self._remove(parent_fd, name, is_directory=True)
            os.mkdir(name, mode, dir_fd=parent_fd)
        if hides:
            directory = os.open(name, _OPEN_DIRECTORY, dir_fd=parent_fd)
            whiteout.mark_opaque(directory)
            os.close(directory)

    def _is_whiteout(self, parent_fd: int, name: bytes) -> bool:
        try:
            return self._is_layer and whiteout.is_whiteout(os.lstat(name, dir_fd=parent_fd))
        except FileNotFoundError:
            return False

    def _directory(self, parent_fd: int, name: bytes, entry: Entry) -> None:
        self._make_directory(parent_fd, name, entry.mode & 0o777, replace=True)
        self._dress_directory(os.open(name, _OPEN_DIRECTORY, dir_fd=parent_fd), entry)

    def _dress_directory(self, directory: int, entry: Entry) -> None:
        try:
            file_data.dress(directory, entry)
        finally:
            os.close(directory)
        self._times[self._path(components(entry.name))] = entry.mtime_ns

    def _file(self, parent_fd: int, name: bytes, entry: Entry) -> None:
        mode = entry.mode & 0o777
        file = self._replacing(parent_fd, name, lambda: os.open(name, _CREATE, mode, dir_fd=parent_fd))
        try:
            if entry.segments is None:
                file_data.write(file, self._data())
            else:
                file_data.write_sparse(file, entry, self._data())
            file_data.dress(file, entry)
            os.utime(file, ns=(entry.mtime_ns, entry.mtime_ns))
        finally:
            os.close(file)

    def _symlink(self, parent_fd: int, name: bytes, entry: Entry) -> None:
        self._replacing(parent_fd, name, lambda: os.symlink(entry.link, name, dir_fd=parent_fd))
        file_data.dress_link(name, parent_fd, entry)

    def _fifo(self, parent_fd: int, name: bytes, entry: Entry) -> None:
        self._replacing(parent_fd, name, lambda: os.mkfifo(name, entry.mode & 0o777, dir_fd=parent_fd))
        file_data.dress_link(name, parent_fd, entry)

    def _hardlink(self, parent_fd: int, name: bytes, entry: Entry) -> None:
        source_fd, source = self._link_source(entry)
        if not _is_same_file(source_fd, source, parent_fd, name):
            self._replacing(parent_fd, name, lambda: os.link(
                source, name, src_dir_fd=source_fd, dst_dir_fd=parent_fd, follow_symlinks=False))

    def _link_source(self, entry: Entry) -> tuple[int, bytes]:
        try:
            source_fd, source = self._root.parent(self._path([entry.link]))
            found = os.lstat(source, dir_fd=source_fd) if source else None
        except OSError:
            found = None
        if found is None or stat.S_ISDIR(found.st_mode) or (self._is_layer and whiteout.is_whiteout(found)):
            raise UnacceptableImage(f'The entry {entry.shown} is a hard link to {repr(entry.link[:200])[1:]}, '
                                    'which is no file of this archive')
        return source_fd, source

    def _replacing(self, parent_fd: int, name: bytes, make: Callable[[], _T]) -> _T:
        """Make something that is no directory, in place of what has its name."""
        try:
            return make()
        except FileExistsError:
            self._remove(parent_fd, name, is_directory=False)
            return make()

    def _remove(self, parent_fd: int, name: bytes, *, is_directory: bool) -> None:
        found_directory = stat.S_ISDIR(os.lstat(name, dir_fd=parent_fd).st_mode)
        if found_directory != is_directory and not self._may_change_kind:
            raise InvalidRequest(f'{repr(name[:200])[1:]} would change between a directory and a file')
        if found_directory:
            shutil.rmtree(name, dir_fd=parent_fd)
        else:
            os.unlink(name, dir_fd=parent_fd)
        self._has_removed = True

    def _settle_removals(self) -> None:
        """Forget what may have been known of files now gone; not at once, for descriptors are then in use."""
        if self._has_removed:
            self._root.forget()
            self._deletions.forget()
            self._has_removed = False


def _is_same_file(first_fd: int, first: bytes, second_fd: int, second: bytes) -> bool:
    try:
        return os.path.samestat(os.lstat(first, dir_fd=first_fd), os.lstat(second, dir_fd=second_fd))
    except FileNotFoundError:
        return False
