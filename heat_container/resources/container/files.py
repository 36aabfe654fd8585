# SPDX-License-Identifier: Apache-2.0
"""Small text files in a container: written, and read back."""

import io
import posixpath
import tarfile
import time
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

from nova_container import errors
from nova_container.engine import Engine

MAX_READ_BYTES = 1 << 20
File = Mapping[str, Any]


def write(engine: Engine, container: str, wanted: Iterable[File]) -> None:
    """Put files into it, and make the folders that are missing. :raises InvalidRequest: a path leads nowhere."""
    for file in wanted:
        path = posixpath.normpath(file['path'])
        if path == '/':
            raise errors.InvalidRequest('files: / is a folder, not the path of a file')
        folder = _deepest(engine, container, posixpath.dirname(path))
        engine.copy_in(container, folder, _archive(posixpath.relpath(path, folder), file))


def read(engine: Engine, container: str, path: str, limit: int = MAX_READ_BYTES) -> bytes | None:
    """The beginning of a file, None if there is none."""
    try:
        pieces = engine.copy_out(container, path)
        buffer = bytearray()
        for piece in pieces:
            buffer += piece
            if len(buffer) > limit + 2048:
                break
    except errors.NotFound:
        return None
    with tarfile.open(fileobj=io.BytesIO(bytes(buffer)), mode='r:') as archive:
        entry = archive.next()
        if entry is None or not entry.isfile():
            return None
        return bytes(buffer[entry.offset_data:entry.offset_data + min(entry.size, limit)])


def is_there(engine: Engine, container: str, file: File) -> bool:
    """Whether it has the text that it is to have."""
    content: bytes = file['content'].encode()
    return read(engine, container, file['path'], max(len(content) + 1, 1)) == content


def _deepest(engine: Engine, container: str, folder: str) -> str:
    """The folder, or the next above it that is there."""
    while folder != '/':
        try:
            engine.stat_path(container, folder)
            return folder
        except errors.NotFound:
            folder = posixpath.dirname(folder)
    return folder


def _archive(path: str, file: File) -> BinaryIO:
    """A tar of the file and of the folders above it."""
    buffer = io.BytesIO()
    parts = path.split('/')
    with tarfile.open(fileobj=buffer, mode='w') as archive:
        for depth in range(1, len(parts)):
            above = tarfile.TarInfo('/'.join(parts[:depth]))
            above.type, above.mode, above.mtime = tarfile.DIRTYPE, 0o755, int(time.time())
            archive.addfile(above)
        content = file['content'].encode()
        entry = tarfile.TarInfo(path)
        entry.size, entry.mode, entry.mtime = len(content), int(file['mode'] or '0644', 8), int(time.time())
        entry.uid, entry.gid = file['uid'] or 0, file['gid'] or 0
        archive.addfile(entry, io.BytesIO(content))
    buffer.seek(0)
    return buffer
