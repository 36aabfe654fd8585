# SPDX-License-Identifier: Apache-2.0
"""Dockerfiles as tenants give them: read before they are built, and built as they were read."""

import contextlib
import dataclasses
import io
import posixpath
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO

from nova_container import errors
from nova_container.engine import BuildSpec, Credentials
from nova_container.image import dockerfile
from nova_container.image import reference as references
from nova_container.image.dockerfile import Recipe

_NAME = '.heat-container.Dockerfile'
_MOST_BYTES = 20 << 30


def read(context: BinaryIO, spec: BuildSpec) -> Recipe:
    """What a context builds on. :raises InvalidRequest: it has no Dockerfile, or one that cannot be understood."""
    return dockerfile.read(_content(context, spec), spec.arguments)


@contextlib.contextmanager
def pinned(context: BinaryIO, spec: BuildSpec, ids: Mapping[str, str]) -> Iterator[tuple[BinaryIO, BuildSpec]]:
    """The same context with the Dockerfile as it was read, whose images are named by their ids, and are all there."""
    recipe = dockerfile.read(_content(context, spec), spec.arguments, ids).text.encode()
    with tempfile.TemporaryFile(prefix='heat-container-') as file:
        with _archive(context) as source, tarfile.open(fileobj=file, mode='w') as target:
            size = 0
            for entry in source:
                size += entry.size
                if size > _MOST_BYTES:
                    raise errors.InvalidRequest(f'build: the context is longer than {_MOST_BYTES >> 30} GiB')
                target.addfile(entry, source.extractfile(entry) if entry.isreg() else None)
            added = tarfile.TarInfo(_NAME)
            added.size, added.mode = len(recipe), 0o644
            target.addfile(added, io.BytesIO(recipe))
        file.seek(0)
        yield file, dataclasses.replace(spec, dockerfile=_NAME, pull=False)


def login_for(name: str, bases: Iterable[str], given: tuple[Credentials, ...]) -> Credentials | None:
    """What the registry of an image is shown: the login is for the one registry beside docker.io that is used."""
    domains = {references.parse(base).domain for base in bases if not base.startswith('sha256:')}
    own = domains - {references.DEFAULT_DOMAIN} or domains
    return given[0] if given and len(own) == 1 and references.parse(name).domain in own else None


def _content(context: BinaryIO, spec: BuildSpec) -> bytes:
    """The Dockerfile: a file of its own, and the last of that name."""
    found = None
    with _archive(context) as archive:
        for entry in archive:
            if posixpath.normpath(entry.name).lstrip('/') == posixpath.normpath(spec.dockerfile):
                found = archive.extractfile(entry) if entry.isreg() else None
                content = b'' if found is None else found.read(dockerfile.MAX_BYTES + 1)
    if found is None:
        raise errors.InvalidRequest(f'build: the context has no file {spec.dockerfile}')
    return content


@contextlib.contextmanager
def _archive(context: BinaryIO) -> Iterator[tarfile.TarFile]:
    context.seek(0)
    try:
        with tarfile.open(fileobj=context, mode='r:*') as archive:
            yield archive
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise errors.InvalidRequest(f'build: the context is no tar: {error}') from error
