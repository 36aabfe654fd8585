# SPDX-License-Identifier: Apache-2.0
"""The one at the other end of a connection."""

import fcntl
import select
import socket
import struct
import termios
import time

_UCRED = struct.Struct('3i')
_SO_PEERGROUPS = 59
_MOST_GROUPS = 256  # what getsockopt of Python has room for


class Client:
    """A connected socket with bounded waits: one that stalls is as good as gone."""

    def __init__(self, sock: socket.socket, stall_s: float) -> None:
        self._socket = sock
        self._stall_s = stall_s
        self._timeout_s = stall_s
        sock.settimeout(stall_s)

    @property
    def uid(self) -> int:
        """Who opened the connection, as the kernel says (unix(7), SO_PEERCRED)."""
        return self._credentials[1]

    @property
    def gid(self) -> int:
        """The group of that process."""
        return self._credentials[2]

    @property
    def groups(self) -> tuple[int, ...]:
        """Its further groups (Linux 4.13, SO_PEERGROUPS); none if they are too many to tell."""
        try:
            found = self._socket.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 4 * _MOST_GROUPS)
        except OSError:
            return ()
        return struct.unpack(f'{len(found) // 4}i', found)

    @property
    def _credentials(self) -> tuple[int, int, int]:
        pid, uid, gid = _UCRED.unpack(self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
        return pid, uid, gid

    def fileno(self) -> int:
        return self._socket.fileno()

    def receive(self, size: int, timeout_s: float | None = None) -> bytes:
        """What has arrived, b'' at the end. :raises OSError: gone, or nothing came in time."""
        self._wait_at_most(self._stall_s if timeout_s is None else timeout_s)
        return self._socket.recv(size)

    def receive_forever(self, size: int) -> bytes:
        """What has arrived, however long that takes: a person may be typing."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN | select.POLLHUP)
        poll.poll()
        return self.receive(size)

    def send(self, data: bytes) -> None:
        """:raises OSError: gone, or it took nothing for too long."""
        self._wait_at_most(self._stall_s)
        self._socket.sendall(data)

    def wait_until_taken(self, timeout_s: float) -> None:
        """Wait until the client has read all that was sent (unix(7), SIOCOUTQ), or the time is over."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and not self.is_gone():
            if not struct.unpack('i', fcntl.ioctl(self._socket, termios.TIOCOUTQ, bytes(4)))[0]:
                return
            time.sleep(0.0001)

    def is_gone(self) -> bool:
        """Whether the client closed its end altogether; one that only stopped sending is still there."""
        poll = select.poll()
        poll.register(self._socket, 0)
        return any(events & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, events in poll.poll(0))

    def end_output(self) -> None:
        """Tell the client that no more will come. Silent if it is gone."""
        self._shutdown(socket.SHUT_WR)

    def hang_up_input(self) -> None:
        """Take no more, which wakes a thread that waits for input."""
        self._shutdown(socket.SHUT_RD)

    def hang_up(self) -> None:
        """End both directions, which wakes a thread that waits for either."""
        self._shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._socket.close()

    def _shutdown(self, how: int) -> None:
        try:
            self._socket.shutdown(how)
        except OSError:
            return

    def _wait_at_most(self, timeout_s: float) -> None:
        if timeout_s != self._timeout_s:
            self._socket.settimeout(timeout_s)
            self._timeout_s = timeout_s
