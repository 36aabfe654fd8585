# SPDX-License-Identifier: Apache-2.0
"""A session with a container's first process, over conmon's socket.

conmon sends packets whose first byte names the stream (2 output, 3 errors); what is sent to it is
standard input, which ends when our sending side is shut.
"""

import collections
import contextlib
import logging
import os
import socket
import threading
from pathlib import Path

from nova_container import errors
from nova_container.engine.base import Session
from nova_container.engine.state import StreamName

LOG = logging.getLogger(__name__)

_PACKET = 1 << 15
_PENDING_BYTES = 1 << 20
_STALL_S = 10.0
_STREAMS = {2: StreamName.STDOUT, 3: StreamName.STDERR}


class Attachment(Session):
    """Usable at once; it reads from the moment ``connect`` was called, which ``start`` does for waiting ones.

    conmon, and so the container, waits for a client that does not read. So a thread of ours reads, holds the output
    back while the client is slow, and ends the session of one that took nothing for a while.
    """

    def __init__(self) -> None:
        self._ready = threading.Event()
        self._socket: socket.socket | None = None
        self._changed = threading.Condition()
        self._pieces: collections.deque[tuple[StreamName, bytes]] = collections.deque()
        self._pending_bytes = 0
        self._ended = False
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
        with self._changed:
            if self._closed:
                connection.close()
                return
            self._socket = connection
        threading.Thread(target=self._receive, args=(connection,), name='attachment', daemon=True).start()
        self._ready.set()

    def _receive(self, connection: socket.socket) -> None:
        """Take packets to the end; the socket is closed here and nowhere else, so that its number is not reused."""
        with connection:
            with contextlib.suppress(OSError):
                while (packet := connection.recv(_PACKET)) and self._keep(packet):
                    pass
            with self._changed:
                self._ended = True
                self._socket = None
                self._changed.notify_all()

    def _keep(self, packet: bytes) -> bool:
        """Queue a packet for the client; False if it has left, or reads nothing any more."""
        if len(packet) < 2 or packet[0] not in _STREAMS:
            return True
        with self._changed:
            before = None
            while self._pending_bytes > _PENDING_BYTES and not self._closed:
                if before == self._pending_bytes:
                    LOG.warning('A client that read nothing for %g s was detached', _STALL_S)
                    return False
                before = self._pending_bytes
                self._changed.wait(_STALL_S)
            self._pieces.append((_STREAMS[packet[0]], packet[1:]))
            self._pending_bytes += len(packet)
            self._changed.notify_all()
            return not self._closed

    def read(self) -> tuple[StreamName, bytes] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._pieces or self._ended or self._closed)
            if self._closed or not self._pieces:
                return None
            stream, data = self._pieces.popleft()
            self._pending_bytes -= len(data) + 1
            self._changed.notify_all()
            return stream, data

    def write(self, data: bytes) -> None:
        self._ready.wait()
        with contextlib.suppress(OSError):
            for offset in range(0, len(data), _PACKET):
                if (connection := self._socket) is not None:
                    connection.send(data[offset:offset + _PACKET])

    def close_stdin(self) -> None:
        self._ready.wait()
        if (connection := self._socket) is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)
            self._changed.notify_all()
        self._ready.set()
