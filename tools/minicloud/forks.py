# SPDX-License-Identifier: Apache-2.0
"""`up`'s side of the fork servers: ask for a process, learn of its end."""

import collections
import contextlib
import json
import pathlib
import socket
import subprocess
import sys
import threading

from tools.minicloud import errors
from tools.minicloud import processes
from tools.minicloud import program as programs


class Nurseries:
    """All fork servers of one `up`; use as a context manager."""

    def __init__(self, home: pathlib.Path, log: pathlib.Path,
                 projects: tuple[str, ...]) -> None:
        pairs = {name: socket.socketpair() for name in projects}
        theirs = {name: pair[1].fileno() for name, pair in pairs.items()}
        env = processes.environment(home, {
            'OS_NOVA_DISABLE_EVENTLET_PATCHING': '1', 'SPT_NOENV': '1',
            'PYTHONPATH': str(pathlib.Path(__file__).parents[2])})
        with processes.open_log(log) as output:
            self._process = subprocess.Popen(
                [sys.executable, '-m', 'tools.minicloud.nursery',
                 json.dumps(theirs)], env=env, pass_fds=theirs.values(),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True)
        self._nurseries = {name: _Nursery(pair[0])
                           for name, pair in pairs.items()}
        for _, child_end in pairs.values():
            child_end.close()

    def spawn(self, program: programs.Program, log: pathlib.Path) -> int:
        """Fork a program and return its pid at once."""
        return self._nurseries[program.project].spawn(program, log)

    def wait(self, program: programs.Program, pid: int,
             cancelled: threading.Event) -> int:
        """Wait for the end of a forked program; its exit code.

        Raises MinicloudError if the fork server ends or the wait is cancelled.
        """
        return self._nurseries[program.project].wait(pid, cancelled)

    def __enter__(self) -> 'Nurseries':
        return self

    def __exit__(self, *_) -> None:
        for nursery in self._nurseries.values():
            nursery.close()
        self._process.terminate()
        self._process.wait()


class _Nursery:
    """One fork server: requests out, pids and exit codes in."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._asking = threading.Lock()
        self._changed = threading.Condition()
        self._pids: collections.deque[int] = collections.deque()
        self._codes: dict[int, int] = {}
        self._closed = False
        threading.Thread(target=self._listen, daemon=True).start()

    def spawn(self, program: programs.Program, log: pathlib.Path) -> int:
        request = {'program': program.to_json(), 'log': str(log)}
        with self._asking:
            self._connection.sendall(json.dumps(request).encode() + b'\n')
            with self._changed:
                self._changed.wait_for(lambda: self._pids or self._closed)
                self._refuse_if_closed()
                return self._pids.popleft()

    def wait(self, pid: int, cancelled: threading.Event) -> int:
        with self._changed:
            while pid not in self._codes:
                self._refuse_if_closed()
                if cancelled.is_set():
                    raise errors.MinicloudError('A wait was given up.')
                self._changed.wait(0.5)
            return self._codes.pop(pid)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise errors.MinicloudError(
                'A fork server died; `minicloud logs nursery` says why.')

    def _listen(self) -> None:
        try:
            for line in self._connection.makefile('rb'):
                self._hear(json.loads(line))
        except OSError:
            pass
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _hear(self, message: dict) -> None:
        with self._changed:
            if 'pid' in message:
                self._pids.append(message['pid'])
            else:
                self._codes[message['ended']] = message['code']
            self._changed.notify_all()
