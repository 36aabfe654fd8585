# SPDX-License-Identifier: Apache-2.0
"""Run a command in a container to its end, over the contract's two-step exec."""

import dataclasses
import threading
import time
from typing import TYPE_CHECKING

from nova_container import errors
from nova_container.engine import spec as specs
from nova_container.engine import state

if TYPE_CHECKING:
    from nova_container.engine import base


_PAUSE_S = 0.2


class _Output:
    """What a session's process wrote, each stream cut at a limit."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._streams = {state.StreamName.STDOUT: bytearray(), state.StreamName.STDERR: bytearray()}
        self.truncated = False

    def add(self, stream: state.StreamName, data: bytes) -> None:
        kept = self._streams[stream]
        room = self._limit - len(kept)
        self.truncated = self.truncated or len(data) > room
        kept += data[:max(room, 0)]

    def of(self, stream: state.StreamName) -> bytes:
        return bytes(self._streams[stream])


class _Watch:
    """Closes a session, which wakes its reader, at a deadline or when told to stop."""

    def __init__(self, session: 'base.Session', deadline: float, stop: threading.Event | None) -> None:
        self._session, self._deadline, self._stop = session, deadline, stop
        self._ended = threading.Event()
        self.gave_up = self.stopped = False

    def __enter__(self) -> '_Watch':
        threading.Thread(target=self._run, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(self._pause_s()):
            self.stopped = self._stop is not None and self._stop.is_set()
            if self.stopped or time.monotonic() >= self._deadline:
                self.gave_up = True
                self._session.close()
                return

    def _pause_s(self) -> float:
        left = max(self._deadline - time.monotonic(), 0.0)
        return left if self._stop is None else min(left, _PAUSE_S)


def run(engine: 'base.Engine', container: str, spec: specs.ExecSpec, *, stdin: bytes = b'',
        timeout_s: float = 60.0, limit_bytes: int = 1 << 20, stop: threading.Event | None = None) -> state.ExecResult:
    """See ``Engine.exec``; also gives up, within a moment, once ``stop`` is set."""
    deadline = time.monotonic() + timeout_s
    exec_id = engine.create_exec(container, dataclasses.replace(spec, attach_stdin=bool(stdin)))
    output = _Output(limit_bytes)
    with engine.start_exec(exec_id) as session:
        with _Watch(session, deadline, stop) as watch:
            if stdin:
                threading.Thread(target=_feed, args=(session, stdin), daemon=True).start()
            while (piece := session.read()) is not None:
                output.add(*piece)
        if watch.gave_up:
            raise errors.Unavailable(f'{spec.command[0]} did not end within {timeout_s:g} s' if not watch.stopped
                                     else f'Nobody waits for {spec.command[0]} any more')
    return state.ExecResult(exit_code=_exit_code(engine, exec_id, deadline),
                            stdout=output.of(state.StreamName.STDOUT),
                            stderr=output.of(state.StreamName.STDERR), truncated=output.truncated)


def _feed(session: 'base.Session', stdin: bytes) -> None:
    session.write(stdin)
    session.close_stdin()


def _exit_code(engine: 'base.Engine', exec_id: str, deadline: float) -> int:
    """The code, which an engine may know a moment after the output ended."""
    pause_s = 0.001
    while (code := engine.inspect_exec(exec_id).exit_code) is None:
        if time.monotonic() > deadline:
            raise errors.Unavailable(f'The exit code of exec {exec_id} did not arrive in time')
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, 0.1)
    return code
