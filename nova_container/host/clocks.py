# SPDX-License-Identifier: Apache-2.0
"""Time namespaces (time_namespaces(7)): what counts time since boot counts from the start of a container instead.

They are entered by util-linux's nsenter(1) on the way to the program, as only a process of one thread may. Where the
kernel has none, the program is run as it is, and sees the host's uptime.
"""

import ctypes
import functools
import os
import threading
from pathlib import Path

from nova_container import errors
from nova_container.host import process

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWTIME = 0x80


@functools.cache
def _are_here() -> bool:
    return os.path.exists('/proc/self/ns/time')


def begin() -> int | None:
    """A descriptor of a namespace whose uptime begins now; None where there are none. The calling thread must end then.

    :raises HostFailure: the kernel refuses.
    """
    if not _are_here():
        return None
    if _LIBC.unshare(_CLONE_NEWTIME):
        raise errors.HostFailure(f'unshare refused: {os.strerror(ctypes.get_errno())}')
    uptime_s = int(float(Path('/proc/uptime').read_text('ascii').split()[0]))
    Path('/proc', str(threading.get_native_id()), 'timens_offsets').write_text(f'boottime -{uptime_s} 0\n')
    return os.open('/proc/thread-self/ns/time_for_children', os.O_RDONLY | os.O_CLOEXEC)


def of(pid: int | None) -> list[str]:
    """What to put before a command line so that it sees the uptime that a process sees; None is the host's."""
    return [process.find('nsenter'), f'--time=/proc/{pid}/ns/time'] if _are_here() and pid else []
