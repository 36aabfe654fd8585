# SPDX-License-Identifier: Apache-2.0
"""The image verbs of the fake."""

import abc
import dataclasses
import datetime
import json
import re
import threading
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any, BinaryIO

from nova_container import errors
from nova_container.engine import state
from nova_container.engine.fake import archive as archives
from nova_container.engine.fake import faults, files
from nova_container.engine.fake.journal import Journal

_REFERENCE = re.compile(r'[a-z0-9][a-z0-9._:-]*(?:/[a-z0-9][a-z0-9._-]*)*(?::[\w.-]{1,128})?(?:@sha256:[0-9a-f]{64})?')
_APPLETS = ('cat', 'echo', 'env', 'false', 'hostname', 'id', 'ln', 'mkdir', 'pwd', 'rm', 'serve', 'sh', 'sleep',
            'stty', 'true')
_ETC = {'/etc/passwd': b'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n',
        '/etc/group': b'root:x:0:\nnogroup:x:65534:\n'}


@dataclasses.dataclass(slots=True)
class Image:
    """An image, its files laid together, and the names it has now."""

    content: archives.Content
    tree: files.Tree
    references: list[str] = dataclasses.field(default_factory=list)

    @property
    def id(self) -> str:
        return self.content.id

    @property
    def config(self) -> dict[str, Any]:
        return self.content.document.get('config') or {}

    @property
    def info(self) -> state.ImageInfo:
        document = self.content.document
        return state.ImageInfo(
            id=self.id, references=tuple(self.references), created_at=_seconds(document.get('created')),
            size_bytes=self.tree.size_bytes, diff_ids=tuple(document['rootfs']['diff_ids']),
            architecture=document.get('architecture', ''), os=document.get('os', ''), config=self.config,
            author=document.get('author', ''), comment=document.get('comment', ''),
            history=tuple(document.get('history') or ()),
            layer_bytes=tuple(len(layer) for layer in self.content.layers))


class FakeImages(abc.ABC):
    """Images in memory, newest last."""

    def __init__(self) -> None:
        self.faults = faults.Faults()
        self.changed = threading.Condition()
        self.journal = Journal(self.changed)
        self._images: dict[str, Image] = {}

    @abc.abstractmethod
    def image_is_used(self, image_id: str) -> bool:
        """Whether a container is made of it."""

    def add_image(self, reference: str, *, config: Mapping[str, object] | None = None,
                  files: Mapping[str, bytes | str] | None = None) -> str:
        """Take in an image made here and return its id.

        It holds the programs of the fake, ``files``, and, so that it starts, whatever its configuration runs;
        with no ``Cmd`` or ``Entrypoint`` it serves until it is stopped. A program the fake does not know serves too.
        """
        settings: dict[str, Any] = dict(config or {})
        if not settings.get('Cmd') and not settings.get('Entrypoint'):
            settings['Cmd'] = ['serve']
        tree = _tree_of(files or {}, _program(settings))
        layer = tree.pack_layer(_EMPTY)
        return self._keep(new_content(settings, (layer,)), reference).id

    @faults.verb
    def load(self, archive: BinaryIO, *, reference: str | None = None) -> tuple[state.ImageInfo, ...]:
        contents = archives.read(archive)
        if reference is not None and len(contents) != 1:
            raise errors.UnacceptableImage(f'{reference} is to name one image, but the archive holds {len(contents)}')
        with self.changed:
            names = [content.references if reference is None else (reference,) for content in contents]
            images = [self._keep(content, *given) for content, given in zip(contents, names, strict=True)]
            for image in images:
                self.journal.publish('image', 'load', image.id, {'name': image.id})
            return tuple(dataclasses.replace(image.info, references=tuple(map(familiar, given)))
                         for image, given in zip(images, names, strict=True))

    @faults.verb
    def save(self, images: tuple[str, ...]) -> Iterator[bytes]:
        with self.changed:
            named: dict[str, archives.Content] = {}
            for name in images:
                content = self.find_image(name).content
                names = named.get(content.id, dataclasses.replace(content, references=())).references
                if familiar(name) in self.find_image(name).references:
                    names = (*names, familiar(name))
                named[content.id] = dataclasses.replace(content, references=names)
        return _pieces(archives.write(named.values()))

    @faults.verb
    def list_images(self) -> tuple[state.ImageInfo, ...]:
        with self.changed:
            return tuple(image.info for image in reversed(self._images.values()))

    @faults.verb
    def inspect_image(self, image: str) -> state.ImageInfo:
        with self.changed:
            return self.find_image(image).info

    @faults.verb
    def tag_image(self, image: str, reference: str) -> None:
        with self.changed:
            found = self.find_image(image)
            self._name(found, reference)
            self.journal.publish('image', 'tag', found.id, {'name': familiar(reference)})

    @faults.verb
    def remove_image(self, image: str, *, force: bool = False) -> tuple[str, ...]:
        with self.changed:
            try:
                found = self.find_image(image)
            except errors.ImageNotFound:
                return ()
            name = familiar(image)
            if name in found.references and (
                    len(gone := _with_digests(name, found.references)) < len(found.references)):
                return self._untag(found, *gone)
            if self.image_is_used(found.id):
                if not force:
                    raise errors.WrongState(f'image {image} is used by a container; remove that first')
                return self._untag(found, *found.references)
            return (*self._untag(found, *found.references), *self._delete(found))

    @faults.verb
    def prune_images(self, *, all_unused: bool = False) -> tuple[tuple[str, ...], int]:
        with self.changed:
            doomed = [image for image in self._images.values()
                      if (all_unused or all('@' in name for name in image.references))
                      and not self.image_is_used(image.id)]
            for image in doomed:
                self._delete(image)
            return tuple(image.id for image in doomed), sum(image.tree.size_bytes for image in doomed)

    def find_image(self, image: str) -> Image:
        """By id, by unique prefix of one, or by reference. :raises ImageNotFound:"""
        for candidate in self._images.values():
            if image == candidate.id or familiar(image) in candidate.references:
                return candidate
        bare = image.removeprefix('sha256:')
        matches = [candidate for key, candidate in self._images.items() if bare and key[7:].startswith(bare)]
        if len(matches) != 1:
            raise errors.ImageNotFound(image)
        return matches[0]

    def keep_image(self, content: archives.Content, reference: str | None) -> str:
        """Take in an image that a verb made."""
        with self.changed:
            return self._keep(content, *([reference] if reference else [])).id

    def _keep(self, content: archives.Content, *references: str) -> Image:
        image = self._images.get(content.id) or Image(content, _lay(content.layers))
        self._images[image.id] = image
        for reference in references:
            self._name(image, reference)
        return image

    @staticmethod
    def check_reference(reference: str) -> None:
        """:raises InvalidReference:"""
        if _REFERENCE.fullmatch(reference) is None:
            raise errors.InvalidReference(f'{reference!r} is not an image reference')

    def _name(self, image: Image, reference: str) -> None:
        self.check_reference(reference)
        name = familiar(reference)
        for other in self._images.values():
            if name in other.references:
                other.references.remove(name)
        image.references.append(name)

    def _untag(self, image: Image, *names: str) -> tuple[str, ...]:
        for name in names:
            image.references.remove(name)
            self.journal.publish('image', 'untag', image.id, {'name': name})
        return names

    def _delete(self, image: Image) -> tuple[str, ...]:
        del self._images[image.id]
        self.journal.publish('image', 'delete', image.id, {'name': image.id})
        return (image.id,)


def _with_digests(name: str, names: list[str]) -> list[str]:
    """A name, and the digests of its repository if that has no other tag left."""
    repository = name.partition('@')[0].rpartition(':')[0] if '@' not in name else name.partition('@')[0]
    beside = [other for other in names if other != name and other.startswith((f'{repository}:', f'{repository}@'))]
    return [name] if any('@' not in other for other in beside) else [name, *beside]


def familiar(reference: str) -> str:
    """A reference as engines show it: with a tag, without Docker Hub's own host."""
    short = reference.removeprefix('docker.io/').removeprefix('library/')
    return short if ':' in short.rpartition('/')[2] or '@' in short else f'{short}:latest'


def new_content(config: Mapping[str, Any], layers: tuple[bytes, ...], **fields: object) -> archives.Content:
    """An image configuration for these layers, made now."""
    now = datetime.datetime.now(datetime.UTC).isoformat()
    return archives.Content(json.dumps({
        'architecture': 'amd64', 'os': 'linux', 'created': now, 'config': dict(config), **fields,
        'rootfs': {'type': 'layers', 'diff_ids': [archives.digest(layer) for layer in layers]}}).encode(), layers)


def _lay(layers: tuple[bytes, ...]) -> files.Tree:
    tree = files.Tree()
    for layer in layers:
        try:
            tree.unpack(BytesIO(layer), layer=True)
        except (ValueError, OSError) as error:
            raise errors.UnacceptableImage(f'a layer cannot be unpacked: {error}') from error
    return tree


def _program(config: Mapping[str, Any]) -> str:
    first = (*(config.get('Entrypoint') or ()), *(config.get('Cmd') or ()))[0]
    return str(first) if str(first).startswith('/') else f'/bin/{str(first).lstrip("./")}'


def _tree_of(given: Mapping[str, bytes | str], program: str) -> files.Tree:
    tree = files.Tree()
    for folder in ('/bin', '/dev', '/etc', '/proc', '/root', '/run', '/sys', '/tmp', '/var'):
        tree.make_folder(folder)
    for path, content in {**_ETC, **given}.items():
        tree.make_folder(path.rpartition('/')[0] or '/', parents=True)
        blob = content.encode() if isinstance(content, str) else content
        tree.write(path, blob, mode=0o755 if path == program or blob.startswith(b'#!') else 0o644)
    for path in (*(f'/bin/{name}' for name in _APPLETS), program):
        tree.make_folder(path.rpartition('/')[0] or '/', parents=True)
        if tree.find(path) is None:
            tree.write(path, b'', mode=0o755)
    return tree


def _pieces(blob: bytes, size: int = 1 << 20) -> Iterator[bytes]:
    for start in range(0, len(blob), size):
        yield blob[start:start + size]


def _seconds(created: str | None) -> float:
    return datetime.datetime.fromisoformat(created).timestamp() if created else 0.0


_EMPTY = files.Tree()
