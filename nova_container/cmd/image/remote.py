# SPDX-License-Identifier: Apache-2.0
"""Images of registries, into a store of blobs and out of one."""

import base64
import binascii
import contextlib
import json
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nova_container import errors
from nova_container.cmd.image.progress import Display
from nova_container.engine.registry import Credentials
from nova_container.image import digest as digests
from nova_container.image import manifest as manifests
from nova_container.image import reference as references
from nova_container.image.archive import LoadedImage, LoadedLayer
from nova_container.image.blobs import BlobStore
from nova_container.image.config import ImageConfig
from nova_container.image.manifest import Descriptor, Manifest
from nova_container.registry import Registry, RegistrySettings, Repository, choice
from nova_container.registry.download import Download, Halt
from nova_container.registry.upload import Content, Upload

_HUB, _HUB_KEY = 'docker.io', 'https://index.docker.io/v1/'
_CHUNK = 1 << 20


def credentials(file: Path, domain: str) -> Credentials | None:
    """What ``docker login`` wrote down for a registry; None if nothing.

    :raises InvalidRequest: the file cannot be read.
    """
    if not file.exists():
        return None
    try:
        known = json.loads(file.read_text('utf-8')).get('auths') or {}
        entry = known.get(_HUB_KEY if domain == _HUB else domain) or known.get(f'https://{domain}') or {}
        if not entry.get('auth'):
            return None
        name, _, password = base64.b64decode(entry['auth'], validate=True).decode().partition(':')
    except (OSError, ValueError, AttributeError, binascii.Error) as error:
        raise errors.InvalidRequest(f'{file} cannot be read as a file of `docker login`: {error}') from error
    return Credentials(username=name, password=password, server=domain)


def fetch(text: str, platform: str, blobs: BlobStore, settings: RegistrySettings, login: Credentials | None,
          display: Display) -> tuple[LoadedImage, str]:
    """Fetch an image; returns it, and the digest that its name stands for.

    :raises ImageNotFound: :raises Denied: :raises Unavailable: :raises UnacceptableImage: :raises DigestMismatch:
    """
    wanted, asked = references.parse(text), choice.Platform.parse(platform)
    with contextlib.closing(Registry.connect(wanted.domain, settings, login, reading=True)) as registry:
        repository = registry.repository(wanted.path)
        chosen = choice.manifest(repository, wanted.digest or wanted.tag or references.DEFAULT_TAG, asked)
        content = repository.document(chosen.manifest.config.digest, 'The image configuration')
        config = ImageConfig.parse(content)
        manifests.check_agreement(len(chosen.manifest.layers), config)
        choice.check(config, asked)
        _download(repository, chosen.manifest, blobs, f'pull {wanted.familiar()}', display)
    layers = tuple(_layer(blobs, blob, diff_id) for blob, diff_id in zip(
        chosen.manifest.layers, config.diff_ids, strict=True))
    names = () if wanted.digest else (wanted.familiar(),)
    return LoadedImage(config, chosen.manifest.config.digest, content, layers, names), chosen.named_digest


def _download(repository: Repository, found: Manifest, blobs: BlobStore, label: str, display: Display) -> None:
    missing = {blob.digest: blob for blob in found.layers if not blobs.has(blob.digest)}
    halt = Halt()
    with tempfile.TemporaryDirectory(dir=blobs.root) as folder, display.counted(
            label, sum(blob.size for blob in missing.values())) as count:

        def take(blob: Descriptor) -> None:
            path = Path(folder, blob.digest.replace(':', '-'))
            Download(repository, blob, path, halt, lambda position: count.reach(position, blob.digest)).run()
            blobs.adopt(path, blob.digest)

        with ThreadPoolExecutor(repository.registry.settings.downloads, 'download') as pool:
            try:
                list(pool.map(take, missing.values()))
            except BaseException:
                halt.end()
                raise


def _layer(blobs: BlobStore, blob: Descriptor, diff_id: str) -> LoadedLayer:
    with blobs.open(blob.digest) as file:
        return LoadedLayer(blob.digest, blob.size, manifests.layer_type(file), diff_id)


def send(image: LoadedImage, blobs: BlobStore, text: str, settings: RegistrySettings, login: Credentials | None,
         display: Display) -> str:
    """Send an image to a registry under a name and return its digest there.

    :raises Denied: :raises Unavailable: :raises InvalidRequest: the name is a digest.
    """
    wanted = references.parse(text)
    if wanted.digest:
        raise errors.InvalidRequest(f'{text} is a digest: give a name and a tag to push to')
    halt, sizes = Halt(), {layer.blob_digest: layer.size for layer in image.layers}
    with contextlib.closing(Registry.connect(wanted.domain, settings, login)) as registry, display.counted(
            f'push {wanted.familiar()}', sum(sizes.values())) as count:
        repository = registry.repository(wanted.path, writing=True)

        def give(digest: str) -> None:
            Upload(repository, Content(lambda: _pieces(blobs, digest), digest, sizes[digest]), halt,
                   lambda position: count.reach(position, digest)).run()
            count.reach(sizes[digest], digest)

        with ThreadPoolExecutor(settings.uploads, 'upload') as pool:
            try:
                list(pool.map(give, sizes))
            except BaseException:
                halt.end()
                raise
        Upload(repository, Content(lambda: iter((image.config_bytes,)), image.config_digest, len(image.config_bytes)),
               halt, lambda position: None).run()
        content = Manifest(
            Descriptor(manifests.OCI_CONFIG, image.config_digest, len(image.config_bytes)),
            tuple(Descriptor(one.media_type, one.blob_digest, one.size) for one in image.layers)).to_json()
        repository.put_manifest(wanted.tag or references.DEFAULT_TAG, content, manifests.OCI_MANIFEST)
    return digests.of_bytes(content)


def _pieces(blobs: BlobStore, digest: str) -> Iterator[bytes]:
    with blobs.open(digest) as file:
        while chunk := file.read(_CHUNK):
            yield chunk
