# SPDX-License-Identifier: Apache-2.0
"""Further processes in a container: ``crun exec`` as a child of the engine, its streams as pipes or a terminal."""

import contextlib
import json
import os
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from nova_container import errors
from nova_container.engine.base import Session
from nova_container.engine.spec import ExecSpec
from nova_container.engine.state import ExecInfo, StreamName
from nova_container.host import process, terminals
from nova_container.host.launch import Launcher
from nova_container.runtime.exec_session import ExecSession
from nova_container.runtime.oci_runtime import OciRuntime

_RUNTIME_FAILED = (1, 255)  # what runc and crun end with if they cannot run the program


class Execution:
    """One exec, from its preparation to its exit code."""

    def __init__(self, exec_id: str, container_id: str, spec: ExecSpec, bundle: Path) -> None:
        self.id, self.container_id, self.spec = exec_id, container_id, spec
        self._process_file = bundle / f'exec-{exec_id[:12]}.json'
        self._pid_file = bundle / f'exec-{exec_id[:12]}.pid'
        self._child: process.Child | None = None
        self._terminal: int | None = None
        self._exit_code: int | None = None
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def info(self) -> ExecInfo:
        return ExecInfo(id=self.id, container_id=self.container_id, spec=self.spec, pid=self._pid(),
                        running=self._child is not None and self._exit_code is None, exit_code=self._exit_code)

    @property
    def is_over(self) -> bool:
        """Whether its exit code is known."""
        return self._exit_code is not None

    def _pid(self) -> int | None:
        try:
            return int(self._pid_file.read_text('ascii'))
        except (OSError, ValueError):
            return self._child.pid if self._child else None

    def start(self, oci: OciRuntime, launcher: Launcher, oci_process: Mapping[str, object], *, beside: int,
              ended: Callable[[int], None], fault: Callable[[], int | None]) -> Session:
        """Run it ``beside`` the container's first process. ``ended`` is told its exit code.

        ``fault`` tells after a failure why the program could not be run, as a shell's exit code.

        :raises WrongState: it ran already.
        """
        with self._lock:
            if self._child is not None:
                raise errors.WrongState(f'Exec {self.id[:12]} has run already: create another one')
            self._process_file.write_text(json.dumps(oci_process))
            argv = oci.argv('exec', '--process', str(self._process_file), '--pid-file', str(self._pid_file),
                            self.container_id, beside=beside)
            if not self.spec.tty:
                session = self._start_pipes(launcher, argv)
            elif oci.hands_over_terminals:
                session = self._start_handed_tty(launcher, argv)
            else:
                session = self._start_tty(launcher, argv)
        threading.Thread(target=self._reap, args=(fault, ended), name='exec', daemon=True).start()
        return session

    def _start_pipes(self, launcher: Launcher, argv: list[str]) -> Session:
        def pipe(wanted: bool) -> int | None:
            return process.PIPE if wanted else None

        child = launcher.call(process.spawn, argv, stdin=pipe(self.spec.attach_stdin),
                              stdout=pipe(self.spec.attach_stdout), stderr=pipe(self.spec.attach_stderr),
                              new_session=True)
        self._child = child
        outputs = {stream.fileno(): name for stream, name in
                   ((child.stdout, StreamName.STDOUT), (child.stderr, StreamName.STDERR)) if stream}
        kept = {os.dup(descriptor): name for descriptor, name in outputs.items()}
        stdin = os.dup(child.stdin.fileno()) if child.stdin else None
        for file in (child.stdin, child.stdout, child.stderr):
            if file:
                file.close()
        return ExecSession(kept, stdin, self._ended)

    def _start_handed_tty(self, launcher: Launcher, argv: list[str]) -> Session:
        """The runtime hands over the process's own terminal, whose size we then set; or tells why not."""
        with terminals.ConsoleSocket(self._process_file.with_suffix('.tty')) as console:
            child = launcher.call(process.spawn, [*argv[:-1], '--console-socket', str(console.path), argv[-1]],
                                  stderr=process.PIPE, new_session=True)
            self._child = child
            assert child.stderr
            terminal = console.receive(lambda: child.poll() is None)
        if terminal is None:
            said = os.dup(child.stderr.fileno())
            child.stderr.close()
            return ExecSession({said: StreamName.STDOUT}, None, self._ended)
        child.stderr.close()
        self._terminal = os.dup(terminal)
        return ExecSession({terminal: StreamName.STDOUT}, os.dup(terminal), self._ended)

    def _start_tty(self, launcher: Launcher, argv: list[str]) -> Session:
        ours, theirs = terminals.open_raw()
        try:
            self._child = launcher.call(process.spawn, argv, stdin=theirs, stdout=theirs, stderr=theirs,
                                        new_session=True)
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        self._terminal = os.dup(ours)
        return ExecSession({ours: StreamName.STDOUT}, os.dup(ours), self._ended)

    def _reap(self, fault: Callable[[], int | None], ended: Callable[[int], None]) -> None:
        assert self._child is not None
        code = self._child.wait()
        if code in _RUNTIME_FAILED:
            code = fault() or code
        for path in (self._process_file, self._pid_file):
            with contextlib.suppress(OSError):
                path.unlink()
        with self._lock:
            self._exit_code = code = code if code >= 0 else 128 - code
            if self._terminal is not None:
                os.close(self._terminal)
                self._terminal = None
        ended(code)
        self._ended.set()

    def fail(self, code: int) -> None:
        """It could not be run, for a reason that the runtime was not asked about."""
        with self._lock:
            if self._child is None:
                self._exit_code = code
                self._ended.set()

    def wait(self, timeout_s: float) -> int | None:
        """Its exit code once it ended; None if ``timeout_s`` passes first."""
        self._ended.wait(timeout_s)
        return self._exit_code

    def kill(self) -> bool:
        """Kill the process in the container; False if it ended by itself."""
        if self._child is None or self._ended.is_set():
            return False
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(self._pid_file.read_text('ascii')), signal.SIGKILL)
            return True
        self._child.kill()  # the runtime has not begun it yet
        return True

    def resize(self, rows: int, columns: int) -> None:
        """:raises WrongState: it does not run, or has no terminal."""
        with self._lock:
            if self._terminal is None or self._child is None:
                raise errors.WrongState(f'Exec {self.id[:12]} has no terminal now')
            terminals.resize(self._terminal, rows, columns)
            self._child.send_signal(signal.SIGWINCH)
