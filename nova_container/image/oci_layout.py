# SPDX-License-Identifier: Apache-2.0
"""Images listed by the ``index.json`` of an OCI layout (OCI image-spec, image-layout.md)."""

import os
from collections.abc import Iterator

from nova_container.errors import DigestMismatch, InvalidReference, UnacceptableImage
from nova_container.image import manifest, reference
from nova_container.image.config import ImageConfig
from nova_container.image.loaded import LoadedImage, Names
from nova_container.image.manifest import Descriptor, Index, Manifest

NAME = 'index.json'
LAYOUT_NAME = 'oci-layout'
LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
REFERENCE_NAME = 'org.opencontainers.image.ref.name'
FULL_NAME = 'io.containerd.image.name'
MAX_NESTING = 4

_CONFIG_TYPES = (manifest.OCI_CONFIG, manifest.DOCKER_CONFIG)
_ARCHITECTURES = {'x86_64': 'amd64', 'aarch64': 'arm64', 'i686': '386', 'armv7l': 'arm', 'ppc64le': 'ppc64le',
                  's390x': 's390x', 'riscv64': 'riscv64', 'loongarch64': 'loong64'}


def architectures() -> tuple[str, ...]:
    """All that images are known for, this machine's first."""
    return tuple(dict.fromkeys((host_architecture(), *_ARCHITECTURES.values())))


def host_architecture() -> str:
    """Return the architecture of this machine as Go and OCI name it, ``amd64``."""
    machine = os.uname().machine
    return _ARCHITECTURES.get(machine, machine)


class Layout:
    """The documents of one layout, visited within limits.

    :param architecture: which image of several is taken; the operating system is linux.
    """

    def __init__(self, names: Names, architecture: str) -> None:
        self._names, self._architecture = names, architecture
        self._visited = 0

    def images(self, index_digest: str) -> tuple[LoadedImage, ...]:
        """Return the images that the index.json of the given digest lists, the same image once.

        :raises UnacceptableImage: a rule or limit is broken, a part is missing, or no image is for this platform.
        :raises DigestMismatch: a document or layer is not what its descriptor says.
        """
        found: dict[str, LoadedImage] = {}
        index = Index.parse(self._names.document(index_digest, NAME))
        for descriptor, chosen in self._chosen(index, 0):
            image = self._image(chosen)
            before = found.get(image.config_digest, image)
            names = dict.fromkeys((*before.references, *_references(descriptor)))
            found[image.config_digest] = LoadedImage(image.config, image.config_digest, image.config_bytes,
                                                     image.layers, tuple(names))
        if not found:
            raise UnacceptableImage(f'The archive has no image for linux/{self._architecture}')
        return tuple(found.values())

    def _chosen(self, index: Index, depth: int) -> Iterator[tuple[Descriptor, Manifest]]:
        """Give each manifest for our platform, with the descriptor of the uppermost index that led to it."""
        if depth >= MAX_NESTING:
            raise UnacceptableImage(f'The archive has indexes nested deeper than {MAX_NESTING}')
        for descriptor in index.manifests:
            if not self._is_ours(descriptor):
                continue
            document = self._read(descriptor)
            if isinstance(document, Manifest):
                # Signatures and other artifacts are manifests too, with a configuration that is not an image's.
                if document.config.media_type in _CONFIG_TYPES:
                    yield descriptor, document
            else:
                for _, inner in self._chosen(document, depth + 1):
                    yield descriptor, inner

    def _is_ours(self, descriptor: Descriptor) -> bool:
        platform = descriptor.platform
        return not platform or (platform.get('os'), platform.get('architecture')) == ('linux', self._architecture)

    def _read(self, descriptor: Descriptor) -> Manifest | Index:
        self._visited += 1
        if self._visited > manifest.MAX_MANIFESTS:
            raise UnacceptableImage(f'The archive has more than {manifest.MAX_MANIFESTS} manifests')
        self._check_present(descriptor, 'manifest')
        return manifest.parse_either(self._names.document(descriptor.digest, 'manifest'))

    def _image(self, chosen: Manifest) -> LoadedImage:
        self._check_present(chosen.config, 'configuration')
        content = self._names.document(chosen.config.digest, 'image configuration')
        config = ImageConfig.parse(content)
        manifest.check_agreement(len(chosen.layers), config)
        for layer in chosen.layers:
            self._check_present(layer, 'layer')
        layers = tuple(self._names.layer(layer.digest, diff_id)
                       for layer, diff_id in zip(chosen.layers, config.diff_ids, strict=True))
        return LoadedImage(config, chosen.config.digest, content, layers)

    def _check_present(self, descriptor: Descriptor, what: str) -> None:
        """Check that the blob came with the archive and is as long as promised; nothing is ever fetched."""
        algorithm, _, value = descriptor.digest.partition(':')
        if self._names.digest(f'blobs/{algorithm}/{value}') != descriptor.digest:
            raise UnacceptableImage(f'The {what} {descriptor.digest} is not in the archive')
        size = self._names.staged.size(descriptor.digest)
        if size != descriptor.size:
            raise DigestMismatch(f'The size of the {what} {descriptor.digest}', str(descriptor.size), str(size))


def _references(descriptor: Descriptor) -> tuple[str, ...]:
    """Return the name of the image; a bare tag, which the specification allows, names none."""
    for key in (FULL_NAME, REFERENCE_NAME):
        text = descriptor.annotations.get(key)
        if isinstance(text, str) and (':' in text or '/' in text):
            try:
                return (reference.parse(text).familiar(),)
            except InvalidReference:
                continue
    return ()
