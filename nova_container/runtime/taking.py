# SPDX-License-Identifier: Apache-2.0
"""Layers that a build makes are taken over while it goes on: the next step runs as one is compressed and unpacked."""

import contextlib
import hashlib
import secrets
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from nova_container import errors
from nova_container.host import files, forks
from nova_container.image import manifest as manifests
from nova_container.image import tar_split, treetar
from nova_container.image.compression import GzipWriter
from nova_container.registry.download import Halt
from nova_container.runtime.builder import Builder, StoredLayer
from nova_container.runtime.fetching import Fetched
from nova_container.runtime.images import LayerRecord
from nova_container.runtime.layers import LayerStore

_BLOCK = 1 << 20


class Taking:
    """The layers of one build. A context: on leaving, no work goes on."""

    def __init__(self, builder: Builder, layers: LayerStore, server: forks.ForkServer, place: Path, halt: Halt,
                 known: Iterable[str]) -> None:
        """:param place: a folder for blobs and trees.  :param known: diff_ids that need not be taken."""
        self._builder, self._layers, self._forks = builder, layers, server
        self._place, self._halt, self._known = place, halt, frozenset(known)
        self._pool = ThreadPoolExecutor(1, 'take')
        self._begun: dict[str, Future[Fetched]] = {}

    def __enter__(self) -> 'Taking':
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self._halt.end()
        self._pool.shutdown(cancel_futures=True)

    def made(self, image_id: str) -> None:
        """An image was made whose layers will be in the last one; the id may be the beginning of one."""
        self._pool.submit(self._begin, image_id, lambda diff_id: diff_id not in self._known)

    def take(self, image_id: str, wanted: Iterable[str]) -> dict[str, Fetched]:
        """The layers with these diff_ids, which an image has; on disk.

        :raises UnacceptableImage: an entry of one breaks a rule.  :raises HostFailure: one is not as buildah made it.
        """
        needed = frozenset(wanted)
        if not needed:
            return {}
        self._pool.submit(self._begin, image_id, lambda diff_id: diff_id in needed).result()
        try:
            taken = {diff_id: self._begun[diff_id].result() for diff_id in needed}
        except (errors.Corrupt, errors.DigestMismatch, FileNotFoundError) as error:
            raise errors.HostFailure(f'What is kept for later builds is damaged: {error}. Remove it with '
                                     '"docker builder prune" and build again') from error
        files.sync_filesystem(self._place)
        return taken

    def _begin(self, image_id: str, is_wanted: Callable[[str], bool]) -> None:
        for layer in self._builder.layers_of(image_id):
            if is_wanted(layer.diff_id) and layer.diff_id not in self._begun:
                self._begun[layer.diff_id] = self._pool.submit(self._taken, layer)

    def _taken(self, layer: StoredLayer) -> Fetched:
        path = self._place / secrets.token_hex(8)
        record = self._compressed(layer, path)
        return Fetched(path, record, self._layers.unpack_aside(layer.diff_id, path, self._place,
                                                               lambda _: self._halt.check()))

    def _compressed(self, layer: StoredLayer, path: Path) -> LayerRecord:
        plain, packed, size = hashlib.sha256(), hashlib.sha256(), 0
        with layer.description.open('rb') as description, path.open('xb') as file, contextlib.closing(
                self._forks.spawn(tar_split.words_for(layer.folder), stdin=description, stdout=forks.PIPE,
                                  stderr=forks.PIPE)) as child:
            def write(piece: bytes) -> None:
                nonlocal size
                file.write(piece)
                packed.update(piece)
                size += len(piece)

            assert child.stdout and child.stderr
            writer = GzipWriter(write)
            while block := child.stdout.read(_BLOCK):
                self._halt.check()
                plain.update(block)
                writer.write(block)
            writer.close()
            said = child.stderr.read()
            if child.wait():
                treetar.raise_error(said)
        if (found := f'sha256:{plain.hexdigest()}') != layer.diff_id:
            raise errors.DigestMismatch('A layer that was built', layer.diff_id, found)
        return LayerRecord(blob_digest=f'sha256:{packed.hexdigest()}', size=size, media_type=manifests.OCI_LAYER_GZIP,
                           diff_id=layer.diff_id)
