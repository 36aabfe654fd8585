# SPDX-License-Identifier: Apache-2.0
"""The other end of a fork server: processes that begin in 2 ms, as they are forked where all is imported already.

What is asked of it, and how, says ``image/fork_server.py``. The server is started when it is first needed, and again
when it is gone: it ends when it was idle for a while.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from typing import IO

from nova_container import errors
from nova_container.host import process

PIPE = process.PIPE
_BLOCK = 1 << 17
_TICK_S = 0.1
_BEGIN_S = 60.0
_PACKET_BYTES = 1 << 16     # of which the server reads twice as many; paths of Linux end at 4096
_TRIES = 3                  # a packet may be lost in a server that ends, of which the next one hears
_LOST = -signal.SIGKILL     # the exit code of one whose server was killed

Source = int | IO[bytes] | None


class Fork:
    """A process of a fork server, used as ``subprocess.Popen``. ``close`` after use."""

    def __init__(self, name: str, pidfd: int, control: socket.socket, pipes: Sequence[IO[bytes] | None]) -> None:
        self._name, self._pidfd, self._control = name, pidfd, control
        self.stdin, self.stdout, self.stderr = pipes
        self.returncode: int | None = None
        self._said = b''

    def kill(self) -> None:
        """Kill it, if it has not ended."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def wait(self, timeout_s: float | None = None) -> int:
        """The exit code once it has ended; that of a signal is negative. :raises subprocess.TimeoutExpired:"""
        if self.returncode is None:
            self._until(self._control.fileno(), None if timeout_s is None else time.monotonic() + timeout_s)
            said = b''
            with contextlib.suppress(OSError):
                said = self._control.recv(64)
            self.returncode = int(said) if said else _LOST
        return self.returncode

    def output(self, timeout_s: float) -> bytes:
        """All of its standard output once it has ended. To be called again after a time-out.

        :raises subprocess.TimeoutExpired: it has not ended.
        """
        assert self.stdout
        deadline = time.monotonic() + timeout_s
        while True:
            self._until(self.stdout.fileno(), deadline)
            piece = os.read(self.stdout.fileno(), _BLOCK)
            if not piece:
                break
            self._said += piece
        self.wait(max(deadline - time.monotonic(), 0))
        return self._said

    def _until(self, descriptor: int, deadline: float | None) -> None:
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        left_ms = None if deadline is None else max(deadline - time.monotonic(), 0) * 1000
        if not poller.poll(left_ms):
            raise subprocess.TimeoutExpired(self._name, 0)

    def close(self) -> None:
        """Kill it if it has not ended, and let go of all. Repeatable."""
        if self.returncode is None:
            self.kill()
            self.wait()
        for pipe in filter(None, (self.stdin, self.stdout, self.stderr)):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self._control.close()
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1


class ForkServer:
    """Starts processes through one server. ``close`` after use."""

    def __init__(self, argv: Sequence[str]) -> None:
        """:param argv: what to run as the server."""
        self._argv = argv
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def close(self) -> None:
        """Let the server end; what it has forked goes on to its end."""
        with self._lock:
            self._forget()

    def output(self, words: Sequence[str], *, stdin: Source = None, timeout_s: float = 30.0) -> bytes:
        """What a process says on standard output, whatever its exit code.

        :raises Unavailable: it did not end within ``timeout_s`` and was killed.
        """
        return self.watched(words, stdin=stdin, timeout_s=timeout_s)

    def watched(self, words: Sequence[str], *, stdin: Source = None, tick: Callable[[], None] | None = None,
                timeout_s: float) -> bytes:
        """As ``output``, calling ``tick`` ten times a second; the process is killed if that raises."""
        deadline = time.monotonic() + timeout_s
        with contextlib.closing(self.spawn(words, stdin=stdin, stdout=PIPE)) as fork:
            while True:
                left_s = deadline - time.monotonic()
                try:
                    return fork.output(left_s if tick is None else min(_TICK_S, left_s))
                except subprocess.TimeoutExpired:
                    if time.monotonic() >= deadline:
                        raise _too_long(words, timeout_s) from None
                    if tick is not None:
                        tick()

    def feed(self, words: Sequence[str], *, source: IO[bytes], timeout_s: float) -> bytes:
        """As ``output`` of a process that reads ``source``, any readable object, to its end.

        :raises Unavailable: it did not end within ``timeout_s`` after all was read, and was killed.
        """
        with contextlib.closing(self.spawn(words, stdin=PIPE, stdout=PIPE)) as fork:
            assert fork.stdin
            with contextlib.suppress(BrokenPipeError):
                while block := source.read(_BLOCK):
                    fork.stdin.write(block)
            with contextlib.suppress(BrokenPipeError):
                fork.stdin.close()
            try:
                return fork.output(timeout_s)
            except subprocess.TimeoutExpired:
                raise _too_long(words, timeout_s) from None

    def spawn(self, words: Sequence[str], *, stdin: Source = None, stdout: Source = None,
              stderr: Source = None) -> Fork:
        """Start a process; a stream that is None goes nowhere, ``PIPE`` makes a pipe.

        :raises Exhausted: no further process can be made.  :raises HostFailure: the server cannot be started.
        :raises InvalidRequest: the words are too long.
        """
        with contextlib.ExitStack() as theirs, contextlib.ExitStack() as undo:
            ends, pipes = [], []
            for source, mode in ((stdin, 'wb'), (stdout, 'rb'), (stderr, 'rb')):
                end, pipe = _ends(source, mode, theirs)
                ends.append(end)
                pipes.append(pipe)
                if pipe is not None:
                    undo.callback(pipe.close)
            pidfd, control = self._begin(words, ends)
            undo.pop_all()
        return Fork(words[0], pidfd, control, pipes)

    def _begin(self, words: Sequence[str], ends: Sequence[int]) -> tuple[int, socket.socket]:
        """The pidfd of a new process, and what will tell its exit code. A server that has just ended is replaced."""
        packet = json.dumps(list(words)).encode()
        if len(packet) > _PACKET_BYTES:
            raise errors.InvalidRequest(f'{words[0]}: a path or name of it is too long')
        for _ in range(_TRIES):
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with contextlib.ExitStack() as undo:
                undo.callback(ours.close)
                with theirs:
                    if not self._send(packet, [*ends, theirs.fileno()]):
                        continue
                ours.settimeout(_BEGIN_S)
                try:
                    said, descriptors, _, _ = socket.recv_fds(ours, 64, 1)
                except TimeoutError:
                    raise errors.Unavailable(f'{words[0]} did not begin within {_BEGIN_S:g} s') from None
                except OSError:
                    continue
                if said.startswith(b'-'):
                    raise errors.Exhausted(f'{words[0]} could not be started: {os.strerror(int(said[1:]))}')
                if descriptors:
                    ours.settimeout(None)
                    undo.pop_all()
                    return descriptors[0], ours
        raise errors.HostFailure(f'{words[0]} could not be started: its server ended each time')

    def _send(self, packet: bytes, descriptors: Sequence[int]) -> bool:
        """Whether the server could be told."""
        with self._lock:
            if self._socket is None:
                self._socket = self._started()
            try:
                socket.send_fds(self._socket, [packet], descriptors)
            except OSError:
                self._forget()
                return False
            return True

    def _started(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                server = process.spawn(self._argv, stdin=theirs.fileno(), new_session=True)
        except BaseException:
            ours.close()
            raise
        threading.Thread(target=server.wait, name='fork server', daemon=True).start()
        return ours

    def _forget(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _ends(source: Source, mode: str, theirs: contextlib.ExitStack) -> tuple[int, IO[bytes] | None]:
    """The descriptor for the process, and our end of the pipe if there is one."""
    if source == PIPE:
        reader, writer = os.pipe()
        end, own = (reader, writer) if mode == 'wb' else (writer, reader)
        theirs.callback(os.close, end)
        return end, open(own, mode, buffering=-1 if mode == 'wb' else 0)
    if source is None:
        end = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        theirs.callback(os.close, end)
        return end, None
    return (source if isinstance(source, int) else source.fileno()), None


def _too_long(words: Sequence[str], timeout_s: float) -> errors.Unavailable:
    return errors.Unavailable(f'{words[0]} did not end within {timeout_s:g} s and was killed')
