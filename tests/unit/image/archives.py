# SPDX-License-Identifier: Apache-2.0
"""Image archives for tests, made with the standard library as other tools make them."""

import gzip
import hashlib
import io
import json
import tarfile
from typing import Any


def digest(content: bytes) -> str:
    return 'sha256:' + hashlib.sha256(content).hexdigest()


def tar_of(files: dict[str, bytes | tuple[bytes, str]]) -> bytes:
    """Return a tar; a value that is a pair is a type and a target of a link."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode='w') as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, tuple):
                info.type, info.linkname = content
                content = b''
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def layer(text: str = 'hello') -> bytes:
    return tar_of({'f': text.encode()})


def config_of(*layers: bytes, architecture: str = 'amd64', **fields: Any) -> bytes:
    return json.dumps({'architecture': architecture, 'os': 'linux', 'config': fields, 'rootfs': {
        'type': 'layers', 'diff_ids': [digest(one) for one in layers]}}).encode()


def old_docker_save(*layers: bytes, tags: tuple[str, ...] = ('demo:1',), **changes: Any) -> dict[str, Any]:
    """Return the files of an archive as Docker before 25 wrote it."""
    config = config_of(*layers)
    name = hashlib.sha256(config).hexdigest() + '.json'
    names = [f'id{index}/layer.tar' for index in range(len(layers))]
    listed = {'Config': name, 'RepoTags': list(tags), 'Layers': names}
    files: dict[str, Any] = {name: config}
    for index, one in enumerate(layers):
        files |= {f'id{index}/VERSION': b'1.0', f'id{index}/json': b'{}', f'id{index}/layer.tar': one}
    return files | {'manifest.json': json.dumps([listed | changes]).encode(), 'repositories': b'{}'}


def descriptor(content: bytes, media_type: str = 'application/vnd.oci.image.manifest.v1+json',
               **fields: Any) -> dict[str, Any]:
    return {'mediaType': media_type, 'digest': digest(content), 'size': len(content)} | fields


class Layout:
    """An OCI layout under construction."""

    def __init__(self) -> None:
        self.files: dict[str, Any] = {'oci-layout': b'{"imageLayoutVersion":"1.0.0"}'}

    def blob(self, content: bytes) -> bytes:
        self.files['blobs/sha256/' + hashlib.sha256(content).hexdigest()] = content
        return content

    def image(self, *layers: bytes, pack=gzip.compress, **fields: Any) -> bytes:
        """Add an image and return its manifest."""
        config = self.blob(config_of(*layers, **fields))
        listed = [descriptor(self.blob(pack(one)), 'application/vnd.oci.image.layer.v1.tar+gzip') for one in layers]
        return self.blob(json.dumps({'schemaVersion': 2, 'config': descriptor(
            config, 'application/vnd.oci.image.config.v1+json'), 'layers': listed}).encode())

    def index(self, *descriptors: dict[str, Any]) -> bytes:
        """Add an index and return it."""
        return self.blob(json.dumps({'schemaVersion': 2, 'manifests': list(descriptors)}).encode())

    def tar(self, *descriptors: dict[str, Any]) -> bytes:
        return tar_of({'index.json': json.dumps({'schemaVersion': 2, 'manifests': list(descriptors)}).encode()}
                      | self.files)
