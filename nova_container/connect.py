# SPDX-License-Identifier: Apache-2.0
"""Where callers get their engine: plain values in, a contract out."""

import ssl

from nova_container.docker.dialing import Judge
from nova_container.docker.endpoint import TlsFiles
from nova_container.docker.engine import DockerEngine
from nova_container.engine import Engine

__all__ = ['TlsFiles', 'connect']


def connect(url: str, *, tls: TlsFiles | ssl.SSLContext | None = None, server_name: str = '',
            judge: Judge | None = None, timeout_s: float = 60.0) -> Engine:
    """An engine at a URL, ``unix:///run/nova-container/engine.sock`` or ``tcp://host:2376``; connects when used.

    :param tls: paths of PEM files, or a context made of them, for tcp.
    :param server_name: the name in the engine's certificate; '' is the host of the URL.
    :param judge: told each address before a connection to it is made, and raises ``Denied``; no unix socket then.
    :param timeout_s: how long the engine may be silent before it counts as ``Unavailable``.
    :raises InvalidRequest: the URL or a file of TLS is wrong.
    """
    return DockerEngine(url, tls=tls, server_name=server_name, judge=judge, timeout_s=timeout_s)
