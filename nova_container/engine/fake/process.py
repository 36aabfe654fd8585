# SPDX-License-Identifier: Apache-2.0
"""A process that is a thread: signals, freezing, streams and an end, over a scripted program."""

import contextlib
import dataclasses
import itertools
import signal as signals
import threading
import time
from collections.abc import Callable

from nova_container.engine import state
from nova_container.engine.fake import files
from nova_container.engine.fake.session import Stdin

SIGKILL = 9
_HARMLESS = frozenset({17, 18, 19, 23, 28})
_pids = itertools.count(4_000_000)  # over the kernel's highest, so that no test ever signals a real one


class Killed(BaseException):
    """Unwinds the program of a process that has ended."""


@dataclasses.dataclass(slots=True, kw_only=True)
class Surroundings:
    """What a process sees: its container, and who and where it is in it."""

    tree: files.Tree
    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    uid: int = 0
    gid: int = 0
    hostname: str = ''
    tty: bool = False
    read_only: bool = False
    writable: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()


class Process:
    """One process. The condition is the engine's own; methods take it themselves."""

    def __init__(self, changed: threading.Condition, around: Surroundings, *, is_first: bool, stdin_open: bool,
                 on_output: Callable[[state.StreamName, bytes], None],
                 on_end: Callable[[int], None]) -> None:
        self.changed, self.around = changed, around
        self.stdin = Stdin(changed, is_open=stdin_open)
        self.traps: dict[int, str] = {}
        self.pending: list[int] = []
        self.paused = False
        self.rows, self.columns = 24, 80
        self.pid = next(_pids)
        self.started_at = time.time()
        self.code: int | None = None
        self._is_first = is_first
        self._on_output, self._on_end = on_output, on_end

    def start(self, program: Callable[['Process'], int]) -> None:
        threading.Thread(target=self._run, args=(program,), name=f'fake-{self.around.argv[0]}', daemon=True).start()

    def _run(self, program: Callable[['Process'], int]) -> None:
        with contextlib.suppress(Killed):
            self.end(program(self))

    def end(self, code: int) -> None:
        """It is over; only the first code counts."""
        with self.changed:
            if self.code is None:
                self.code = code
                self.changed.notify_all()
                self._on_end(code)

    def deliver(self, signal: int) -> None:
        """Send a signal. As in a kernel, the first process gets only those it handles, and KILL."""
        with self.changed:
            if signal == SIGKILL:
                self.end(128 + signal)
            elif signal in self.traps:
                if self.traps[signal]:
                    self.pending.append(signal)
                    self.changed.notify_all()
            elif not self._is_first and signal not in _HARMLESS:
                self.end(128 + signal)

    def kill_itself(self, signal: int) -> None:
        """What ``kill $$`` does: the first process of a namespace cannot kill itself."""
        if not (self._is_first and signal == SIGKILL):
            self.deliver(signal)
        self.checkpoint()

    def set_paused(self, paused: bool) -> None:
        self.paused = paused
        self.changed.notify_all()

    def checkpoint(self) -> None:
        """Pass if it runs; wait while it is frozen. :raises Killed:"""
        self.wait_until(lambda: True)

    def wait_until(self, ready: Callable[[], bool], timeout_s: float | None = None) -> bool:
        """Wait, as a process does; False if the time passed first. :raises Killed:"""
        with self.changed:
            met = self.changed.wait_for(
                lambda: self.code is not None or (not self.paused and ready()), timeout_s)
            self.changed.wait_for(lambda: self.code is not None or not self.paused)
            if self.code is not None:
                raise Killed
            return met

    def write(self, stream: state.StreamName, data: bytes) -> None:
        self.checkpoint()
        if self.around.tty:
            stream, data = state.StreamName.STDOUT, data.replace(b'\n', b'\r\n')
        with self.changed:
            if self.code is None:
                self._on_output(stream, data)
                self.changed.notify_all()

    def read(self, *, line: bool = False) -> bytes:
        """The next input, or line of it; b'' at its end. A trapped signal ends the wait for a line."""
        taken: bytes | None = None

        def ready() -> bool:
            nonlocal taken
            taken = self.stdin.take(line=line)
            return taken is not None

        self.wait_until(ready)
        return taken or b''


def signal_number(name: str) -> int:
    """The number of a signal that ``grammar.is_signal`` accepts."""
    if name.isdigit():
        return int(name)
    bare, _, offset = name.upper().removeprefix('SIG').replace('-', '+-').partition('+')
    return signals.Signals[f'SIG{bare}'].value + int(offset or 0)
