# SPDX-License-Identifier: Apache-2.0
"""Ask registries: what they have, and whether they know us."""

import contextlib
from itertools import islice
from urllib.parse import urlsplit

from nova_container import errors
from nova_container.engine.registry import Credentials, Found, RemoteImage
from nova_container.image import manifest as manifests
from nova_container.image import reference as references
from nova_container.image.config import ImageConfig
from nova_container.image.manifest import Index
from nova_container.registry import Registry, Repository, wire
from nova_container.runtime.parts import Parts

_HUB = ('index.docker.io', 'registry-1.docker.io', references.DEFAULT_DOMAIN)


def search(parts: Parts, term: str, limit: int) -> tuple[Found, ...]:
    """See ``RegistryOps.search``: ``host:port/term`` asks that registry, a bare term the one that is set."""
    domain, slash, rest = term.partition('/')
    if not slash or not ('.' in domain or ':' in domain or domain == 'localhost'):
        domain, rest = parts.settings.registries.search, term
    if not domain:
        raise errors.Unsupported('No registry to search is set: write host:port/term, or set search_registry')
    prefix = '' if domain == references.DEFAULT_DOMAIN else f'{domain}/'
    with contextlib.closing(Registry.connect(domain, parts.settings.registries)) as registry:
        matching = (name for name in registry.repositories() if rest.lower() in name)
        return tuple(Found(name=prefix + name) for name in islice(matching, max(1, limit)))


def inspect(parts: Parts, reference: str, credentials: Credentials | None) -> RemoteImage:
    """See ``RegistryOps.inspect_remote``."""
    wanted = references.parse(reference)
    with contextlib.closing(Registry.connect(wanted.domain, parts.settings.registries, credentials,
                                             reading=True)) as registry:
        repository = registry.repository(wanted.path)
        content, digest = repository.manifest(wanted.digest or wanted.tag or references.DEFAULT_TAG)
        found = manifests.parse_either(content)
        if isinstance(found, Index):
            platforms = [(str(one.platform.get('os', '')), str(one.platform.get('architecture', '')),
                          str(one.platform.get('variant') or '')) for one in found.manifests if one.platform]
        else:
            platforms = [_platform(repository, found.config.digest)]
    return RemoteImage(digest=digest, media_type=found.media_type, size_bytes=len(content), platforms=tuple(
        '/'.join(part for part in parts_ if part) for parts_ in platforms))


def _platform(repository: Repository, digest: str) -> tuple[str, str, str]:
    config = ImageConfig.parse(wire.document(repository.blob(digest)))
    return config.os, config.architecture, config.variant


def check_login(parts: Parts, credentials: Credentials) -> None:
    """See ``RegistryOps.check_login``. The server may be a URL, as Docker Hub's is."""
    server = credentials.server
    host = urlsplit(server).netloc if '://' in server else server.partition('/')[0]
    domain = references.DEFAULT_DOMAIN if not host or host in _HUB else host
    with contextlib.closing(Registry.connect(domain, parts.settings.registries, credentials)) as registry:
        registry.check_login()
