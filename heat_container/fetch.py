# SPDX-License-Identifier: Apache-2.0
"""Archives from web servers that a tenant names: no way for it to reach what only heat-engine reaches.

The name is looked up once, every address of it is judged, and the connection goes to an address that was judged; no
redirect is followed, as that would name another server.
"""

import contextlib
import hashlib
import hmac
import ssl
from collections.abc import Callable, Generator, Iterator
from urllib.parse import urlsplit

import urllib3

from nova_container import errors

_CHUNK = 1 << 20
_PORTS = {'http': 80, 'https': 443}
_TIMEOUT = urllib3.Timeout(connect=10.0, read=60.0)

Resolver = Callable[[str, int], str]
"""From a host and a port to the address to connect to. :raises Denied: a tenant may not reach it."""


def pieces(url: str, resolve: Resolver, *, sha256: str = '') -> Iterator[bytes]:
    """The body at an http or https URL; verified at its end if ``sha256`` (hexadecimal) is given.

    :raises InvalidRequest: it is no such URL, or is not there.  :raises DigestMismatch: other bytes came.
    :raises Denied: ``resolve`` refuses the server.  :raises Unavailable: the server does not answer.
    """
    try:
        parts = urlsplit(url)
        host, given = parts.hostname, parts.port
    except ValueError:
        raise errors.InvalidRequest(f'{url}: this is no URL') from None
    if parts.scheme not in _PORTS or not host or parts.username or parts.password:
        raise errors.InvalidRequest(f'{url}: give an http or https URL without a user')
    port = given or _PORTS[parts.scheme]
    address = resolve(host, port)
    target = f'{parts.path or "/"}{"?" + parts.query if parts.query else ""}'
    hashed = hashlib.sha256()
    with _connected(parts.scheme, host, address, port) as pool:
        for piece in _body(pool, target, url, parts.netloc):
            hashed.update(piece)
            yield piece
    if sha256 and not hmac.compare_digest(hashed.hexdigest(), sha256.lower().removeprefix('sha256:')):
        raise errors.DigestMismatch(url, sha256, hashed.hexdigest())


@contextlib.contextmanager
def _connected(scheme: str, host: str, address: str, port: int) -> Iterator[urllib3.HTTPConnectionPool]:
    """A pool to an address, whose certificate must be that of the host."""
    if scheme == 'https':
        pool: urllib3.HTTPConnectionPool = urllib3.HTTPSConnectionPool(
            address, port, timeout=_TIMEOUT, retries=False, server_hostname=host, assert_hostname=host,
            ssl_context=ssl.create_default_context())
    else:
        pool = urllib3.HTTPConnectionPool(address, port, timeout=_TIMEOUT, retries=False)
    with pool:
        yield pool


def _body(pool: urllib3.HTTPConnectionPool, target: str, url: str, netloc: str) -> Generator[bytes, None, None]:
    try:
        response = pool.urlopen('GET', target, headers={'Host': netloc, 'Accept-Encoding': 'identity'},
                                redirect=False, preload_content=False)
        try:
            if response.status != 200:
                raise errors.InvalidRequest(f'{url}: the server answered {response.status}; redirects are not followed')
            yield from response.stream(_CHUNK, decode_content=False)
        finally:
            response.close()
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise errors.Unavailable(f'{url}: {error}') from error
