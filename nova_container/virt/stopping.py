# SPDX-License-Identifier: Apache-2.0
"""How long a server is waited for when it is to stop.

The first process of a container gets no default action of a signal: one that it neither handles nor waits for is
lost, as with ``sleep`` or a plain shell script. Then no time helps, and Nova's minute of waiting is left out.
"""

import contextlib
import re
import signal
from pathlib import Path
from typing import Any

from nova_container import errors
from nova_container.engine import state

_REALTIME = re.compile(r'RTMIN(?:\+(\d{1,2}))?')
_FIRST_REALTIME = 34


def grace_s(engine: Any, container: state.ContainerInfo, timeout_s: float) -> float:
    """``timeout_s``, or the container's own if that is shorter; 0 if the first process cannot hear the signal."""
    own = container.spec.process.stop_timeout_s
    wanted = timeout_s if own is None or own < 0 else min(timeout_s, own)
    if not wanted or container.pid is None:
        return wanted
    return wanted if hears(container.pid, _stop_signal(engine, container)) else 0


def hears(pid: int, number: int | None, root: Path = Path('/proc')) -> bool:
    """Whether a process handles a signal or holds it back to wait for it; True where that cannot be told.

    While it waits, as an init does, the kernel shows the signal as neither held back nor handled: then the call in
    which it sleeps tells.
    """
    if number is None or _waits_for_signals(pid, root):
        return True
    try:
        masks = dict(re.findall(r'^(Sig\w+):\s+([0-9a-f]+)$', (root / str(pid) / 'status').read_text(), re.MULTILINE))
        return bool((int(masks['SigCgt'], 16) | int(masks['SigBlk'], 16)) >> (number - 1) & 1)
    except (OSError, KeyError):
        return True


def _waits_for_signals(pid: int, root: Path) -> bool:
    for thread in (root / str(pid) / 'task').glob('*'):
        with contextlib.suppress(OSError):
            if 'sigtimedwait' in (thread / 'wchan').read_text():
                return True
    return False


def _stop_signal(engine: Any, container: state.ContainerInfo) -> int | None:
    """Its number: what the server says, else the image; None if it is not known."""
    name = container.spec.process.stop_signal
    if name is None:
        try:
            name = engine.inspect_image(container.image_id).config.get('StopSignal')
        except errors.ContainerError:
            return None
    return signal_number(str(name or 'SIGTERM'))


def signal_number(name: str) -> int | None:
    """``SIGTERM``, ``TERM``, ``15`` or ``SIGRTMIN+3``; None if it is none."""
    bare = name.upper().removeprefix('SIG')
    if bare.isdecimal():
        return int(bare) if 0 < int(bare) < 65 else None
    if match := _REALTIME.fullmatch(bare):
        return _FIRST_REALTIME + int(match[1] or 0)
    try:
        return int(signal.Signals[f'SIG{bare}'])
    except KeyError:
        return None
