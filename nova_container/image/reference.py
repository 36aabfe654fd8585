# SPDX-License-Identifier: Apache-2.0
"""Image references, read by Docker's rules.

The grammar is that of ``distribution/reference`` (reference.go, normalize.go): ``busybox`` means
``docker.io/library/busybox:latest``, and is shown to people as ``busybox:latest``.
"""

import dataclasses
import re

from nova_container.errors import InvalidReference
from nova_container.image import digest as digests

DEFAULT_DOMAIN = 'docker.io'
DEFAULT_TAG = 'latest'
_LEGACY_DOMAIN = 'index.docker.io'
_OFFICIAL = 'library/'
_NAME_LENGTH = 255

_LABEL = r'(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
_DOMAIN = re.compile(rf'(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?')
_PART = r'[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*'
_PATH = re.compile(rf'{_PART}(?:/{_PART})*')
_TAG = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}')
_BARE_ID = re.compile(r'[a-f0-9]{64}')


@dataclasses.dataclass(frozen=True)
class ImageReference:
    """A place and a name of an image: never its identity, which is a digest.

    :ivar domain: the registry, ``docker.io`` or ``host:port``.
    :ivar path: the repository, lower case, ``library/busybox``.
    :ivar tag: the tag, or none.
    :ivar digest: the digest of the manifest, or none.
    """

    domain: str
    path: str
    tag: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        """Return the whole form, ``docker.io/library/busybox:latest``."""
        return f'{self.domain}/{self.path}{self._suffix()}'

    def familiar(self) -> str:
        """Return the form Docker shows: without the default registry and ``library/``."""
        return f'{self.familiar_name()}{self._suffix()}'

    def familiar_name(self) -> str:
        """Return the familiar form without tag and digest: ``busybox``, ``quay.io/a/b``."""
        if self.domain != DEFAULT_DOMAIN:
            return f'{self.domain}/{self.path}'
        rest = self.path.removeprefix(_OFFICIAL)
        return rest if '/' not in rest else self.path

    def _suffix(self) -> str:
        return (f':{self.tag}' if self.tag else '') + (f'@{self.digest}' if self.digest else '')


def parse(text: str) -> ImageReference:
    """Read a reference as Docker would; the tag is ``latest`` if neither tag nor digest is given.

    :raises InvalidReference: it does not follow the grammar; the sentence says where.
    """
    if _BARE_ID.fullmatch(text):
        raise InvalidReference(f'Invalid image name {text!r}: 64 hexadecimal digits are an image id, not a name')
    rest, at, digest = text.partition('@')
    tag = None
    colon = rest.rfind(':')
    if colon > rest.rfind('/'):
        rest, tag = rest[:colon], rest[colon + 1:]
    domain, path = _split_domain(rest)
    _check(text, domain, path, tag)
    if not at and tag is None:
        tag = DEFAULT_TAG
    return ImageReference(domain, path, tag, digests.parse(digest) if at else None)


def is_tagged(text: str) -> bool:
    """Whether a reference says itself which image of its repository it means, by a tag or a digest."""
    return '@' in text or text.rfind(':') > text.rfind('/')


def _split_domain(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition('/')
    is_host = '.' in first or ':' in first or first == 'localhost' or first.lower() != first
    if not slash or not is_host:
        domain, path = DEFAULT_DOMAIN, name
    else:
        domain, path = first, rest
    if domain == _LEGACY_DOMAIN:
        domain = DEFAULT_DOMAIN
    if domain == DEFAULT_DOMAIN and '/' not in path:
        path = _OFFICIAL + path
    return domain, path


def _check(text: str, domain: str, path: str, tag: str | None) -> None:
    shown = repr(text[:300])
    if len(domain) + 1 + len(path) > _NAME_LENGTH:
        raise InvalidReference(f'Invalid image name {shown}: longer than {_NAME_LENGTH} characters')
    if path.lower() != path:
        raise InvalidReference(f'Invalid image name {shown}: the repository must be lower case')
    if not _DOMAIN.fullmatch(domain):
        raise InvalidReference(f'Invalid image name {shown}: the registry is not a host name')
    if not _PATH.fullmatch(path):
        raise InvalidReference(f'Invalid image name {shown}: the repository may hold a-z 0-9 and single . _ - between')
    if tag is not None and not _TAG.fullmatch(tag):
        raise InvalidReference(f'Invalid image name {shown}: a tag is 1 to 128 letters, digits, _ . -')
