# SPDX-License-Identifier: Apache-2.0
"""Verbs over the Docker Engine API: images from and to registries, and made from Dockerfiles."""

import json
from collections.abc import Iterator
from typing import BinaryIO

from nova_container import errors
from nova_container.docker import files
from nova_container.docker.base import Verbs, image_path
from nova_container.docker.transport import Answer
from nova_container.docker.wire import build as build_wire
from nova_container.docker.wire import registry as wire
from nova_container.docker.wire import units
from nova_container.docker.wire.document import Document
from nova_container.engine import (
    BuildSpec, CommitSpec, Credentials, Found, ImageOps, Progress, RegistryOps, RemoteImage)
from nova_container.image import reference as references


class RegistryVerbs(Verbs, ImageOps, RegistryOps):
    """Images in and out over the network."""

    def pull(self, reference: str, *, credentials: Credentials | None = None,
             platform: str = '', all_tags: bool = False) -> Iterator[Progress]:
        wanted = references.parse(reference)
        tag = None if all_tags else wanted.digest or wanted.tag
        answer = self.ask('POST', '/images/create', timeout_s=0, headers=wire.header_of(credentials), query={
            'fromImage': wanted.familiar_name(), 'tag': tag, 'platform': platform or None})
        yield from _told(answer)
        if not all_tags:
            yield Progress(result=self.inspect_image(wanted.familiar()).id)

    def push(self, reference: str, *, credentials: Credentials | None = None) -> Iterator[Progress]:
        wanted = references.parse(reference)
        if wanted.digest or not wanted.tag:
            raise errors.InvalidRequest('cannot push a digest reference: give it a tag')
        if not self.is_ours:  # Docker says so only in the midst of its answer
            self.inspect_image(wanted.familiar())
        yield from _told(self.ask('POST', image_path(wanted.familiar_name(), '/push'), timeout_s=0,
                                  headers=wire.header_of(credentials), query={'tag': wanted.tag}))

    def build(self, context: BinaryIO, spec: BuildSpec) -> Iterator[Progress]:
        answer = self.ask('POST', '/build', body=files.pieces(context), timeout_s=0,
                          query=build_wire.query_of(spec), headers=wire.config_header_of(spec.credentials))
        try:
            yield from _told(answer)
        except errors.Unavailable as error:
            if self.is_ours or type(error) is not errors.Unavailable:
                raise
            raise errors.InvalidRequest(str(error)) from error

    def prune_builds(self, *, until: float | None = None) -> int:
        filters = None if until is None else json.dumps({'until': [units.timestamp_of(until)]})
        body = Document(self.ask('POST', '/build/prune', timeout_s=0, query={'filters': filters}).document())
        return body.integer('SpaceReclaimed') or 0

    def import_image(self, archive: BinaryIO, spec: CommitSpec) -> str:
        repository, tag = files.split(references.parse(spec.reference).familiar() if spec.reference else '')
        answer = self.ask('POST', '/images/create', body=files.pieces(archive), timeout_s=0, query={
            'fromSrc': '-', 'repo': repository or None, 'tag': tag or None, 'message': spec.comment or None,
            'changes': build_wire.changes_of(spec.config)})
        said = [one.status for one in _told(answer) if one.status.startswith('sha256:')]
        if not said:
            raise errors.Corrupt('The engine did not say which image it made')
        return said[-1]

    def search(self, term: str, *, limit: int = 25) -> tuple[Found, ...]:
        return tuple(wire.found_of(row) for row in self.get('/images/search', query={'term': term, 'limit': limit}))

    def inspect_remote(self, reference: str, *, credentials: Credentials | None = None) -> RemoteImage:
        name = references.parse(reference).familiar()
        path = f'/distribution/{image_path(name).removeprefix("/images/")}/json'
        return wire.remote_of(self.get(path, headers=wire.header_of(credentials)))

    def check_login(self, credentials: Credentials) -> None:
        self.do('POST', '/auth', document=wire.login_body(credentials))


def _told(answer: Answer) -> Iterator[Progress]:
    """The lines of an answer. Closing the iterator ends the connection, and with it the work."""
    for document in answer.documents():
        if isinstance(document, dict):
            yield wire.progress_of(document)
