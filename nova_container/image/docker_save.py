# SPDX-License-Identifier: Apache-2.0
"""Images listed by the ``manifest.json`` of ``docker save`` (moby image/spec/v1.2.md, "Combined Image JSON")."""

import posixpath
import re
from typing import Any

from nova_container.errors import DigestMismatch, UnacceptableImage
from nova_container.image import document, manifest, reference
from nova_container.image.config import MAX_LAYERS, ImageConfig
from nova_container.image.loaded import LoadedImage, Names

NAME = 'manifest.json'
_NAMED_BY_DIGEST = re.compile(r'([0-9a-f]{64})(?:\.json)?')


def images(names: Names, listing_digest: str) -> tuple[LoadedImage, ...]:
    """Return the images that the manifest.json of the given digest lists.

    :raises UnacceptableImage: a rule or limit is broken, or a part is missing.
    :raises DigestMismatch: a configuration or layer is not what its name says.
    """
    listed = document.as_list(document.decode(names.document(listing_digest, NAME), NAME), NAME)
    if not 0 < len(listed) <= manifest.MAX_MANIFESTS:
        raise UnacceptableImage(f'{NAME} lists {len(listed)} images, 1 to {manifest.MAX_MANIFESTS} are accepted')
    return tuple(_image(names, document.as_object(one, f'image in {NAME}')) for one in listed)


def _image(names: Names, listed: dict[str, Any]) -> LoadedImage:
    config_name = document.as_text(listed.get('Config'), 'Config')
    config_digest = _find(names, config_name, 'configuration')
    claimed = _NAMED_BY_DIGEST.fullmatch(posixpath.basename(config_name))
    if claimed and f'sha256:{claimed[1]}' != config_digest and config_digest.startswith('sha256:'):
        raise DigestMismatch('The image configuration', f'sha256:{claimed[1]}', config_digest)
    content = names.document(config_digest, 'image configuration')
    config = ImageConfig.parse(content)
    layers = document.as_list(listed.get('Layers'), 'Layers')
    if len(layers) > MAX_LAYERS:
        raise UnacceptableImage(f'The image has {len(layers)} layers, more than {MAX_LAYERS}')
    manifest.check_agreement(len(layers), config)
    found = (_find(names, document.as_text(name, 'Layers'), 'layer') for name in layers)
    return LoadedImage(config, config_digest, content,
                       tuple(names.layer(blob, diff) for blob, diff in zip(found, config.diff_ids, strict=True)),
                       _references(listed))


def _find(names: Names, name: str, what: str) -> str:
    digest = names.digest(name)
    if digest is None:
        raise UnacceptableImage(f'The {what} {name[:200]!r} is not in the archive')
    return digest


def _references(listed: dict[str, Any]) -> tuple[str, ...]:
    tags = document.as_list(listed.get('RepoTags'), 'RepoTags')
    return tuple(reference.parse(document.as_text(tag, 'RepoTags')).familiar() for tag in tags)
