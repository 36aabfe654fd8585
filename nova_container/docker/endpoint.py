# SPDX-License-Identifier: Apache-2.0
"""Where a Docker Engine API is: its URL and the files of TLS."""

import dataclasses
import socket
import ssl
from urllib.parse import urlsplit

from nova_container import errors
from nova_container.docker import dialing

_TLS_PORT = 2376
_PORT = 2375


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """Paths of PEM files: who may be trusted, and who we are."""

    ca: str
    cert: str
    key: str


@dataclasses.dataclass(frozen=True, slots=True)
class Endpoint:
    """A unix socket, or a host and port, with TLS if files or a context of it are given.

    ``server_name`` is the name in the engine's certificate, '' its host; ``judge`` is asked before each connection.
    """

    socket_path: str | None = None
    host: str = 'localhost'
    port: int = 0
    tls: TlsFiles | ssl.SSLContext | None = None
    server_name: str = ''
    judge: dialing.Judge | None = None

    @classmethod
    def of(cls, url: str, tls: TlsFiles | ssl.SSLContext | None = None, *, server_name: str = '',
           judge: dialing.Judge | None = None) -> 'Endpoint':
        """``unix:///path``, ``tcp://host:port``, ``http://`` or, with TLS only, ``https://``.

        :raises InvalidRequest: another form.
        """
        parts = urlsplit(url)
        if parts.scheme == 'unix' and parts.path.startswith('/') and not parts.netloc and judge is None:
            return cls(socket_path=parts.path)
        if parts.scheme not in ('tcp', 'http', 'https') or not parts.hostname:
            raise errors.InvalidRequest(f'{url!r} is no engine: use unix:///path or tcp://host:port')
        if parts.scheme == 'https' and tls is None:
            raise errors.InvalidRequest(f'{url!r} needs the files of TLS: ca, cert and key')
        return cls(host=parts.hostname, port=parts.port or (_TLS_PORT if tls else _PORT), tls=tls,
                   server_name=server_name, judge=judge)

    def __str__(self) -> str:
        if self.socket_path is not None:
            return f'unix://{self.socket_path}'
        return f'{"https" if self.tls else "http"}://{self.host}:{self.port}'

    def ssl_context(self) -> ssl.SSLContext | None:
        """:raises InvalidRequest: a file of TLS is missing or wrong."""
        if self.tls is None or isinstance(self.tls, ssl.SSLContext):
            return self.tls
        try:
            context = ssl.create_default_context(cafile=self.tls.ca)
            context.load_cert_chain(self.tls.cert, self.tls.key)
        except (OSError, ssl.SSLError) as error:
            raise errors.InvalidRequest(f'The files of TLS for {self} cannot be used: {error}') from error
        return context

    def open(self, timeout_s: float) -> socket.socket:
        """A connection of its own. :raises OSError:"""
        if self.socket_path is not None:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.settimeout(timeout_s)
            try:
                sock.connect(self.socket_path)
            except OSError:
                sock.close()
                raise
            return sock
        if self.judge is None:
            plain = socket.create_connection((self.host, self.port), timeout_s)
        else:
            plain = dialing.dial(self.host, self.port, timeout_s, self.judge)
        context = self.ssl_context()
        return plain if context is None else context.wrap_socket(plain, server_hostname=self.server_name or self.host)
