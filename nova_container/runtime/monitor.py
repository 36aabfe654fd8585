# SPDX-License-Identifier: Apache-2.0
"""conmon: one small C process a container, which creates it, keeps its output and exit code, and outlives us.

Facts of conmon 2.1 used here: it writes ``{"pid": N, "message": ...}`` to the descriptor named in
``_OCI_SYNCPIPE``; ``<exit-dir>/<id>`` appears, by rename, when the first process has ended; a line
``2 0 0`` in the FIFO ``ctl`` makes it open the log again, ``1 ROWS COLUMNS`` sets the terminal's size; a
file ``oom`` in the bundle tells of the out-of-memory killer.
"""

import fcntl
import json
import os
import select
import signal
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path

from nova_container import errors
from nova_container.host import pids, process
from nova_container.host.launch import Launcher
from nova_container.runtime.oci_runtime import OciRuntime

_TIMEOUT_S = 60.0
_DEATH_S = 5.0
_BACKSTOP_BYTES = 1 << 30  # of output in all, after which conmon begins the log anew: a bound while the engine is down


class Monitor:
    """Starts conmon and talks to it through its bundle's folder."""

    def __init__(self, program: str, exits: Path, launcher: Launcher) -> None:
        self._path = process.find(program)
        self._exits = exits
        self._launcher = launcher

    def create(self, oci: OciRuntime, container_id: str, bundle: Path, log: Path | None, *, tty: bool, stdin: bool,
               stdin_once: bool, showing: Sequence[Path], shared: bool) -> int:
        """Have the container created, not started, by ``oci``, and return the pid of its first process.

        The OCI runtime sees the mounts of the host as ``Launcher.view`` shows them, conmon sees all: so it keeps none
        that the host unmounts.

        :param log: the file that gets its output; None for none.
        :param showing: hidden mounts that the container needs.
        :param shared: mounts made in the container are to reach the host.
        :raises HostFailure: the OCI runtime refused; the text is its own.
        """
        with self._launcher.view(showing, shared=shared) as entering:
            command = [*entering, oci.path, f'--root={oci.root}']
            argv = [self._path, '--api-version', '1', '--cid', container_id, '--cuuid', container_id,
                    '--name', container_id[:12], '--bundle', str(bundle), '--runtime', command[0],
                    *(f'--runtime-arg={word}' for word in command[1:]), '--container-pidfile', str(bundle / 'pid'),
                    '--conmon-pidfile', str(bundle / 'monitor.pid'), '--exit-dir', str(self._exits),
                    '--log-path', 'none:' if log is None else f'k8s-file:{log}',
                    '--log-size-max', str(_BACKSTOP_BYTES), '--full-attach', '--no-sync-log', '--log-level', 'error']
            argv += ['--terminal'] if tty else []
            argv += ['--stdin'] if stdin else []
            argv += ['--leave-stdin-open'] if stdin and not stdin_once else []
            return self._create(argv, bundle)

    def _create(self, argv: list[str], bundle: Path) -> int:
        reader, writer = os.pipe()
        try:
            child = process.spawn(argv, cwd=str(bundle), environment={'_OCI_SYNCPIPE': str(writer)},
                                  stderr=process.PIPE, pass_fds=(writer,), new_session=True)
            os.close(writer)
            writer = -1
            try:
                answer = _read_line(reader, _TIMEOUT_S)
            except BaseException:
                child.kill()
                raise
            finally:
                said = process.let_go(child, _DEATH_S)
        finally:
            os.close(reader)
            if writer >= 0:
                os.close(writer)
        return _pid_of(answer, said)

    @staticmethod
    def end(bundle: Path) -> None:
        """Kill the conmon of a bundle, which may be one that an engine before this one had started just now.

        The OCI runtime that it waits for dies with it, and so cannot create the container later.
        """
        wanted = ['--bundle', str(bundle)]
        for found in pids.having(wanted):
            found.send(signal.SIGKILL)
            found.wait_end(_DEATH_S)

    @staticmethod
    def wait_ready(bundle: Path) -> None:
        """Wait until conmon looks after its container.

        It tells the pid before it sets up the notice of the out-of-memory killer; with cgroup v1 it fails there, and
        the exit code is lost, if the process has ended meanwhile. Its main loop alone reads ``ctl``: a line that
        means nothing is gone from the FIFO once that runs.
        """
        descriptor = _open_control(bundle)
        try:
            os.write(descriptor, b'0 0 0\n')
            deadline = time.monotonic() + _TIMEOUT_S
            while int.from_bytes(fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)), sys.byteorder):
                if time.monotonic() > deadline:
                    raise errors.Unavailable(f'conmon did not take over the container within {_TIMEOUT_S:g} s')
                time.sleep(0.0002)
        finally:
            os.close(descriptor)

    def exit_file(self, container_id: str) -> Path:
        """Where the exit code of a container will be."""
        return self._exits / container_id

    def exit_code(self, container_id: str) -> tuple[int, float] | None:
        """The exit code and when it was written; None while the container has not ended."""
        path = self.exit_file(container_id)
        try:
            return int(path.read_text('ascii') or '255'), path.stat().st_mtime
        except FileNotFoundError:
            return None

    @staticmethod
    def oom_killed(bundle: Path) -> bool:
        """Whether the kernel's out-of-memory killer struck in the container."""
        return (bundle / 'oom').exists()

    @staticmethod
    def reopen_log(bundle: Path) -> None:
        """Have the log opened again, after it was moved away."""
        _control(bundle, '2 0 0\n')

    @staticmethod
    def resize(bundle: Path, rows: int, columns: int) -> None:
        """Set the size of the terminal."""
        _control(bundle, f'1 {rows} {columns}\n')


def _read_line(descriptor: int, timeout_s: float) -> bytes:
    """What comes until a newline, the end, or the deadline."""
    found, deadline = b'', time.monotonic() + timeout_s
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    while not found.endswith(b'\n'):
        if not poller.poll(max(deadline - time.monotonic(), 0) * 1000):
            raise errors.Unavailable(f'conmon did not create the container within {timeout_s:g} s')
        piece = os.read(descriptor, 65536)
        if not piece:
            break
        found += piece
    return found


def _pid_of(answer: bytes, said: bytes) -> int:
    try:
        told = json.loads(answer)
        pid = int(told.get('pid', told.get('data', -1)))
    except ValueError:
        raise errors.HostFailure(f'conmon ended without an answer: {said.decode("utf-8", "replace").strip()}') from None
    if pid <= 0:
        message = str(told.get('message', '')).strip() or 'the OCI runtime said nothing'
        raise errors.HostFailure(f'The container could not be created: {message}')
    return pid


def _open_control(bundle: Path) -> int:
    try:
        return os.open(bundle / 'ctl', os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise errors.HostFailure(f'The monitor of {bundle.name} does not listen: {error.strerror}') from error


def _control(bundle: Path, line: str) -> None:
    descriptor = _open_control(bundle)
    try:
        os.write(descriptor, line.encode('ascii'))
    finally:
        os.close(descriptor)
