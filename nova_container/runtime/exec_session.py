# SPDX-License-Identifier: Apache-2.0
"""The streams of a child of the engine as a session."""

import contextlib
import os
import selectors
import threading

from nova_container.engine.base import Session
from nova_container.engine.state import StreamName

_BLOCK = 1 << 16
_EXIT_S = 1.0  # a process may have closed its output and go on


class ExecSession(Session):
    """Streams of a child by descriptor; what is not read after ``close`` is drained, so that the child never blocks."""

    def __init__(self, outputs: dict[int, StreamName], stdin: int | None, ended: threading.Event) -> None:
        """:param ended: set once the exit code is known, which whoever has read all asks for next."""
        self._ended = ended
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
        if not self._closed:
            self._ended.wait(_EXIT_S)
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
