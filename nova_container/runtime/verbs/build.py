# SPDX-License-Identifier: Apache-2.0
"""Make an image from a Dockerfile."""

import contextlib
import dataclasses
import os
import re
import secrets
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, cast

from nova_container import errors
from nova_container.engine.registry import BuildSpec, Credentials, Progress
from nova_container.host import files, process
from nova_container.host.cgroups import Cgroup
from nova_container.image import dockerfile, tar_writer, unpack
from nova_container.image import reference as references
from nova_container.image.compression import Decompressed
from nova_container.image.config import ImageConfig
from nova_container.image.dockerfile import Recipe
from nova_container.runtime import build_output
from nova_container.runtime.images import normal
from nova_container.runtime.parts import Parts
from nova_container.runtime.telling import Board, told
from nova_container.runtime.verbs import images, pull

_CONTEXT_S = 600.0
_ID = re.compile(r'(?:sha256:)?([0-9a-f]{64})')


def build(parts: Parts, context: BinaryIO, spec: BuildSpec) -> Iterator[Progress]:
    """See ``RegistryOps.build``. The context is read before anything is told."""
    names = [normal(tag) for tag in spec.tags]
    parts.builder.network(spec)
    if spec.squash:
        raise errors.Unsupported('squash is not supported by this engine')
    parts.builder.prepare()
    place = parts.settings.builds / f'build-{secrets.token_hex(8)}'
    place.mkdir(mode=0o700)
    try:
        recipe = _received(parts, context, spec, place)
        with _alone_first(parts), parts.build_gate.shared():
            yield from told(lambda board: _Build(parts, spec, recipe, names, place, board).run(), 'build')
    finally:
        files.remove_tree(place)


def prune(parts: Parts) -> int:
    """See ``RegistryOps.prune_builds``."""
    with parts.build_gate.alone_if_free() as alone:
        if not alone:
            raise errors.WrongState('A build runs: wait for its end')
        return parts.builder.discard_all()


@contextlib.contextmanager
def _alone_first(parts: Parts) -> Iterator[None]:
    with parts.build_gate.alone_if_free() as alone:
        if alone:
            parts.builder.discard_leftovers()
    yield


def _received(parts: Parts, context: BinaryIO, spec: BuildSpec, place: Path) -> Recipe:
    """Unpack the context, and read its recipe."""
    folder = place / 'context'
    folder.mkdir(mode=0o755)
    limits = unpack.UnpackLimits(max_bytes=parts.settings.max_image_bytes,
                                 max_entries=parts.settings.max_image_entries, deadline_s=_CONTEXT_S)
    plain = Decompressed(context, parts.settings.max_image_bytes)
    unpack.parse_output(process.feed(*unpack.argv_for_tree(folder, '/', limits), timeout_s=_CONTEXT_S,
                                     source=cast(BinaryIO, _Ended(plain))))
    content = _file_within(folder, spec.dockerfile)
    if content is None:
        raise errors.InvalidRequest(f'Cannot locate specified Dockerfile: {spec.dockerfile[:200]}')
    recipe = dockerfile.read(content, spec.arguments)
    (place / 'recipe').write_text(recipe.text)
    (place / 'ignore').write_bytes(_file_within(folder, '.dockerignore') or b'')
    return recipe


class _Ended:
    """A tar with an end after its end: ``docker build -f`` sends contexts without one (moby, ReplaceFileTarWrapper)."""

    def __init__(self, source: Decompressed) -> None:
        self._source = source
        self._size = 0
        self._is_over = False

    def read(self, size: int) -> bytes:
        if chunk := self._source.read(size):
            self._size += len(chunk)
            return chunk
        end = b'' if self._is_over else tar_writer.padding(self._size) + tar_writer.END
        self._is_over = True
        return end


def _file_within(folder: Path, name: str) -> bytes | None:
    """A small file of the context; None if there is none, or it leads out of the context."""
    path = Path(os.path.realpath(folder / name.lstrip('/')))
    if not path.is_relative_to(os.path.realpath(folder)):
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with open(descriptor, 'rb') as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        return file.read(dockerfile.MAX_BYTES + 1)


@dataclasses.dataclass(slots=True)
class _Build:
    parts: Parts
    spec: BuildSpec
    recipe: Recipe
    names: list[str]
    place: Path
    board: Board

    def run(self) -> None:
        bases = {name: self._base(name) for name in self.recipe.bases}
        image_id = self._built(bases)
        self._take(image_id)
        self.parts.events.publish('image', 'build', image_id, {'name': self.names[0] if self.names else image_id})
        self.board.print(f'Successfully built {image_id.removeprefix("sha256:")[:12]}\n', image_id)
        for name in self.names:
            self.board.print(f'Successfully tagged {name}\n')

    def _base(self, name: str) -> str:
        """The id of an image to build on, which buildah has from now on."""
        here = None if self.spec.pull and not self._is_id(name) else self._here(name)
        if here is None:
            for line in pull.pull(self.parts, name, self._credentials(name), self.spec.platform):
                self.board.halt.check()
                self.board.lines.put(line)
            here = self._here(name)
        if here is None:
            raise errors.ImageNotFound(name)
        record = self.parts.images.get(here)
        with self.parts.turns.of(f'base {here}', self.board.halt.check):
            if not self.parts.builder.has(here):
                self.parts.builder.give(record, self.parts.images.blobs, self.place)
        return here

    def _here(self, name: str) -> str | None:
        try:
            return self.parts.images.get(name).id
        except errors.ImageNotFound:
            return None

    def _is_id(self, name: str) -> bool:
        return _ID.fullmatch(name) is not None

    def _credentials(self, name: str) -> Credentials | None:
        domain = references.parse(name).domain
        hosts = {domain, *(('index.docker.io',) if domain == references.DEFAULT_DOMAIN else ())}
        return next((one for one in self.spec.credentials
                     if one.server.removeprefix('https://').removeprefix('http://').partition('/')[0] in hosts), None)

    def _built(self, bases: dict[str, str]) -> str:
        group = Cgroup(f'{self.parts.settings.cgroup_parent}/{self.place.name}', self.parts.cgroup_version)
        group.limit_pids(self.parts.settings.build_pids)
        try:
            child = self.parts.builder.start(self.spec, bases, self.place, group.path)
            with self.board.halt.watching(child.kill):
                said = build_output.relay(child, self.board, {image: name for name, image in bases.items()})
        finally:
            group.remove()
        self.board.halt.check()
        if child.returncode:
            raise build_output.failure(said, child.returncode)
        found = _ID.fullmatch((self.place / 'id').read_text().strip())
        if found is None:
            raise errors.HostFailure('buildah did not say what it built')
        return f'sha256:{found[1]}'

    def _take(self, image_id: str) -> None:
        """Take what was built into our stores, and give it its names."""
        if (here := self._here(image_id)) is not None:
            with self.parts.image_gate.shared():
                for name in self.names:
                    self.parts.images.tag(here, name)
            return
        with images.adding(self.parts):
            known = self.parts.images.diff_ids()
            content, made = self.parts.builder.take(image_id, known, self.place)
            config = ImageConfig.parse(content)
            for layer, path in made:
                self.parts.images.blobs.adopt(path, layer.blob_digest)
            with ThreadPoolExecutor(os.cpu_count(), 'unpack') as pool:
                list(pool.map(lambda one: self.parts.layers.ensure(
                    one[0].diff_id, self.parts.images.blobs.path(one[0].blob_digest)), made))
            new = {layer.diff_id: layer for layer, _ in made}
            layers = tuple(new.get(diff_id) or self.parts.images.held(diff_id) for diff_id in config.diff_ids)
            (self.place / 'config').write_bytes(content)
            self.parts.images.blobs.adopt(self.place / 'config', image_id)
            self.parts.images.unpack(layers)
            self.parts.images.add(image_id, layers, config.created, self.names)
