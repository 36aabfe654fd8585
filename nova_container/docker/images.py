# SPDX-License-Identifier: Apache-2.0
"""Verbs over the Docker Engine API: images."""

import builtins
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from nova_container import errors
from nova_container.docker import files, retag
from nova_container.docker.base import Verbs, image_path
from nova_container.docker.infra_image import NAME as INFRA
from nova_container.docker.transport import Answer
from nova_container.docker.wire import images as wire
from nova_container.docker.wire.document import Document
from nova_container.engine import ImageInfo, ImageOps
from nova_container.image import reference as references


class ImageVerbs(Verbs, ImageOps):
    """Images in and out, named and removed."""

    def load(self, archive: BinaryIO, *, reference: str | None = None) -> tuple[ImageInfo, ...]:
        if reference is not None:
            references.parse(reference)
        if self.is_ours:
            answer = self._load(files.pieces(archive), reference)
            found = [Document(line).document('aux').text('ID') for line in answer.documents()]
        else:
            found = self._load_elsewhere(archive, reference)
        return tuple(self.inspect_image(image_id) for image_id in found if image_id)

    def _load_elsewhere(self, archive: BinaryIO, reference: str | None) -> builtins.list[str]:
        """Docker tags what the archive says, so the archive is rewritten; its manifest tells the ids."""
        with retag.rewritten(archive, reference) as (content, image_ids):
            for line in self._load(content, None).documents():
                if Document(line).text('error'):
                    raise errors.UnacceptableImage(Document(line).text('error'))
        return image_ids

    def _load(self, body: Iterator[bytes], reference: str | None) -> Answer:
        return self.ask('POST', '/images/load', body=body, timeout_s=0,
                        query={'quiet': True, 'reference': reference})

    def save(self, images: tuple[str, ...]) -> Iterator[bytes]:
        for image in images:
            image_path(image)
        return self.ask('GET', '/images/get', query={'names': builtins.list(images)}, timeout_s=0).chunks()

    def list_images(self) -> tuple[ImageInfo, ...]:
        if self.is_ours:
            return tuple(wire.image_of(row) for row in self.get('/images/json', query={'inspect': True}))
        rows = [Document(row) for row in self.get('/images/json')]
        newest_first = sorted(rows, key=lambda row: -(row.integer('Created') or 0))
        return tuple(self._inspect_images([row.text('Id') for row in newest_first
                                           if INFRA not in row.texts('RepoTags')]))

    def _inspect_images(self, image_ids: builtins.list[str]) -> Iterator[ImageInfo]:
        """Those that are still there."""
        for image_id in image_ids:
            try:
                yield self.inspect_image(image_id)
            except errors.ImageNotFound:
                continue

    def inspect_image(self, image: str) -> ImageInfo:
        body = self.get(image_path(image, '/json'))
        if 'History' not in body:
            body['History'] = wire.history_of(self.get(image_path(image, '/history')))
        return wire.image_of(body)

    def tag_image(self, image: str, reference: str) -> None:
        repository, tag = files.split(references.parse(reference).familiar())
        self.do('POST', image_path(image, '/tag'), query={'repo': repository, 'tag': tag or None})

    def remove_image(self, image: str, *, force: bool = False) -> tuple[str, ...]:
        try:
            rows: Any = self.ask('DELETE', image_path(image), query={'force': force}).document()
        except errors.ImageNotFound:
            return ()
        except errors.WrongState:
            if self.is_ours:
                raise
            return self._remove_all_names(image)
        gone = [Document(row) for row in rows]
        return (*(row.text('Untagged') for row in gone if row.has('Untagged')),
                *(row.text('Deleted') for row in gone if row.has('Deleted')))

    def _remove_all_names(self, image: str) -> tuple[str, ...]:
        """Docker removes the names of an id one by one only. :raises WrongState: a container uses the image."""
        found = self.inspect_image(image)
        users = self.get('/containers/json', query={'all': True, 'filters': json.dumps({'ancestor': [found.id]})})
        if users or image in found.references:
            raise errors.WrongState(f'Image {image} is used by {len(users)} containers')
        gone = [name for reference in found.references for name in self.remove_image(reference)]
        return tuple(sorted(gone, key=lambda name: name.startswith('sha256:')))

    def prune_images(self, *, all_unused: bool = False) -> tuple[tuple[str, ...], int]:
        dangling = json.dumps({'dangling': ['false' if all_unused else 'true']})
        body = Document(self.ask('POST', '/images/prune', query={'filters': dangling}, timeout_s=0).document())
        gone = tuple(row.text('Deleted') for row in body.documents('ImagesDeleted') if row.has('Deleted'))
        return gone, body.integer('SpaceReclaimed') or 0
