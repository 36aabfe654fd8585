# SPDX-License-Identifier: Apache-2.0
"""Further processes in a container: ``crun exec`` as a child of the engine, its streams as pipes or a terminal."""

import contextlib
import json
import os
import selectors
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
from nova_container.runtime.oci_runtime import OciRuntime

_BLOCK = 1 << 16
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

    def info(self) -> ExecInfo:
        return ExecInfo(id=self.id, container_id=self.container_id, spec=self.spec, pid=self._pid(),
                        running=self._child is not None and self._exit_code is None, exit_code=self._exit_code)

    def _pid(self) -> int | None:
        try:
            return int(self._pid_file.read_text('ascii'))
        except (OSError, ValueError):
            return self._child.pid if self._child else None

    def start(self, oci: OciRuntime, launcher: Launcher, oci_process: Mapping[str, object],
              fault: Callable[[], int | None]) -> Session:
        """Run it; ``fault`` tells after a failure why the program could not be run, as a shell's exit code.

        :raises WrongState: it ran already.
        """
        with self._lock:
            if self._child is not None:
                raise errors.WrongState(f'Exec {self.id[:12]} has run already: create another one')
            self._process_file.write_text(json.dumps(oci_process))
            argv = oci.argv('exec', '--process', str(self._process_file), '--pid-file', str(self._pid_file),
                            self.container_id)
            session = self._start_tty(launcher, argv) if self.spec.tty else self._start_pipes(launcher, argv)
        threading.Thread(target=self._reap, args=(fault,), name='exec', daemon=True).start()
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
        return _ExecSession(kept, stdin)

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
        return _ExecSession({ours: StreamName.STDOUT}, os.dup(ours))

    def _reap(self, fault: Callable[[], int | None]) -> None:
        assert self._child is not None
        code = self._child.wait()
        if code in _RUNTIME_FAILED:
            code = fault() or code
        for path in (self._process_file, self._pid_file):
            with contextlib.suppress(OSError):
                path.unlink()
        with self._lock:
            self._exit_code = code if code >= 0 else 128 - code
            if self._terminal is not None:
                os.close(self._terminal)
                self._terminal = None

    def resize(self, rows: int, columns: int) -> None:
        """:raises WrongState: it does not run, or has no terminal."""
        with self._lock:
            if self._terminal is None or self._child is None:
                raise errors.WrongState(f'Exec {self.id[:12]} has no terminal now')
            terminals.resize(self._terminal, rows, columns)
            self._child.send_signal(signal.SIGWINCH)


class _ExecSession(Session):
    """Streams of a child by descriptor; what is not read after ``close`` is drained, so that the child never blocks."""

    def __init__(self, outputs: dict[int, StreamName], stdin: int | None) -> None:
        self._outputs, self._stdin = outputs, stdin
        self._selector = selectors.DefaultSelector()
        for descriptor in outputs:
            self._selector.register(descriptor, selectors.EVENT_READ)
        self._wake_reader, self._wake_writer = os.pipe()
        self._selector.register(self._wake_reader, selectors.EVENT_READ)
        self._closed = False
        self._lock = threading.Lock()

    def read(self) -> tuple[StreamName, bytes] | None:
        while self._outputs and not self._closed:
            ready = self._selector.select()
            if self._closed:
                return None
            for key, _ in ready:
                if piece := self._read_from(key.fd):
                    return piece
        return None

    def _read_from(self, descriptor: int) -> tuple[StreamName, bytes] | None:
        try:
            data = os.read(descriptor, _BLOCK)
        except OSError:  # a terminal whose other side is gone says EIO
            data = b''
        if data:
            return self._outputs[descriptor], data
        self._selector.unregister(descriptor)
        del self._outputs[descriptor]
        os.close(descriptor)
        return None

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        with contextlib.suppress(OSError):
            while view and self._stdin is not None:
                view = view[os.write(self._stdin, view):]

    def close_stdin(self) -> None:
        with self._lock:
            if self._stdin is not None:
                os.close(self._stdin)
                self._stdin = None

    def close(self) -> None:
        self.close_stdin()
        with self._lock:
            if self._closed:
                return
            self._closed = True
            os.write(self._wake_writer, b'x')
        if self._outputs:
            threading.Thread(target=self._drain, name='exec-drain', daemon=True).start()
        else:
            self._release()

    def _drain(self) -> None:
        with selectors.DefaultSelector() as rest:
            for descriptor in self._outputs:
                rest.register(descriptor, selectors.EVENT_READ)
            while self._outputs:
                for key, _ in rest.select():
                    before = len(self._outputs)
                    self._read_from(key.fd)
                    if len(self._outputs) < before:
                        rest.unregister(key.fd)
        self._release()

    def _release(self) -> None:
        self._selector.close()
        os.close(self._wake_reader)
        os.close(self._wake_writer)
