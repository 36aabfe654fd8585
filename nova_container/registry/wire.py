# SPDX-License-Identifier: Apache-2.0
"""Requests to one registry and to where it sends us: every redirect judged, nothing secret told to another host."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from urllib.parse import urljoin, urlsplit

import urllib3

from nova_container import errors
from nova_container.registry import address
from nova_container.registry.place import Place
from nova_container.registry.settings import RegistrySettings

Response = urllib3.BaseHTTPResponse
Body = Callable[[], bytes | Iterable[bytes]]
"""Makes the body anew for each time it is sent."""

MAX_DOCUMENT_BYTES = 4 << 20
_REDIRECTS = (301, 302, 303, 307, 308)
_HOPS = 5
_POOL = 16
_AGENT = 'nova-container'

# An operator, or Docker's rule for loopback, has said which certificates are not checked.
urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)


class Wire:
    """Connections to a registry at one place. Safe for many threads."""

    def __init__(self, place: Place, settings: RegistrySettings) -> None:
        self.place = place
        self._settings = settings
        self._near = {address.reach(one) for one in address.resolve(place.host, place.port)}
        self._own = self._pool(place, place.host)
        self._others: dict[tuple[str, str, int, str], urllib3.HTTPConnectionPool] = {}
        self._lock = threading.Lock()

    def send(self, method: str, target: str, *, headers: Mapping[str, str], secret: Mapping[str, str],
             body: Body | None = None) -> tuple[Response, str]:
        """Ask the registry; a GET or HEAD follows redirects. Returns the answer and the URL it came from.

        :param target: a path, or a URL that the registry gave.  :param secret: headers for the registry only.
        :raises Unavailable: it cannot be reached.  :raises Denied: it sends us where we do not go.
        """
        url = urljoin(self.place.url + '/', target)
        for _ in range(_HOPS):
            sent = {**headers, **(secret if self._is_own(url) else {})}
            response = self._once(method, url, sent, body)
            location = response.headers.get('Location')
            if response.status not in _REDIRECTS or method not in ('GET', 'HEAD') or not location:
                return response, url
            response.drain_conn()
            url = urljoin(url, location)
        raise errors.Unavailable(f'{self.place.url} sends us around in a circle')

    def ask_other(self, method: str, url: str, headers: Mapping[str, str], body: Body | None = None) -> Response:
        """Ask whomever the registry named, once, without following a redirect; judged as redirects are."""
        return self._once(method, url, dict(headers), body)

    def _is_own(self, url: str) -> bool:
        return _origin(url) == (self.place.scheme, self.place.host.lower(), self.place.port)

    def _once(self, method: str, url: str, headers: dict[str, str], body: Body | None) -> Response:
        parts = urlsplit(url)
        target = (parts.path or '/') + (f'?{parts.query}' if parts.query else '')
        if self._is_own(url):
            return self._through(self._own, method, target, self.place.url, headers, body)
        scheme, host, port = _origin(url)
        if scheme == 'http' and self.place.scheme == 'https':
            raise errors.Denied(f'{self.place.url} sends us to {host[:253]} without TLS: refused')
        found = address.allowed(host, port, self._near)
        for one in found[:-1]:
            with contextlib.suppress(errors.Unavailable):
                return self._through(self._other(scheme, host, port, str(one)), method, target, host,
                                     {**headers, 'Host': parts.netloc.rpartition('@')[2]}, body)
        return self._through(self._other(scheme, host, port, str(found[-1])), method, target, host,
                             {**headers, 'Host': parts.netloc.rpartition('@')[2]}, body)

    def _through(self, pool: urllib3.HTTPConnectionPool, method: str, target: str, name: str,
                 headers: dict[str, str], body: Body | None) -> Response:
        with reachable(name):
            return pool.urlopen(method, target, body=body() if body else None, retries=False, redirect=False,
                                headers={'User-Agent': _AGENT, **headers}, preload_content=False,
                                decode_content=False, pool_timeout=int(self._settings.idle_s) + 1)

    def _other(self, scheme: str, host: str, port: int, at: str) -> urllib3.HTTPConnectionPool:
        """The pool of a host that the registry named; its port on the registry's own host is trusted alike."""
        key = (scheme, host, port, at)
        with self._lock:
            if key not in self._others:
                trust = self.place.trust if scheme == 'https' and host == self.place.host else None
                self._others[key] = self._pool(Place(scheme, host, port, trust), at)
            return self._others[key]

    def _pool(self, place: Place, at: str) -> urllib3.HTTPConnectionPool:
        timeout = urllib3.Timeout(connect=self._settings.connect_s, read=self._settings.idle_s)
        if place.scheme == 'http':
            return urllib3.HTTPConnectionPool(at, place.port, maxsize=_POOL, timeout=timeout)
        trust = {'ssl_context': place.trust} if place.trust else {'cert_reqs': 'CERT_REQUIRED'}
        return urllib3.HTTPSConnectionPool(at, place.port, maxsize=_POOL, timeout=timeout,
                                           server_hostname=place.host, **trust)

    def close(self) -> None:
        for pool in (self._own, *self._others.values()):
            pool.close()


def document(response: Response) -> bytes:
    """The body of an answer that must be small. :raises UnacceptableImage: it is not."""
    with reachable('the registry'):
        content = bytearray()
        for piece in response.stream(1 << 16, decode_content=True):
            content += piece
            if len(content) > MAX_DOCUMENT_BYTES:
                response.close()
                raise errors.UnacceptableImage(f'The registry answered more than {MAX_DOCUMENT_BYTES} bytes')
        response.release_conn()
    return bytes(content)


@contextlib.contextmanager
def reachable(name: str) -> Iterator[None]:
    """Turn what a connection may raise into ``Unavailable``."""
    try:
        yield
    except urllib3.exceptions.NewConnectionError as error:  # which is a timeout to urllib3, whatever happened
        raise errors.Unavailable(f'{name} cannot be reached: {_reason(error)}') from error
    except (urllib3.exceptions.TimeoutError, TimeoutError) as error:
        raise errors.Unavailable(f'{name} did not answer in time') from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise errors.Unavailable(f'{name} cannot be reached: {_reason(error)}') from error


def _reason(error: BaseException) -> str:
    """The cause that a person understands, without the layers urllib3 puts around it."""
    cause = next((one for one in (*reversed(error.args), error.__cause__) if isinstance(one, BaseException)), None)
    return _reason(cause) if cause else str(error)[:300]


def _origin(url: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == 'https' else 80)
    except ValueError:
        raise errors.Denied(f'The registry sends us to {url[:253]!r}, which is no URL') from None
    if parts.scheme not in ('http', 'https') or not parts.hostname:
        raise errors.Denied(f'The registry sends us to {url[:253]!r}: refused')
    return parts.scheme, parts.hostname.lower(), port
