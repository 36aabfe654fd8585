# SPDX-License-Identifier: Apache-2.0
"""Names that appear in a folder, told by the kernel (inotify(7))."""

import ctypes
import os
import struct
from pathlib import Path

from nova_container import errors

_LIBC = ctypes.CDLL(None, use_errno=True)
_IN_MOVED_TO, _IN_ONLYDIR = 0x80, 0x1000000
_EVENT = struct.Struct('iIII')


class FolderWatch:
    """Tells the names that were moved into one folder: a file written beside and renamed is whole by then."""

    def __init__(self, folder: Path) -> None:
        self.descriptor = int(_LIBC.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK))
        if self.descriptor < 0 or _LIBC.inotify_add_watch(
                self.descriptor, os.fsencode(folder), _IN_MOVED_TO | _IN_ONLYDIR) < 0:
            reason = os.strerror(ctypes.get_errno())
            self.close()
            raise errors.HostFailure(f'Cannot watch {folder}: {reason} (see sysctl fs.inotify.max_user_instances)')

    def names(self) -> list[str]:
        """The names since the last call; does not wait."""
        try:
            buffer = os.read(self.descriptor, 65536)
        except BlockingIOError:
            return []
        found, offset = [], 0
        while offset < len(buffer):
            _, _, _, length = _EVENT.unpack_from(buffer, offset)
            offset += _EVENT.size
            found.append(buffer[offset:offset + length].rstrip(b'\0').decode('utf-8', 'replace'))
            offset += length
        return found

    def close(self) -> None:
        """Stop watching. Repeatable."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
