# SPDX-License-Identifier: Apache-2.0
"""The places at which a registry may be: base URLs with how each is to be trusted."""

import dataclasses
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from nova_container import errors
from nova_container.registry import address
from nova_container.registry.settings import RegistrySettings

HUB = 'docker.io'
_HUB_HOST = 'registry-1.docker.io'


@dataclasses.dataclass(frozen=True)
class Place:
    """One origin. ``trust`` is the context of TLS; plain HTTP has none."""

    scheme: str
    host: str
    port: int
    trust: ssl.SSLContext | None = None

    @property
    def url(self) -> str:
        host = f'[{self.host}]' if ':' in self.host else self.host
        usual = self.port == (443 if self.scheme == 'https' else 80)
        return f'{self.scheme}://{host}' + ('' if usual else f':{self.port}')


def split(domain: str) -> tuple[str, int | None]:
    """Host and port of the domain of a reference. :raises InvalidReference:"""
    try:
        parts = urlsplit(f'//{domain}')
        return parts.hostname or '', parts.port
    except ValueError:
        raise errors.InvalidReference(f'{domain[:253]!r} is not a registry: write host or host:port') from None


def of(domain: str, settings: RegistrySettings) -> tuple[Place, ...]:
    """Where the registry of a domain may be, most trusted first. :raises Unavailable: there is no such host."""
    host, port = (_HUB_HOST, None) if domain == HUB else split(domain)
    found = address.resolve(host, port or 443)
    is_local = all(address.reach(one) is address.Reach.LOOPBACK for one in found)
    folder = _folder(domain, settings)
    if not address.is_in(host, found[0], settings.insecure, port or 443) and not (is_local and folder is None):
        return (Place('https', host, port or 443, _trust(folder, check=True)),)
    return (Place('https', host, port or 443, _trust(folder, check=False)), Place('http', host, port or 80))


def mirrors(settings: RegistrySettings) -> tuple[Place, ...]:
    """The mirrors of Docker Hub. :raises InvalidRequest: one is not a URL."""
    return tuple(_of_url(url, settings) for url in settings.mirrors)


def _of_url(url: str, settings: RegistrySettings) -> Place:
    parts = urlsplit(url)
    if parts.scheme not in ('http', 'https') or not parts.hostname or parts.path.strip('/'):
        raise errors.InvalidRequest(f'The mirror {url[:253]!r} must be a URL such as https://host:5000')
    if parts.scheme == 'http':
        return Place('http', parts.hostname, parts.port or 80)
    return Place('https', parts.hostname, parts.port or 443, _trust(_folder(parts.netloc, settings), check=True))


def _folder(domain: str, settings: RegistrySettings) -> Path | None:
    """The folder of certificates of a registry, in the way of Docker's certs.d."""
    if '/' in domain or domain in ('.', '..'):
        return None
    found = (base / domain for base in settings.certificates)
    return next((folder for folder in found if folder.is_dir()), None)


def _trust(folder: Path | None, *, check: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not check:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        for path in sorted(folder.iterdir()) if folder else ():
            if path.suffix == '.crt':
                context.load_verify_locations(path)
            elif path.suffix == '.cert':
                context.load_cert_chain(path, path.with_suffix('.key'))
    except (OSError, ssl.SSLError) as error:
        raise errors.HostFailure(f'The certificates in {folder} cannot be used: {error}') from error
    return context
