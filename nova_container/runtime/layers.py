# SPDX-License-Identifier: Apache-2.0
"""Unpacked layers, one folder for each diff_id, shared by all images and containers that have it."""

import collections
import dataclasses
import logging
import os
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nova_container import errors
from nova_container.engine.undo import undo_on_error
from nova_container.host import files
from nova_container.host.forks import ForkServer
from nova_container.image import unpack, whiteout
from nova_container.runtime.database import Database
from nova_container.runtime.settings import Settings

LOG = logging.getLogger(__name__)

_DEADLINE_S = 3600.0
_INIT_FOLDERS = ('dev', 'dev/pts', 'dev/shm', 'etc', 'proc', 'sys')
_INIT_FILES = ('.dockerenv', 'dev/console', 'etc/hostname', 'etc/hosts', 'etc/resolv.conf')


@dataclasses.dataclass(frozen=True, slots=True)
class Unpacked:
    """A folder that holds a layer, not yet listed; ``size_bytes`` unpacked."""

    folder: Path
    size_bytes: int


def _untold(position: int) -> None:
    """Of how far the unpacking is, nobody wants to hear."""


class LayerStore:
    """Layers by diff_id. A folder is listed only after it is complete, verified and on disk."""

    def __init__(self, settings: Settings, database: Database, forks: ForkServer) -> None:
        self._settings = settings
        self._database = database
        self._forks = forks
        self._guard = threading.Lock()
        self._busy: collections.defaultdict[str, threading.Lock] = collections.defaultdict(threading.Lock)
        self._folders = {diff_id: (folder, int(size)) for diff_id, folder, size in
                         database.rows('SELECT diff_id, folder, size FROM layers')}

    def ensure(self, diff_id: str, blob: Path) -> int:
        """Have the layer unpacked, once however many ask at a time, and return its unpacked size in bytes.

        :raises UnacceptableImage: an entry of it breaks a rule.  :raises DigestMismatch: it is not that layer.
        """
        with self._guard:
            busy = self._busy[diff_id]
        with busy:
            if diff_id not in self._folders:
                self._unpack(diff_id, blob)
            return self._folders[diff_id][1]

    def ensure_all(self, blobs: Mapping[str, Path]) -> None:
        """Have the layers of these diff_ids unpacked, as many at a time as there are CPUs, and on disk at once.

        :raises UnacceptableImage: :raises DigestMismatch: as ``ensure``; none of them is kept then.
        """
        missing = {diff_id: blob for diff_id, blob in blobs.items() if not self.has(diff_id)}
        if len(missing) < 2:
            for diff_id, blob in missing.items():
                self.ensure(diff_id, blob)
            return
        with ThreadPoolExecutor(os.cpu_count(), 'unpack') as pool:
            made = {diff_id: pool.submit(self.unpack_aside, diff_id, blob, self._settings.staging, _untold)
                    for diff_id, blob in missing.items()}
        try:
            unpacked = {diff_id: future.result() for diff_id, future in made.items()}
            files.sync_filesystem(self._settings.layers)
            self.adopt_all(unpacked)
        except BaseException:
            for future in made.values():
                if not future.exception():
                    files.remove_tree(future.result().folder)
            raise

    def _unpack(self, diff_id: str, blob: Path) -> None:
        made = self.unpack_aside(diff_id, blob, self._settings.staging, _untold)
        try:
            files.sync_filesystem(self._settings.layers)
            self._keep(diff_id, made)
        except BaseException:
            files.remove_tree(made.folder)
            raise

    def unpack_aside(self, diff_id: str, blob: Path, place: Path, tell: Callable[[int], None]) -> 'Unpacked':
        """Unpack a layer into a new folder in ``place``, for ``adopt_all``.

        :param tell: hears many times a second how many bytes of the blob are done; what it raises ends the work.
        :raises UnacceptableImage: an entry of it breaks a rule.  :raises DigestMismatch: it is not that layer.
        """
        folder = place / secrets.token_hex(8)
        folder.mkdir(mode=0o755)
        try:
            limits = unpack.UnpackLimits(max_bytes=self._settings.max_image_bytes,
                                         max_entries=self._settings.max_image_entries, deadline_s=_DEADLINE_S)
            with blob.open('rb', buffering=0) as stream:
                said = self._forks.watched(
                    unpack.words_for(folder, limits, expect_diff_id=diff_id), stdin=stream, timeout_s=_DEADLINE_S,
                    tick=lambda: tell(stream.seek(0, os.SEEK_CUR)))
            return Unpacked(folder, unpack.parse_output(said).size_bytes)
        except BaseException:
            files.remove_tree(folder)
            raise

    def adopt_all(self, layers: Mapping[str, 'Unpacked']) -> None:
        """Take over folders that hold layers, which are on disk already; one that is here already is dropped."""
        for diff_id, made in layers.items():
            with self._guard:
                busy = self._busy[diff_id]
            with busy:
                if diff_id in self._folders:
                    files.remove_tree(made.folder)
                else:
                    self._keep(diff_id, made)

    def adopt(self, diff_id: str, staging: Path, size_bytes: int) -> None:
        """Take over a folder that holds the layer; dropped if the layer is there already."""
        with self._guard:
            busy = self._busy[diff_id]
        with busy:
            if diff_id in self._folders:
                files.remove_tree(staging)
            else:
                files.sync_filesystem(self._settings.layers)
                self._keep(diff_id, Unpacked(staging, size_bytes))

    def _keep(self, diff_id: str, made: 'Unpacked') -> None:
        """List a folder whose content is on disk."""
        folder = secrets.token_hex(6)
        made.folder.chmod(0o755)
        with undo_on_error() as undo:
            undo('folder', lambda: files.remove_tree(self._settings.layers / folder))
            made.folder.rename(self._settings.layers / folder)
            files.sync_directory(self._settings.layers)
            with self._database.transaction() as connection:
                connection.execute('INSERT INTO layers VALUES (?, ?, ?)', (diff_id, folder, made.size_bytes))
        self._folders[diff_id] = (folder, made.size_bytes)

    def has(self, diff_id: str) -> bool:
        """Whether it is unpacked."""
        return diff_id in self._folders

    def path(self, diff_id: str) -> Path:
        """:raises BlobNotFound: the layer is not here."""
        try:
            return self._settings.layers / self._folders[diff_id][0]
        except KeyError:
            raise errors.BlobNotFound(diff_id) from None

    def size(self, diff_ids: Iterable[str]) -> int:
        """Unpacked bytes of these layers together."""
        return sum(self._folders[diff_id][1] for diff_id in diff_ids if diff_id in self._folders)

    def lower(self, diff_ids: Iterable[str]) -> list[Path]:
        """Folders for an overlay, topmost first: the engine's own mount points, then the image.

        overlayfs ignores the mark of a layer whose root hides all below it, so those below are left out here.
        """
        found = [self.mount_points()]
        for diff_id in reversed(list(diff_ids)):
            found.append(self.path(diff_id))
            if whiteout.is_opaque(found[-1]):
                break
        return found

    def mount_points(self) -> Path:
        """A layer of empty files and folders on which the runtime mounts, so that no container's own shows them."""
        folder = self._settings.layers / 'init'
        with self._guard:
            if not folder.exists():
                self._make_mount_points(folder)
        return folder

    def _make_mount_points(self, folder: Path) -> None:
        staging = self._settings.staging / secrets.token_hex(8)
        with undo_on_error() as undo:
            undo('folder', lambda: files.remove_tree(staging))
            for name in ('', *_INIT_FOLDERS):
                (staging / name).mkdir()
                (staging / name).chmod(0o755)  # whatever the engine's umask is
            for name in _INIT_FILES:
                (staging / name).touch()
                (staging / name).chmod(0o755)
            staging.rename(folder)

    def discard_except(self, used: set[str]) -> int:
        """Remove layers that are not in ``used`` and return the bytes freed."""
        freed = 0
        for diff_id in set(self._folders) - used:
            with self._database.transaction() as connection:
                connection.execute('DELETE FROM layers WHERE diff_id = ?', (diff_id,))
            with self._guard:
                folder, size = self._folders.pop(diff_id)
                self._busy.pop(diff_id, None)
            files.remove_tree(self._settings.layers / folder)
            freed += size
        return freed

    def discard_leftovers(self) -> None:
        """At start-up: remove folders that no record names, and everything half done."""
        kept = {folder for folder, _ in self._folders.values()} | {'init'}
        for folder in self._settings.layers.iterdir():
            if folder.name not in kept:
                LOG.info('Removed the unfinished layer %s', folder.name)
                files.remove_tree(folder)
        for left in self._settings.staging.iterdir():
            files.remove_tree(left) if left.is_dir() else left.unlink()
