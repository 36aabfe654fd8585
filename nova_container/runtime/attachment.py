# SPDX-License-Identifier: Apache-2.0
"""A session with a container's first process, over conmon's socket.

conmon sends packets whose first byte names the stream (2 output, 3 errors); what is sent to it is
standard input, which ends when our sending side is shut.
"""

import contextlib
import os
import socket
import threading
from pathlib import Path

from nova_container import errors
from nova_container.engine.base import Session
from nova_container.engine.state import StreamName

_PACKET = 1 << 15
_STREAMS = {2: StreamName.STDOUT, 3: StreamName.STDERR}


class Attachment(Session):
    """Usable at once; it reads from the moment ``connect`` was called, which ``start`` does for waiting ones."""

    def __init__(self) -> None:
        self._ready = threading.Event()
        self._socket: socket.socket | None = None
        self._closed = False

    def connect(self, bundle: Path) -> None:
        """Join the process of a bundle. :raises Unavailable: its monitor is gone."""
        folder = os.open(bundle, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            connection.connect(f'/proc/self/fd/{folder}/attach')  # a socket's path is at most 107 bytes long
        except OSError as error:
            connection.close()
            raise errors.Unavailable(f'The monitor of {bundle.name} does not answer: {error.strerror}') from error
        finally:
            os.close(folder)
        self._socket = connection
        if self._closed:
            connection.close()
        self._ready.set()

    def read(self) -> tuple[StreamName, bytes] | None:
        self._ready.wait()
        while self._socket is not None and not self._closed:
            try:
                packet = self._socket.recv(_PACKET)
            except OSError:
                return None
            if not packet:
                return None
            if len(packet) > 1 and packet[0] in _STREAMS:
                return _STREAMS[packet[0]], packet[1:]
        return None

    def write(self, data: bytes) -> None:
        self._ready.wait()
        with contextlib.suppress(OSError):
            for offset in range(0, len(data), _PACKET):
                if self._socket is not None:
                    self._socket.send(data[offset:offset + _PACKET])

    def close_stdin(self) -> None:
        self._ready.wait()
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._closed = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
        self._ready.set()
