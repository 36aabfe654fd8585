# SPDX-License-Identifier: Apache-2.0
"""Files that a tenant gives along with a new server (``--file``, up to API version 2.56)."""

import io
import posixpath
import tarfile
from collections.abc import Sequence

from nova_container import errors
from nova_container.engine import base


def copy_in(engine: base.Engine, container: str, files: Sequence[tuple[str, bytes]]) -> None:
    """Write the files, with the folders they need, into a container that does not run yet.

    :raises InvalidSpec: a path leaves the container, or cannot be written.
    """
    if not files:
        return
    try:
        engine.copy_in(container, '/', archive(files))
    except errors.NotFound as error:
        raise errors.InvalidSpec(f'Injected files cannot be written: {error}') from error


def archive(files: Sequence[tuple[str, bytes]]) -> io.BytesIO:
    """A tar of the files. :raises InvalidSpec: a path holds '..'."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode='w', format=tarfile.PAX_FORMAT) as target:
        for path, content in files:
            entry = tarfile.TarInfo(_relative(path))
            entry.size, entry.mode = len(content), 0o644
            target.addfile(entry, io.BytesIO(content))
    packed.seek(0)
    return packed


def _relative(path: str) -> str:
    parts = path.strip('/').split('/')
    if '..' in parts or '\0' in path or not parts[-1]:
        raise errors.InvalidSpec(f'Injected file {path[:60]!r}: give an absolute path of a file, without ..')
    return posixpath.join(*(part for part in parts if part not in ('', '.')))
