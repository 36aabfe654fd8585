# SPDX-License-Identifier: Apache-2.0
"""Files in and out of a container, by child processes that are shut into its root."""

import contextlib
from collections.abc import Iterator
from typing import BinaryIO

from nova_container.engine.state import FileStat
from nova_container.host import process
from nova_container.image import treetar, unpack
from nova_container.runtime.parts import Parts

_BLOCK = 1 << 17
_DEADLINE_S = 3600.0


def stat_path(parts: Parts, name: str, path: str) -> FileStat:
    """See ``ContainerOps.stat_path``."""
    container = parts.register.get(name)
    said = process.output(*treetar.argv_for_stat(parts.folder(container).root, path))
    found = treetar.parse_stat(said)
    return FileStat(name=found.name, size_bytes=found.size, mode=found.mode,
                    modified_at=found.mtime_ns / 1e9, link_target=found.link_target)


def copy_out(parts: Parts, name: str, path: str) -> Iterator[bytes]:
    """See ``ContainerOps.copy_out``."""
    stat_path(parts, name, path)
    return _stream(treetar.argv_for(parts.folder(parts.register.get(name)).root, path))


def export(parts: Parts, name: str) -> Iterator[bytes]:
    """See ``ContainerOps.export``."""
    return _stream(treetar.argv_for(parts.folder(parts.register.get(name)).root, '/', name=''))


def _stream(argv: list[str]) -> Iterator[bytes]:
    child = process.spawn(argv, stdout=process.PIPE, stderr=process.PIPE)
    assert child.stdout and child.stderr
    try:
        while block := child.stdout.read(_BLOCK):
            yield block
        said = child.stderr.read()
        if child.wait():
            treetar.raise_error(said)
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        child.stdout.close()
        child.stderr.close()
        child.wait()


def copy_in(parts: Parts, name: str, path: str, archive: BinaryIO) -> None:
    """See ``ContainerOps.copy_in``."""
    container = parts.register.get(name)
    limits = unpack.UnpackLimits(max_bytes=parts.settings.max_image_bytes,
                                 max_entries=parts.settings.max_image_entries, deadline_s=_DEADLINE_S)
    argv = unpack.argv_for_tree(parts.folder(container).root, path, limits)
    said = process.feed(*argv, source=archive, timeout_s=_DEADLINE_S)
    unpack.parse_output(said)
