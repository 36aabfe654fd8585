# SPDX-License-Identifier: Apache-2.0
"""A client that says exactly what it is told to."""

import json
import pathlib
import socket
from types import TracebackType
from typing import Any


class RawClient:
    """A connection to the server's socket."""

    def __init__(self, path: pathlib.Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(5)
        self.socket.connect(str(path))
        self.file = self.socket.makefile('rb')

    def send(self, text: str | bytes) -> None:
        self.socket.sendall(text.encode() if isinstance(text, str) else text)

    def ask(self, method: str, target: str, body: bytes | None = None, headers: str = '') -> tuple[int, dict[str, str],
                                                                                                   bytes]:
        length = '' if body is None else f'Content-Length: {len(body)}\r\n'
        self.send(f'{method} {target} HTTP/1.1\r\nHost: x\r\n{length}{headers}\r\n'.encode() + (body or b''))
        return self.answer(has_body=method != 'HEAD')

    def answer(self, *, has_body: bool = True) -> tuple[int, dict[str, str], bytes]:
        """Status, headers in lower case, and body of the next answer."""
        status, headers = self.head()
        if not has_body:
            return status, headers, b''
        if headers.get('transfer-encoding') == 'chunked':
            return status, headers, b''.join(iter(self._chunk, b''))
        return status, headers, self.file.read(int(headers.get('content-length', 0)))

    def head(self) -> tuple[int, dict[str, str]]:
        line = self.file.readline()
        if not line:
            raise EOFError('the server hung up')
        headers = {}
        while (field := self.file.readline().strip()):
            name, _, value = field.decode().partition(':')
            headers[name.lower()] = value.strip()
        return int(line.split()[1]), headers

    def _chunk(self) -> bytes:
        data = self.file.read(int(self.file.readline(), 16))
        self.file.readline()
        return data

    def document(self, method: str, target: str, body: object = None) -> tuple[int, Any]:
        status, _, content = self.ask(method, target, None if body is None else json.dumps(body).encode())
        return status, json.loads(content) if content.strip() else None

    def is_closed(self) -> bool:
        """Whether the server hung up, or does so soon."""
        try:
            return self.file.read(1) == b''
        except OSError:
            return False

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def __enter__(self) -> 'RawClient':
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self.close()
