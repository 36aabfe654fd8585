# SPDX-License-Identifier: Apache-2.0
"""Which of the images behind one name is meant: a name may stand for one for each platform."""

import dataclasses
import os

from nova_container import errors
from nova_container.image import manifest as manifests
from nova_container.image import oci_layout
from nova_container.image.config import ImageConfig
from nova_container.image.manifest import Descriptor, Index, Manifest
from nova_container.registry.client import Repository

_ALIASES = {'x86_64': 'amd64', 'x86-64': 'amd64', 'aarch64': 'arm64', 'armhf': 'arm', 'i386': '386'}
_VARIANTS = {'aarch64': 'v8', 'armv7l': 'v7', 'armv6l': 'v6'}
_CONFIGS = (manifests.OCI_CONFIG, manifests.DOCKER_CONFIG, '')


@dataclasses.dataclass(frozen=True, slots=True)
class Platform:
    """``linux/arm64/v8``; ``is_asked`` if somebody asked for it, rather than it being the host's."""

    architecture: str
    variant: str = ''
    is_asked: bool = False

    @classmethod
    def parse(cls, text: str) -> 'Platform':
        """Read ``os``, ``architecture`` or ``os/architecture/variant``; '' is this host's.

        :raises Unsupported: an operating system other than linux.
        """
        if not text or text == 'linux':
            return cls(oci_layout.host_architecture(), _VARIANTS.get(os.uname().machine, ''))
        first, *rest = text.lower().split('/')
        if first != 'linux' and rest:
            raise errors.Unsupported(f'platform {text[:64]!r} is not supported: only linux is')
        name, *variant = rest if first == 'linux' else [first]
        return cls(_ALIASES.get(name, name), variant[0] if variant else '', is_asked=True)

    def __str__(self) -> str:
        return '/'.join(part for part in ('linux', self.architecture, self.variant) if part)

    def fits(self, descriptor: Descriptor) -> bool:
        """Whether a manifest of an index is for it; one that does not say is for all."""
        said = descriptor.platform
        if not said:
            return True
        variant = said.get('variant') or ''
        return (said.get('os'), said.get('architecture')) == ('linux', self.architecture) and (
            not self.variant or not variant or variant == self.variant)


@dataclasses.dataclass(frozen=True, slots=True)
class Chosen:
    """A manifest, its own digest, and that of the document its name stands for."""

    manifest: Manifest
    content: bytes
    digest: str
    named_digest: str


def manifest(repository: Repository, key: str, platform: Platform) -> Chosen:
    """The manifest that a tag or digest stands for.

    :raises ImageNotFound: there is none, or none for the platform.  :raises UnacceptableImage: it breaks a rule.
    """
    content, named = repository.manifest(key)
    digest = named
    for _ in range(oci_layout.MAX_NESTING):
        found = manifests.parse_either(content)
        if isinstance(found, Manifest):
            if found.config.media_type not in _CONFIGS:
                raise errors.UnacceptableImage(f'{repository.name}:{key} is no image: its configuration is of the '
                                               f'type {found.config.media_type[:100]!r}')
            return Chosen(found, content, digest, named)
        digest = _pick(found, platform, f'{repository.name}:{key}').digest
        content, _ = repository.manifest(digest)
    raise errors.UnacceptableImage(f'{key} has indexes nested deeper than {oci_layout.MAX_NESTING}')


def _pick(index: Index, platform: Platform, shown: str) -> Descriptor:
    fitting = [one for one in index.manifests if platform.fits(one)]
    if not fitting:
        error = errors.ImageNotFound('')
        error.args = (f'no matching manifest for {platform} in the manifest list entries of {shown}',)
        raise error
    exact = (one for one in fitting if (one.platform.get('variant') or '') == platform.variant)
    return next(exact, fitting[0])


def check(config: ImageConfig, platform: Platform) -> None:
    """Check that an image runs here. :raises UnacceptableImage: it is for another system, or not what was asked."""
    if (config.os or 'linux') != 'linux':
        raise errors.UnacceptableImage(f'image operating system "{config.os[:64]}" cannot be used on this platform')
    if platform.is_asked and config.architecture != platform.architecture:
        raise errors.UnacceptableImage(f'the image is for linux/{config.architecture[:64]} and does not match the '
                                       f'specified platform: wanted {platform}')
