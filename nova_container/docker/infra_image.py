# SPDX-License-Identifier: Apache-2.0
"""The image of infra containers: one static program of a few bytes that sleeps until it is killed.

It is made here, for the engine's own architecture, so that nothing needs to be pulled.
"""

import hashlib
import io
import json
import struct
import tarfile
from collections.abc import Mapping

from nova_container import errors
from nova_container.docker.base import Verbs, image_path
from nova_container.docker.wire.document import Document

NAME = 'nova-container/infra:1'
_BASE = 0x400000
_HEADERS = 64 + 56

# machine of elf(5), and code: pause(2) for ever on x86-64, ppoll(2) of nothing on AArch64
_PROGRAMS: Mapping[str, tuple[int, bytes]] = {
    'amd64': (62, bytes.fromhex('b822000000' '0f05' 'ebf7')),
    'arm64': (183, struct.pack('<7I', 0xd2800000, 0xd2800001, 0xd2800002, 0xd2800003, 0xd2800928, 0xd4000001,
                               0x17fffffa)),
}
ARCHITECTURES: Mapping[str, str] = {'x86_64': 'amd64', 'aarch64': 'arm64', 'amd64': 'amd64', 'arm64': 'arm64'}
"""As engines say it, and as images do."""


def ensure(verbs: Verbs) -> str:
    """The image's id; it is loaded if it is not there. :raises Unsupported: another architecture."""
    architecture = Document(verbs.get('/version')).text('Arch')
    if architecture not in ARCHITECTURES:
        raise errors.Unsupported(f'There is no infra image for {architecture}')
    image_id, content = archive(ARCHITECTURES[architecture])
    try:
        verbs.get(image_path(image_id, '/json'))
    except errors.ImageNotFound:
        verbs.do('POST', '/images/load', query={'quiet': True}, body=content)
    return image_id


def archive(architecture: str) -> tuple[str, bytes]:
    """The image's id and its archive, the same bytes every time."""
    layer = _tar({'pause': program(architecture)}, 0o755)
    diff_id = hashlib.sha256(layer).hexdigest()
    config = json.dumps({'architecture': architecture, 'os': 'linux', 'created': '1970-01-01T00:00:00Z',
                         'config': {'Entrypoint': ['/pause']}, 'history': [{'created_by': 'nova-container'}],
                         'rootfs': {'type': 'layers', 'diff_ids': [f'sha256:{diff_id}']}}).encode()
    image_id = hashlib.sha256(config).hexdigest()
    manifest = [{'Config': f'{image_id}.json', 'RepoTags': [NAME], 'Layers': [f'{diff_id}/layer.tar']}]
    return f'sha256:{image_id}', _tar({f'{image_id}.json': config, f'{diff_id}/layer.tar': layer,
                                       'manifest.json': json.dumps(manifest).encode()}, 0o644)


def program(architecture: str) -> bytes:
    """A static ELF executable of one segment."""
    machine, code = _PROGRAMS[architecture]
    size = _HEADERS + len(code)
    header = struct.pack('<16sHHIQQQIHHHHHH', b'\x7fELF\x02\x01\x01', 2, machine, 1, _BASE + _HEADERS, 64, 0, 0,
                         64, 56, 1, 64, 0, 0)
    segment = struct.pack('<IIQQQQQQ', 1, 5, 0, _BASE, _BASE, size, size, 0x10000)
    return header + segment + code


def _tar(files: Mapping[str, bytes], mode: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w', format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
