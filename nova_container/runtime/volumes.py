# SPDX-License-Identifier: Apache-2.0
"""Volumes: a folder each below ``<state_dir>/volumes/<name>/_data``, on which the options may mount something."""

import collections
import contextlib
import dataclasses
import logging
import os
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from nova_container import errors
from nova_container.engine import validate
from nova_container.engine.undo import undo_on_error
from nova_container.engine.volume import ANONYMOUS, Volume
from nova_container.host import files, mounts, process
from nova_container.image.confined import ConfinedRoot
from nova_container.runtime import codec, disk_limits
from nova_container.runtime.database import Database
from nova_container.runtime.settings import Settings

LOG = logging.getLogger(__name__)

_COPY_S = 3600.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VolumeRecord:
    """A volume that is there."""

    spec: Volume
    created_at: float

    @property
    def anonymous(self) -> bool:
        """Whether nobody named it."""
        return ANONYMOUS in self.spec.labels


def check_options(options: Mapping[str, str], *, devices: bool) -> None:
    """What a volume may be made of; without ``devices`` nothing but a folder of ours.

    :raises InvalidSpec: an option that the local driver does not know, or lacks.
    :raises Denied: it would mount what the operator does not allow.
    """
    for name in options.keys() - {'type', 'device', 'o', 'size'}:
        raise errors.InvalidSpec(f'invalid option: "{name[:64]}": the local driver has type, device, o and size')
    if 'size' in options:
        disk_limits.bytes_of(options['size'])
    if not options.keys() - {'size'}:
        return
    if not (options.get('device') and options.get('type')):
        raise errors.InvalidSpec('missing required option: a volume with type, device or o needs both type and device')
    if not devices and options['type'] != 'tmpfs':
        raise errors.Denied('This engine does not let volumes mount devices, folders or file systems of the network')


class VolumeStore:
    """All volumes. ``lock`` is held by who relates volumes to the containers that use them."""

    def __init__(self, settings: Settings, database: Database, limits: disk_limits.DiskLimits) -> None:
        self._settings, self._database, self._limits = settings, database, limits
        self.lock = threading.RLock()
        self._busy: collections.defaultdict[str, threading.Lock] = collections.defaultdict(threading.Lock)
        self._records = {name: codec.decode(VolumeRecord, text)
                         for name, text in database.rows('SELECT name, record FROM volumes')}

    def all(self) -> list[VolumeRecord]:
        """By name."""
        with self.lock:
            return [self._records[name] for name in sorted(self._records)]

    def get(self, name: str) -> VolumeRecord:
        """:raises VolumeNotFound:"""
        try:
            return self._records[name]
        except KeyError:
            raise errors.VolumeNotFound(name) from None

    def has(self, name: str) -> bool:
        """Whether it is there."""
        return name in self._records

    def folder(self, name: str) -> Path:
        """Its files. :raises VolumeNotFound:"""
        return self._settings.volumes / self.get(name).spec.name / '_data'

    def ensure(self, volume: Volume, *, exact: bool = True) -> bool:
        """Have it; whether it was made now.

        :param exact: whether one that is there must have the same driver and options.
        :raises AlreadyExists: it has others.
        """
        if volume.driver not in ('', 'local'):
            raise errors.Unsupported(f'The volume driver {volume.driver[:64]!r} is not here: only local is')
        volume = dataclasses.replace(volume, driver='local')
        with self.lock:
            found = self._records.get(volume.name)
            if found is None:
                self._make(volume)
                return True
        if exact and found.spec.options != volume.options:
            raise errors.AlreadyExists(f'The volume {volume.name} exists with other options: remove it, or choose '
                                       'another name')
        return False

    def _make(self, volume: Volume) -> None:
        validate.check_volume(volume)
        check_options(volume.options, devices=self._settings.volume_devices)
        if 'size' in volume.options:
            self._limits.check('The volume option size')
        record = VolumeRecord(spec=volume, created_at=time.time())
        top, staging = self._settings.volumes / volume.name, self._staging()
        with undo_on_error() as undo:
            undo('folder', lambda: files.remove_tree(top))
            undo('unfinished folder', lambda: files.remove_tree(staging))
            staging.mkdir(mode=0o701)
            (staging / '_data').mkdir()
            (staging / '_data').chmod(0o755)
            if 'size' in volume.options:
                self._limits.set(f'volume {volume.name}', (staging / '_data',),
                                 disk_limits.bytes_of(volume.options['size']))
            staging.rename(top)
            self._keep(record)

    def _keep(self, record: VolumeRecord) -> None:
        with self._database.transaction() as connection:
            connection.execute('INSERT INTO volumes VALUES (?, ?)', (record.spec.name, codec.encode(record)))
        self._records[record.spec.name] = record

    def remove(self, name: str) -> None:
        """With its files, but never what its options mount. Silent if there is none; ``lock`` is held."""
        if name not in self._records:
            return
        self.deactivate(name)
        staging = self._staging()
        (self._settings.volumes / name).rename(staging)  # at once: what is half removed is nobody's volume
        self._forget(name)
        self._limits.free(staging / '_data')
        files.remove_tree(staging)

    def _forget(self, name: str) -> None:
        with self._database.transaction() as connection:
            connection.execute('DELETE FROM volumes WHERE name = ?', (name,))
        del self._records[name]
        self._busy.pop(name, None)

    def _staging(self) -> Path:
        return self._settings.staging / f'volume-{secrets.token_hex(8)}'

    def activate(self, name: str) -> Path:
        """Its folder, with what the options say mounted there. :raises MountFailed:"""
        folder, options = self.folder(name), self.get(name).spec.options
        with self._busy[name]:
            if 'device' in options and not mounts.is_mount(folder):
                mounts.mount_filesystem(options['device'], folder, kind=options['type'], options=options.get('o', ''))
        return folder

    def deactivate(self, name: str) -> None:
        """Unmount what the options mounted, once no container that uses it is alive. Repeatable."""
        if 'device' in self.get(name).spec.options:
            mounts.unmount(self.folder(name), detach=True)

    def size(self, name: str) -> int | None:
        """Bytes of its files; None if they could not be counted in time."""
        try:
            return files.size_of_tree(self.folder(name))
        except (errors.Unavailable, OSError):
            return None

    def fill(self, name: str, root: Path, target: str) -> None:
        """Copy what a container has at ``target`` below ``root`` into an empty volume: files, owners and modes."""
        folder = self.activate(name)
        with self._busy[name], _opened(root, target) as source:
            if source is None or os.listdir(folder):
                return
            try:
                process.run('cp', '-a', f'/proc/{os.getpid()}/fd/{source}/.', f'{folder}/', timeout_s=_COPY_S)
            except BaseException:
                for left in folder.iterdir():
                    files.remove_tree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
                raise

    def bind_below(self, name: str, subpath: str, target: Path) -> None:
        """Show a folder of the volume at ``target``; links in it, which a container made, lead nowhere else.

        :raises InvalidSpec: there is no such folder in it.
        """
        with _opened(self.folder(name), subpath) as source:
            if source is None:
                raise errors.InvalidSpec(f'mounts: the volume {name} has no folder {subpath[:256]!r}')
            target.mkdir(parents=True, exist_ok=True)
            mounts.bind(Path(f'/proc/self/fd/{source}'), target)

    def recover(self) -> None:
        """At start-up: folders and records brought together. A folder without a record is kept: it may hold data."""
        found = {folder.name for folder in self._settings.volumes.iterdir()}
        for name in self._records.keys() - found:
            LOG.warning('The folder of volume %s is gone, so its record was dropped', name)
            self._forget(name)
        for name in found - self._records.keys():
            LOG.warning('The folder of volume %s had no record, and was taken in as a volume', name)
            self._keep(VolumeRecord(spec=Volume(name=name), created_at=time.time()))


@contextlib.contextmanager
def _opened(root: Path, path: str) -> Iterator[int | None]:
    """A folder below ``root`` as the container would find it, open; None if there is none."""
    top = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    confined = ConfinedRoot(top)
    try:
        try:
            found = confined.directory(os.fsencode(path))
        except OSError:
            yield None
            return
        yield found
    finally:
        confined.forget()
        os.close(top)


