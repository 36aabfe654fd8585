# SPDX-License-Identifier: Apache-2.0
"""A root file system described in memory, and the layer made of it."""

import dataclasses
import hashlib
import io

from nova_container.image import tar_reader, tar_writer
from nova_container.image.blobs import BlobStore
from nova_container.image.compression import GzipWriter
from nova_container.image.loaded import LoadedLayer
from nova_container.image.manifest import OCI_LAYER
from nova_container.image.tar_reader import Entry

# 2024-01-01: any fixed time will do, and 1970 looks like a fault.
BUILT_AT_NS = 1704067200 * 10**9


@dataclasses.dataclass
class Rootfs:
    """Files by path (``bin/sh``); directories on the way are made with mode 0755."""

    entries: dict[str, tuple[Entry, bytes]] = dataclasses.field(default_factory=dict)

    def directory(self, path: str, mode: int = 0o755, owner: int = 0) -> None:
        """Add a directory."""
        self._add(path, Entry((path + '/').encode(), tar_reader.DIRECTORY, mode, owner, owner, BUILT_AT_NS))

    def file(self, path: str, content: bytes | str, mode: int = 0o644, owner: int = 0) -> None:
        """Add a file."""
        content = content.encode() if isinstance(content, str) else content
        self._add(path, Entry(path.encode(), tar_reader.REGULAR, mode, owner, owner, BUILT_AT_NS, size=len(content)),
                  content)

    def link(self, path: str, target: str) -> None:
        """Add a symbolic link."""
        self._add(path, Entry(path.encode(), tar_reader.SYMLINK, 0o777, 0, 0, BUILT_AT_NS, link=target.encode()))

    def layer(self, blobs: BlobStore) -> LoadedLayer:
        """Store the layer, compressed, and return it; equal file systems give equal blobs."""
        packed, hashed = io.BytesIO(), hashlib.sha256()
        compressed = GzipWriter(packed.write)
        for _, (entry, content) in sorted(self.entries.items()):
            for piece in (tar_writer.header(entry), content, tar_writer.padding(entry.size)):
                hashed.update(piece)
                compressed.write(piece)
        hashed.update(tar_writer.END)
        compressed.write(tar_writer.END)
        compressed.close()
        packed.seek(0)
        digest, size = blobs.put(packed)
        return LoadedLayer(digest, size, f'{OCI_LAYER}+gzip', f'sha256:{hashed.hexdigest()}')

    def _add(self, path: str, entry: Entry, content: bytes = b'') -> None:
        parent = path.rpartition('/')[0]
        if parent and parent not in self.entries:
            self.directory(parent)
        self.entries[path] = (entry, content)
