# SPDX-License-Identifier: Apache-2.0
"""Programs that a bench starts: run to their end, or kept until they are told to go."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from bench.contender import BenchFailed

PATH = f'{os.environ.get("PATH", "")}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin'


def find(program: str) -> str:
    """The path of a program. :raises BenchFailed: it is not installed."""
    found = shutil.which(program, path=PATH)
    if found is None:
        raise BenchFailed(f'{program} is not installed: run tools/setup/prepare bench')
    return found


def command(argv: Sequence[str], *, timeout_s: float = 60.0) -> str:
    """Run a command and return what it prints. :raises BenchFailed: it failed; with its own words."""
    try:
        ended = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=timeout_s,
                               check=False)
    except subprocess.TimeoutExpired:
        raise BenchFailed(f'{" ".join(argv[:3])} did not end within {timeout_s:g} s') from None
    if ended.returncode:
        raise BenchFailed(f'{" ".join(argv)} failed: {(ended.stderr or ended.stdout).strip()[-600:]}')
    return ended.stdout.strip()


class Daemon:
    """A server with a unix socket, its output in a file."""

    def __init__(self, argv: Sequence[str], log: Path, sock: Path, *, cwd: Path | None = None) -> None:
        self._name = Path(argv[0]).name
        self._log = log
        self._socket = sock
        with log.open('ab') as output:
            self._child = subprocess.Popen(argv, stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd=cwd,
                                           env={**os.environ, 'PATH': PATH}, start_new_session=True)

    @property
    def pid(self) -> int:
        return self._child.pid

    def await_socket(self, timeout_s: float = 60.0) -> None:
        """Wait until it listens. :raises BenchFailed: it ended, or does not."""
        deadline = time.monotonic() + timeout_s
        while not self._socket.exists():
            if self._child.poll() is not None or time.monotonic() > deadline:
                tail = self._log.read_text(errors='replace')[-800:]
                raise BenchFailed(f'{self._name} did not come up: {tail}')
            time.sleep(0.02)

    def stop(self, timeout_s: float = 30.0) -> None:
        """End it, by force if need be. Repeatable."""
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(timeout_s)
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait()
