# SPDX-License-Identifier: Apache-2.0
"""Pseudo terminals."""

import contextlib
import fcntl
import os
import pty
import socket
import struct
import termios
import tty
from collections.abc import Callable
from pathlib import Path

_PAUSE_S = 0.02


def open_raw() -> tuple[int, int]:
    """A new pair (ours, theirs) of descriptors that passes bytes through unchanged; both for the caller to close."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    os.set_inheritable(ours, False)
    return ours, theirs


def resize(descriptor: int, rows: int, columns: int) -> None:
    """Set the size of a terminal."""
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))


class ConsoleSocket:
    """A socket on which an OCI runtime hands over the terminal of a process that it started."""

    def __init__(self, path: Path) -> None:
        """:param path: where the socket is made, and gone afterwards; its folder may be named by any length."""
        self._folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._path = path
        self.path = f'/proc/{os.getpid()}/fd/{self._folder}/{path.name}'  # a socket's path is at most 107 bytes long
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(self.path)
        self._socket.listen(1)
        self._socket.settimeout(_PAUSE_S)

    def __enter__(self) -> 'ConsoleSocket':
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        os.close(self._folder)
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()

    def receive(self, alive: Callable[[], bool]) -> int | None:
        """The terminal's descriptor, for the caller to close; None if the runtime is not ``alive`` and sent none."""
        while True:
            last = not alive()
            try:
                connection, _ = self._socket.accept()
                break
            except TimeoutError:
                if last:
                    return None
        with connection:
            descriptors = socket.recv_fds(connection, 256, 1)[1]
        return descriptors[0] if descriptors else None
