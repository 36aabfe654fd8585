# SPDX-License-Identifier: Apache-2.0
"""How much containers and volumes may hold: by project quotas, where the state directory's file system keeps them."""

import functools
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from nova_container import errors
from nova_container.host import quota
from nova_container.runtime.settings import Settings

_FIRST = 1 << 20
_SPAN = 1 << 30
_SIZE = re.compile(r'(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?', re.IGNORECASE)


def bytes_of(size: str) -> int:
    """A size such as 10m. :raises InvalidSpec:"""
    match = _SIZE.fullmatch(size)
    if match is None:
        raise errors.InvalidSpec(f'size must be a size such as 10m, not {size[:64]!r}')
    return int(float(match[1]) * 1024 ** ' kmgtp'.index(match[2].lower() or ' '))


class DiskLimits:
    """The limits of one state directory."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.state_dir

    @functools.cached_property
    def are_kept(self) -> bool:
        return quota.is_kept(self._folder)

    def check(self, what: str) -> None:
        """:raises Unsupported: there are none here; ``what`` asks for one."""
        if not self.are_kept:
            raise errors.Unsupported(f'{what} needs ext4 or XFS mounted with prjquota at {self._folder}: mount it so, '
                                     'or leave the size out')

    def set(self, name: str, folders: Sequence[Path], size_bytes: int) -> None:
        """Bound what is in new folders. ``name`` is unique. :raises HostFailure: the kernel refused."""
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], 'big') % _SPAN
        quota.limit(folders, _FIRST + number, size_bytes)

    def free(self, folder: Path) -> None:
        """The folder is about to be removed. Silent if it is gone, or was never bounded."""
        if not (self.are_kept and folder.is_dir()):
            return
        project = quota.project_of(folder)
        if project >= _FIRST:
            quota.release(self._folder, project)
