# SPDX-License-Identifier: Apache-2.0
"""Where the engine keeps images, containers and records."""

import contextlib
import shutil
import sqlite3
from pathlib import Path

from nova_container.cmd.checks.finding import Finding, Host, Level
from nova_container.runtime import database

_UNFIT_FOR_OVERLAY = {'overlay', 'nfs', 'nfs4', 'cifs', 'smb3', 'vfat', 'exfat', 'fuse', '9p'}
_GIB = 1024 ** 3


def check_disk(host: Host) -> Finding:
    """The file system of the state directory has room, and can be the upper layer of an overlay."""
    folder = host.settings.state_dir
    while not folder.exists():
        folder = folder.parent
    kind = _file_system_of(folder, host.read('proc/self/mountinfo'))
    if kind.split('.')[0] in _UNFIT_FOR_OVERLAY:
        return Finding(Level.FAIL, f'{host.settings.state_dir} is on {kind}, which holds no layers: use ext4 or xfs.')
    usage = shutil.disk_usage(folder)
    shown = f'{host.settings.state_dir} is on {kind or "an unknown file system"}, {usage.free / _GIB:.1f} GiB are free'
    if usage.free < _GIB:
        return Finding(Level.FAIL, f'{shown}: images will not fit.')
    if usage.free < 10 * _GIB or usage.free < usage.total // 20:
        return Finding(Level.WARN, f'{shown}: give it a disk of its own, or remove images.')
    return Finding(Level.OK, f'{shown}.')


def check_state(host: Host) -> Finding:
    """The records were written by this version or an older one."""
    path = host.settings.database
    if not path.exists():
        return Finding(Level.OK, f'{path} is not there yet.')
    try:
        with contextlib.closing(sqlite3.connect(f'file:{path}?mode=ro', uri=True, timeout=5)) as connection:
            found = int(connection.execute('PRAGMA user_version').fetchone()[0])
    except sqlite3.Error as error:
        return Finding(Level.FAIL, f'{path} cannot be read ({error}): stop the engine and restore it from a backup.')
    if found > database.SCHEMA_VERSION:
        return Finding(Level.FAIL, f'{path} has schema {found}, this version knows {database.SCHEMA_VERSION}: install '
                                   'the newer version again.')
    return Finding(Level.OK, f'schema {found}.')


def _file_system_of(folder: Path, mountinfo: str) -> str:
    """The type of the mount that ``folder`` is on, '' if none is found."""
    best, kind = '', ''
    for line in mountinfo.splitlines():
        before, _, after = line.partition(' - ')
        point = before.split()[4].encode().decode('unicode_escape')
        if folder.resolve().is_relative_to(point) and len(point) >= len(best):
            best, kind = point, after.split()[0]
    return kind
