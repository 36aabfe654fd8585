# SPDX-License-Identifier: Apache-2.0
"""Start commands and stop them with all they left behind.

Every process of a minicloud inherits MARKER, so what a service forked away
(a dnsmasq, an epmd, a conmon) is found by who it belongs to, not by its name.
"""

import collections.abc
import os
import pathlib
import signal
import subprocess
import time

from tools.minicloud import errors
from tools.minicloud import records

MARKER = 'MINICLOUD_PROCESS_OF'


def start(argv: collections.abc.Sequence[str], *, home: pathlib.Path,
          log: pathlib.Path,
          env: collections.abc.Mapping[str, str] | None = None) -> int:
    """Start a command in a session of its own, output to a log; its pid."""
    with open_log(log) as output:
        child = subprocess.Popen(
            list(argv), stdin=subprocess.DEVNULL, stdout=output,
            stderr=output, cwd=home, start_new_session=True,
            env=environment(home, env))
    return child.pid


def run(argv: collections.abc.Sequence[str], *, home: pathlib.Path,
        env: collections.abc.Mapping[str, str] | None = None,
        text: str | None = None) -> str:
    """Run a command to its end and return what it printed."""
    done = subprocess.run(list(argv), capture_output=True, text=True,
                          input=text, env=environment(home, env), cwd=home)
    if done.returncode:
        raise errors.MinicloudError(
            f'`{" ".join(argv)}` failed: {(done.stderr or done.stdout)[-2000:]}')
    return done.stdout


def environment(home: pathlib.Path,
                extra: collections.abc.Mapping[str, str] | None = None,
                ) -> dict[str, str]:
    """Return the environment of a process of this minicloud.

    OS_* credentials and OVS_* of the caller stay out of it.
    """
    kept = {key: value for key, value in os.environ.items()
            if not key.startswith(('OS_', 'OVS_', 'RABBITMQ_'))}
    path = kept.get('PATH', '') + ':/usr/local/sbin:/usr/sbin:/sbin'
    return {**kept, 'PATH': path, 'HOME': str(home), 'LC_ALL': 'C.UTF-8',
            'TMPDIR': str(home / 'tmp'), MARKER: str(home), **(extra or {})}


def open_log(path: pathlib.Path):
    """Open a log to append to, creating its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return open(path, 'ab', buffering=0)


def members(home: pathlib.Path) -> list[int]:
    """Return the pids of every process that belongs to this minicloud."""
    wanted = f'{MARKER}={home}'.encode()
    found = []
    for entry in pathlib.Path('/proc').glob('[0-9]*'):
        try:
            environ = (entry / 'environ').read_bytes().split(b'\0')
        except OSError:
            continue
        if wanted in environ and int(entry.name) != os.getpid():
            found.append(int(entry.name))
    return [pid for pid in found if records.read_start_ticks(pid)]


def session_of(home: pathlib.Path, leader: int) -> list[int]:
    """Return our processes in the session a service leads."""
    return [pid for pid in members(home) if _session(pid) == leader]


def stop(pids: collections.abc.Iterable[int], grace_s: float) -> None:
    """End processes: SIGTERM, wait, SIGKILL; silent on those gone already."""
    alive = [records.describe('', pid, pathlib.Path()) for pid in pids]
    for number, wait_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 10)):
        for record in alive:
            record.send(number)
        deadline = time.monotonic() + wait_s
        while alive and time.monotonic() < deadline:
            time.sleep(0.02)
            alive = [record for record in alive if record.is_alive()]


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None

