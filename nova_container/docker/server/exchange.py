# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 on one connection: h11 knows the protocol, this feeds it and bounds it."""

import io
import time
from collections.abc import Iterator

import h11

from nova_container import errors
from nova_container.docker.server.client import Client
from nova_container.docker.server.limits import Limits

_HEAD_READ = 16 * 1024
_BODY_READ = 256 * 1024
_DRAIN_BYTES = 4 * 1024 * 1024


class TooLarge(errors.InvalidRequest):
    """A body is larger than its endpoint takes."""


class Exchange:
    """Requests in, answers out, over and over."""

    def __init__(self, client: Client, limits: Limits) -> None:
        self.client = client
        self._limits = limits
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.head_bytes)

    def next_request(self) -> h11.Request | None:
        """The next request's head; None if the client is done.

        :raises h11.RemoteProtocolError: this is not HTTP, or it is too much.
        :raises OSError: it did not come in time.
        """
        deadline: float | None = None
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Request):
                return event
            if isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
                return None
            now = time.monotonic()
            if deadline is None and self._http.trailing_data[0]:
                deadline = now + self._limits.head_s
            wait_s = self._limits.idle_s if deadline is None else deadline - now
            if wait_s <= 0:
                raise TimeoutError('the head of the request did not come in time')
            self._http.receive_data(self.client.receive(_HEAD_READ, wait_s))
            deadline = deadline or time.monotonic() + self._limits.head_s

    def body(self) -> Iterator[bytes]:
        """The body in pieces as they come. :raises InvalidRequest: it breaks off, or breaks the protocol."""
        while True:
            try:
                if self._http.they_are_waiting_for_100_continue:
                    self._send(h11.InformationalResponse(status_code=100, headers=[]))
                event = self._http.next_event()
                if event is h11.NEED_DATA:
                    self._http.receive_data(self.client.receive(_BODY_READ))
                elif isinstance(event, h11.Data):
                    yield bytes(event.data)
                else:
                    return
            except h11.RemoteProtocolError as error:
                raise errors.InvalidRequest(f'The body is broken: {error}') from None

    def whole_body(self) -> bytes:
        """The body, if it is a small one. :raises TooLarge:"""
        content = bytearray()
        for piece in self.body():
            content += piece
            if len(content) > self._limits.json_bytes:
                raise TooLarge(f'The body is larger than {self._limits.json_bytes} bytes')
        return bytes(content)

    def send_head(self, status: int, headers: list[tuple[str, str]]) -> None:
        self._send(h11.Response(status_code=status, headers=headers))

    def send_piece(self, data: bytes) -> None:
        if data:
            self._send(h11.Data(data=data))

    def send_end(self) -> None:
        self._send(h11.EndOfMessage())

    def send_whole(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """A whole answer in one write."""
        parts = [self._http.send(h11.Response(status_code=status, headers=headers))]
        if body:
            parts.append(self._http.send(h11.Data(data=body)))
        parts.append(self._http.send(h11.EndOfMessage()))
        self.client.send(b''.join(part for part in parts if part))

    def begin_next(self) -> bool:
        """Make ready for another request; False if this connection must end."""
        if self._http.they_are_waiting_for_100_continue:
            return False
        drained = 0
        try:
            while self._http.their_state is h11.SEND_BODY:
                for piece in self.body():
                    drained += len(piece)
                    if drained > _DRAIN_BYTES:
                        return False
        except errors.InvalidRequest:
            return False  # what is left of the body is broken, and the request was answered without it
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    def leave_http(self, head: bytes) -> bytes:
        """Answer with this head and stop to be HTTP; returns what the client sent already."""
        self.client.send(head)
        return bytes(self._http.trailing_data[0])

    def can_answer(self) -> bool:
        return self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE)

    def linger(self) -> None:
        """Take what the client still sends for a moment, so that it reads our answer before a reset."""
        self.client.end_output()
        deadline = time.monotonic() + 2.0
        try:
            while (left_s := deadline - time.monotonic()) > 0 and self.client.receive(_BODY_READ, left_s):
                pass
        except OSError:
            return

    def _send(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            self.client.send(data)


class BodyFile(io.RawIOBase):
    """The body of a request as a file, read as it comes."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b'')

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b''))
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size
