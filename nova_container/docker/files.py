# SPDX-License-Identifier: Apache-2.0
"""Verbs over the Docker Engine API: files of containers, and images made of them."""

import posixpath
import stat
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import BinaryIO

from nova_container import errors
from nova_container.docker.base import Verbs, container_path
from nova_container.docker.transport import Answer
from nova_container.docker.wire import files as wire
from nova_container.docker.wire.document import Document
from nova_container.engine import Change, CommitSpec, ContainerOps, FileStat
from nova_container.image import reference as references

_CHUNK = 1024 * 1024


class FileVerbs(Verbs, ContainerOps):
    """Files out and in."""

    def written_bytes(self, container: str) -> int:
        return Document(self.get(container_path(container, '/json'), query={'size': True})).integer('SizeRw') or 0

    def changes(self, container: str) -> tuple[Change, ...]:
        found = wire.changes_of(self.get(container_path(container, '/changes')))
        return tuple(sorted(found, key=lambda change: change.path))

    def export(self, container: str) -> Iterator[bytes]:
        return self.ask('GET', container_path(container, '/export'), timeout_s=0).chunks()

    def stat_path(self, container: str, path: str) -> FileStat:
        answer = self._archive('HEAD', container, path)
        answer.content()
        return wire.stat_of(answer.header(wire.STAT_HEADER))

    def copy_out(self, container: str, path: str) -> Iterator[bytes]:
        return self._archive('GET', container, path).chunks()

    def copy_in(self, container: str, path: str, archive: BinaryIO, *, may_change_kind: bool = True) -> None:
        self._archive('PUT', container, path, archive, {} if may_change_kind else {'noOverwriteDirNonDir': 1}).content()

    def _archive(self, method: str, container: str, path: str, archive: BinaryIO | None = None,
                 more: Mapping[str, object] = MappingProxyType({})) -> Answer:
        """404 is for a path as for a container (and says nothing after HEAD), so the container is asked for."""
        body = None if archive is None else pieces(archive)
        try:
            return self.ask(method, container_path(container, '/archive'), query={'path': path, **more}, body=body)
        except errors.NotFound as error:
            if isinstance(error, errors.ContainerNotFound):
                raise
            self.inspect(container)
            raise
        except errors.HostFailure as error:
            if self.is_ours or not self._is_below_a_file(container, path):
                raise
            raise errors.NotFound(f'No such path in container {container}: {path}') from error

    def _is_below_a_file(self, container: str, path: str) -> bool:
        """Docker 20.10 answers 500 for a path whose parent is no directory."""
        parent = posixpath.dirname(path.rstrip('/'))
        try:
            return parent not in ('', '/') and not stat.S_ISDIR(self.stat_path(container, parent).mode)
        except errors.ContainerError:
            return False

    def commit(self, container: str, spec: CommitSpec = CommitSpec()) -> str:
        repository, tag = split(references.parse(spec.reference).familiar() if spec.reference else '')
        answer = self.ask('POST', '/commit', timeout_s=0, document=dict(spec.config), query={
            'container': container, 'repo': repository or None, 'tag': tag or None, 'author': spec.author or None,
            'comment': spec.comment or None, 'pause': spec.pause, 'exact': self.is_ours or None})
        return Document(answer.document()).text('Id')


def pieces(archive: BinaryIO) -> Iterator[bytes]:
    """A file in pieces worth a system call each."""
    while piece := archive.read(_CHUNK):
        yield piece


def split(reference: str) -> tuple[str, str]:
    """Name and tag, for the parameters ``repo`` and ``tag``."""
    name, colon, tag = reference.rpartition(':')
    return (name, tag) if colon and '/' not in tag else (reference, '')
