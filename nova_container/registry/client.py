# SPDX-License-Identifier: Apache-2.0
"""One registry, and one repository in it: the verbs of the distribution API."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from nova_container import errors
from nova_container.engine.registry import Credentials
from nova_container.image import digest as digests
from nova_container.image import manifest as manifests
from nova_container.registry import answers, place, wire
from nova_container.registry.authority import Authority
from nova_container.registry.place import Place
from nova_container.registry.settings import RegistrySettings
from nova_container.registry.wire import Body, Response, Wire

_MANIFESTS = ', '.join((manifests.OCI_INDEX, manifests.OCI_MANIFEST, manifests.DOCKER_LIST, manifests.DOCKER_MANIFEST))
_PAGE = 1000
_PAGES = 100


class Registry:
    """A registry that answered. Made by ``connect``; close it when done.

    :ivar domain: as in references, ``docker.io`` or ``host:port``.
    """

    def __init__(self, domain: str, through: Wire, authority: Authority, settings: RegistrySettings) -> None:
        self.domain, self.settings = domain, settings
        self._wire, self._authority = through, authority

    @classmethod
    def connect(cls, domain: str, settings: RegistrySettings, credentials: Credentials | None = None, *,
                reading: bool = False) -> 'Registry':
        """Find the registry of a domain.

        :param reading: mirrors do as well.
        :raises Unavailable: it cannot be reached; the text says why, of the place that is trusted most.
        """
        places = place.of(domain, settings)
        if reading and domain == place.HUB:
            places = (*place.mirrors(settings), *places)
        failures: list[errors.Unavailable] = []
        for one in places:
            try:
                return cls._at(one, domain, settings, credentials if one.host == places[-1].host else None)
            except errors.Unavailable as error:
                failures.append(error)
        raise failures[-1 if len(places) > 1 else 0]

    @classmethod
    def _at(cls, one: Place, domain: str, settings: RegistrySettings, credentials: Credentials | None) -> 'Registry':
        through = Wire(one, settings)
        try:
            response, _ = through.send('GET', '/v2/', headers={}, secret={})
            wire.document(response)
            if response.status not in (200, 401, 403):
                raise errors.Unavailable(f'{one.url} is no registry: it answered {response.status} to /v2/')
        except BaseException:
            through.close()
            raise
        return cls(domain, through, Authority(domain, through, settings, credentials), settings)

    def ask(self, method: str, target: str, what: str, *, scope: str = '', headers: Mapping[str, str] | None = None,
            body: Body | None = None, accepted: tuple[int, ...] = (200,)) -> Response:
        """Send a request, show who we are if that is asked for, and return its answer, whose body is yet to be read.

        :param what: names what is asked for in the text of an error.
        :raises ImageNotFound: :raises Denied: :raises Unavailable:
        """
        for last in (False, False, True):
            shown = self._authority.header(scope)
            response, _ = self._wire.send(method, target, headers=headers or {}, secret=shown, body=body)
            if response.status in accepted:
                return response
            content = wire.document(response)
            if response.status != 401 or last or not self._authority.answer(response, scope, shown):
                break
        error = answers.refusal(response.status, content, what)
        if isinstance(error, errors.Denied) and self._authority.withheld:
            error.args = (str(error) + self._authority.withheld,)
        raise error

    def repository(self, path: str, *, writing: bool = False) -> 'Repository':
        """A repository of it, ``library/busybox``."""
        return Repository(self, path, writing=writing)

    def check_login(self) -> None:
        """See whether the credentials are good. :raises Denied: they are not."""
        wire.document(self.ask('GET', '/v2/', f'{self.domain}: unauthorized'))

    def repositories(self) -> Iterator[str]:
        """The names of all repositories. :raises Denied: :raises Unsupported: the registry does not tell."""
        target: str | None = f'/v2/_catalog?n={_PAGE}'
        for _ in range(_PAGES):
            if target is None:
                return
            try:
                response = self.ask('GET', target, f'the catalogue of {self.domain}', scope='registry:catalog:*')
            except errors.NotFound:
                raise errors.Unsupported(f'The registry {self.domain} does not list its repositories') from None
            found = _fields(wire.document(response)).get('repositories')
            yield from (str(name) for name in found if isinstance(name, str)) if isinstance(found, list) else ()
            target = _next_page(response.headers.get('Link', ''))

    def close(self) -> None:
        self._wire.close()


class Repository:
    """The images of one name."""

    def __init__(self, registry: Registry, path: str, *, writing: bool) -> None:
        self.registry, self.path = registry, path
        self.name = path if registry.domain == place.HUB else f'{registry.domain}/{path}'
        self._scope = f'repository:{path}:{"pull,push" if writing else "pull"}'

    def manifest(self, key: str) -> tuple[bytes, str]:
        """The document a tag or digest stands for, and its digest, verified if that was asked for.

        :raises ImageNotFound: there is none.  :raises DigestMismatch: it is another document.
        """
        shown = f'manifest for {self.name}{"@" if ":" in key else ":"}{key}'
        response = self._ask('GET', f'/manifests/{quote(key, safe=":")}', shown, headers={'Accept': _MANIFESTS})
        content = wire.document(response)
        found = digests.of_bytes(content)
        if ':' in key and found != key:
            raise errors.DigestMismatch(shown, key, found)
        return content, found

    def blob(self, digest: str, *, start: int = 0) -> Response:
        """The answer that carries a blob from ``start`` on (206), or all of it (200)."""
        return self._ask('GET', f'/blobs/{digests.parse(digest)}', f'blob {digest} of {self.name}',
                         headers={'Range': f'bytes={start}-'} if start else {}, accepted=(200, 206))

    def document(self, digest: str, what: str) -> bytes:
        """A small blob, whole. :raises DigestMismatch: it is another one; the text names it ``what``."""
        content = wire.document(self.blob(digest))
        if digests.of_bytes(content) != digest:
            raise errors.DigestMismatch(what, digest, digests.of_bytes(content))
        return content

    def has_blob(self, digest: str) -> bool:
        """Whether it is there already."""
        try:
            self._ask('HEAD', f'/blobs/{digests.parse(digest)}', digest).drain_conn()
        except errors.NotFound:
            return False
        return True

    def begin_upload(self, mount: str = '', source: str = '') -> str | None:
        """Where to send a blob; None if the registry took ``mount`` from the repository ``source`` instead."""
        query = f'?{urlencode({"mount": mount, "from": source})}' if mount else ''
        scope = f'{self._scope} repository:{source}:pull' if mount else self._scope
        response = self.registry.ask('POST', f'/v2/{self.path}/blobs/uploads/{query}', f'push to {self.name}',
                                     scope=scope, headers={'Content-Length': '0'}, accepted=(201, 202))
        response.drain_conn()
        return None if response.status == 201 else _location(response)

    def send_blob(self, location: str, body: Body, size: int | None) -> str:
        """Send the bytes of a blob; returns where to finish."""
        headers = {'Content-Type': 'application/octet-stream'}
        if size is not None:
            headers['Content-Length'] = str(size)
        response = self.registry.ask('PATCH', location, f'push to {self.name}', scope=self._scope, headers=headers,
                                     body=body, accepted=(202, 204, 201))
        response.drain_conn()
        return _location(response)

    def send_chunk(self, location: str, body: Body, start: int, size: int) -> str:
        """Send some of the bytes of a blob, from ``start`` on; returns where the next go."""
        headers = {'Content-Type': 'application/octet-stream', 'Content-Length': str(size)}
        if size:
            headers['Content-Range'] = f'{start}-{start + size - 1}'
        response = self.registry.ask('PATCH', location, f'push to {self.name}', scope=self._scope, headers=headers,
                                     body=body, accepted=(202, 204, 201))
        response.drain_conn()
        return _location(response)

    def upload_status(self, location: str) -> tuple[str, str]:
        """Where an upload goes on, and the range it has: ``0-<last byte>``. :raises NotFound: it is gone."""
        response = self.registry.ask('GET', location, f'push to {self.name}', scope=self._scope, accepted=(204,))
        response.drain_conn()
        return _location(response), str(response.headers.get('Range', ''))

    def end_upload(self, location: str, digest: str) -> None:
        """Give the blob that was sent its name. :raises DigestMismatch: the registry got other bytes."""
        mark = '&' if '?' in location else '?'
        self.registry.ask('PUT', f'{location}{mark}{urlencode({"digest": digest})}', f'push to {self.name}',
                          scope=self._scope, headers={'Content-Length': '0'}, accepted=(201, 204)).drain_conn()

    def put_manifest(self, key: str, content: bytes, media_type: str) -> None:
        """Give the image a tag or, by its digest, no name."""
        self._ask('PUT', f'/manifests/{quote(key, safe=":")}', f'push to {self.name}:{key}', body=lambda: content,
                  headers={'Content-Type': media_type, 'Content-Length': str(len(content))},
                  accepted=(200, 201, 202)).drain_conn()

    def delete_manifest(self, digest: str) -> None:
        """Remove a manifest and all tags that stand for it; silent if there is none.

        :raises Unsupported: the registry is not set up to delete.
        """
        with contextlib.suppress(errors.NotFound):
            self.registry.ask('DELETE', f'/v2/{self.path}/manifests/{digests.parse(digest)}', f'manifest {digest}',
                              scope=f'repository:{self.path}:pull,push,delete', accepted=(202, 200)).drain_conn()

    def tags(self) -> Iterator[str]:
        """All tags of it; none if there is no such repository."""
        target: str | None = f'/v2/{self.path}/tags/list?n={_PAGE}'
        while target is not None:
            try:
                response = self.registry.ask('GET', target, f'the tags of {self.name}', scope=self._scope)
            except errors.NotFound:
                return
            found = _fields(wire.document(response)).get('tags')
            yield from (str(tag) for tag in found if isinstance(tag, str)) if isinstance(found, list) else ()
            target = _next_page(response.headers.get('Link', ''))

    def _ask(self, method: str, rest: str, what: str, *, headers: Mapping[str, str] | None = None,
             body: Body | None = None, accepted: tuple[int, ...] = (200,)) -> Response:
        return self.registry.ask(method, f'/v2/{self.path}{rest}', what, scope=self._scope, headers=headers,
                                 body=body, accepted=accepted)


def _location(response: Response) -> str:
    found = response.headers.get('Location')
    if not found:
        raise errors.Unavailable('The registry does not say where the upload goes')
    return str(found)


def _fields(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise errors.Corrupt('The registry answered something that is no JSON object')
    return found


def _next_page(link: str) -> str | None:
    """The target of ``<...>; rel="next"`` (RFC 8288)."""
    if 'rel="next"' not in link or not link.startswith('<'):
        return None
    return link[1:].partition('>')[0]
