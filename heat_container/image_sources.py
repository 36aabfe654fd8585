# SPDX-License-Identifier: Apache-2.0
"""Where images come from: each source is a function that brings one to an engine and returns its id.

They run in the background, given up within a moment once ``stop`` is set: an engine ends a pull, push or build when
whoever asked for it lets go.
"""

import contextlib
import io
import tarfile
import tempfile
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import BinaryIO, cast

from nova_container import errors
from nova_container.engine import BuildSpec, CommitSpec, Credentials, Engine, Progress

MAX_ARCHIVE_BYTES = 20 << 30
MAX_SAID = 2000


def pull(engine: Engine, stop: threading.Event, reference: str, *, credentials: Credentials | None = None,
         platform: str = '') -> str:
    """Fetch from a registry."""
    return drained(engine.pull(reference, credentials=credentials, platform=platform), stop)


def push(engine: Engine, stop: threading.Event, image_id: str, reference: str, *,
         credentials: Credentials | None = None) -> str:
    """Send an image to a registry under a name that it has on the engine only meanwhile; returns its digest there.

    :raises AlreadyExists: another image has the name.
    """
    holder = holder_of(engine, reference)
    if holder not in (None, image_id):
        raise errors.AlreadyExists(f'{reference} is the name of another image on this engine: choose another')
    if holder is None:
        engine.tag_image(image_id, reference)
    try:
        return drained(engine.push(reference, credentials=credentials), stop)
    finally:
        if holder is None:
            untag(engine, image_id, (reference,))


def holder_of(engine: Engine, reference: str) -> str | None:
    """The id of the image that has a name, or None."""
    try:
        return engine.inspect_image(reference).id
    except errors.ImageNotFound:
        return None


def untag(engine: Engine, image_id: str | None, names: Iterable[str]) -> None:
    """Take names away that the image still has; the last one of an image in use stays."""
    for name in names:
        if image_id is not None and holder_of(engine, name) == image_id:
            with contextlib.suppress(errors.WrongState):
                engine.remove_image(name)


def build(engine: Engine, stop: threading.Event, context: BinaryIO, spec: BuildSpec) -> str:
    """Make it from a Dockerfile. :raises StepFailed: with the end of what the build said."""
    said: list[str] = []
    try:
        return drained(engine.build(context, spec), stop, said)
    except errors.StepFailed as error:
        error.args = (f'{error}\n{"".join(said)[-MAX_SAID:]}'.strip(),)
        raise


def load(engine: Engine, stop: threading.Event, pieces: Iterable[bytes], reference: str) -> str:
    """Take in an archive of ``docker save`` or an OCI layout, of one image, which gets that name and no other."""
    with archive_of(pieces, stop) as archive:
        [loaded] = engine.load(archive, reference=reference)
    return loaded.id


def import_rootfs(engine: Engine, stop: threading.Event, pieces: Iterable[bytes], reference: str,
                  labels: Mapping[str, str]) -> str:
    """Make it of one layer from a tar of a file system."""
    with archive_of(pieces, stop) as archive:
        return engine.import_image(archive, CommitSpec(reference=reference, config={'Labels': dict(labels)}))


def context_of(dockerfile: str, files: Mapping[str, str]) -> BinaryIO:
    """A tar of a Dockerfile and of small files beside it. :raises InvalidRequest: a path leaves the context."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w') as archive:
        for path, text in {**files, 'Dockerfile': dockerfile}.items():
            if path.startswith('/') or '..' in path.split('/') or not path:
                raise errors.InvalidRequest(f'build: {path!r} is no path inside the context')
            content = text.encode()
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o755 if content.startswith(b'#!') else 0o644
            entry.mtime = int(time.time())
            archive.addfile(entry, io.BytesIO(content))
    buffer.seek(0)
    return buffer


def drained(progress: Iterator[Progress], stop: threading.Event, said: list[str] | None = None) -> str:
    """Do the work and return its result. :raises Unavailable: nobody waits for it any more."""
    result = ''
    with contextlib.closing(cast(Generator[Progress, None, None], progress)) as lines:  # which ends the work
        for line in lines:
            given_up(stop)
            result = line.result or result
            if said is not None and line.stream:
                said.append(line.stream)
    if not result:
        raise errors.Corrupt('The engine did not say which image came of it')
    return result


def given_up(stop: threading.Event) -> None:
    """:raises Unavailable: the stack was cancelled or deleted meanwhile."""
    if stop.is_set():
        raise errors.Unavailable('Nobody waits for this image any more')


@contextlib.contextmanager
def archive_of(pieces: Iterable[bytes], stop: threading.Event,
               limit: int = MAX_ARCHIVE_BYTES) -> Iterator[BinaryIO]:
    """A file of these bytes, gone afterwards. :raises UnacceptableImage: there are too many."""
    with tempfile.TemporaryFile(prefix='heat-container-') as file:
        for piece in pieces:
            given_up(stop)
            if file.tell() + len(piece) > limit:
                raise errors.UnacceptableImage(f'The archive is longer than {limit >> 30} GiB')
            file.write(piece)
        file.seek(0)
        yield file
