# SPDX-License-Identifier: Apache-2.0
"""Time namespaces (time_namespaces(7)): what counts time since boot counts from the start of a container instead.

They are entered by util-linux's unshare(1) and nsenter(1) on the way to the program, as only a process of one
thread may. Where the kernel has none, the program is run as it is, and sees the host's uptime.
"""

import functools
import os
from pathlib import Path

from nova_container.host import process


@functools.cache
def _tools() -> tuple[str, str] | None:
    """The programs, None where there are no time namespaces."""
    if not os.path.exists('/proc/self/ns/time'):
        return None
    return process.find('unshare'), process.find('nsenter')


def from_now() -> list[str]:
    """What to put before a command line so that its children see an uptime that begins now."""
    tools = _tools()
    uptime_s = int(float(Path('/proc/uptime').read_text('ascii').split()[0]))
    return [tools[0], '--time', '--boottime', f'-{uptime_s}'] if tools else []


def of(pid: int | None) -> list[str]:
    """What to put before a command line so that it sees the uptime that a process sees; None is the host's."""
    tools = _tools()
    return [tools[1], f'--time=/proc/{pid}/ns/time'] if tools and pid else []
