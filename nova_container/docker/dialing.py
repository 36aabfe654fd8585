# SPDX-License-Identifier: Apache-2.0
"""Connections whose address is judged: the name is looked up, each address judged, and only a judged one connected to.

So a name that means another address the next time (DNS rebinding) gains nothing.
"""

import socket
from collections.abc import Callable
from typing import Any

import urllib3

from nova_container import errors

Judge = Callable[[str], None]
"""Told each address before a connection to it is made. :raises Denied: it must not be."""


def addresses(host: str, port: int, judge: Judge) -> list[str]:
    """What a host is now. :raises Denied: one address of it is not allowed. :raises Unavailable: nothing is known."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise errors.Unavailable(f'{host} cannot be looked up: {error}') from error
    known = list(dict.fromkeys(str(each[4][0]) for each in found))
    for address in known:
        judge(address)
    return known


def dial(host: str, port: int, timeout_s: float | None, judge: Judge) -> socket.socket:
    """A connection to the first address that answers. :raises OSError: none does. :raises Denied:"""
    last: OSError = OSError(f'{host} has no address')
    for address in addresses(host, port, judge):
        try:
            return socket.create_connection((address, port), timeout_s)
        except OSError as error:
            last = error
    raise last


def connection_class(base: type[Any], judge: Judge) -> type[Any]:
    """One of urllib3's classes of connections that dials so. (Its constructors take nothing of ours.)"""

    class Judged(base):  # type: ignore[misc]
        def _new_conn(self) -> socket.socket:
            timeout = self.timeout if isinstance(self.timeout, (int, float)) else None
            try:
                return dial(self.host, self.port, timeout, judge)
            except OSError as error:
                raise urllib3.exceptions.NewConnectionError(self, str(error)) from error

    return Judged
