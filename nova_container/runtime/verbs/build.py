# SPDX-License-Identifier: Apache-2.0
"""Make an image from a Dockerfile."""

import contextlib
import dataclasses
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from nova_container import errors
from nova_container.engine import validate
from nova_container.engine.registry import BuildSpec, Credentials, Progress
from nova_container.host import files
from nova_container.host.cgroups import Cgroup
from nova_container.image import dockerfile, tar_writer, unpack
from nova_container.image import reference as references
from nova_container.image.compression import Decompressed
from nova_container.image.config import ImageConfig
from nova_container.image.dockerfile import Recipe
from nova_container.image.special import check_special_directories
from nova_container.runtime import build_output, built, refused_limits
from nova_container.runtime.built import Built
from nova_container.runtime.images import normal
from nova_container.runtime.parts import Parts
from nova_container.runtime.taking import Taking
from nova_container.runtime.telling import Board, told
from nova_container.runtime.verbs import images, pull

_CONTEXT_S = 600.0
_CONTEXT = 'context.tar'
_CHUNK = 1 << 20
_ID = re.compile(r'(?:sha256:)?([0-9a-f]{64})')


def build(parts: Parts, context: BinaryIO, spec: BuildSpec) -> Iterator[Progress]:
    """See ``RegistryOps.build``. The context is read before anything is told."""
    names = [normal(tag) for tag in spec.tags]
    network = parts.builder.network(spec)
    validate.check_build(spec)
    refused_limits.check(spec.limits, parts.cgroup_version, parts.disk_limits)
    if spec.squash:
        raise errors.Unsupported('squash is not supported by this engine')
    place = parts.settings.builds / f'build-{secrets.token_hex(8)}'
    place.mkdir(mode=0o700)
    try:
        with images.damage_is_the_senders():
            _receive(context, place / _CONTEXT, parts.settings.max_image_bytes)
        key = built.key_of(place / _CONTEXT, spec, network, max_bytes=parts.settings.max_image_bytes,
                           max_entries=parts.settings.max_image_entries, deadline_s=_CONTEXT_S)
        if (found := _done_before(parts, spec, key, names)) is not None:
            yield from _told_again(parts, found, names)
            return
        parts.builder.prepare()
        recipe = _unpacked(parts, spec, place)
        with _alone_first(parts), parts.build_gate.shared():
            yield from told(lambda board: _Build(parts, spec, recipe, key, names, place, board).run(), 'build')
    finally:
        files.remove_tree(place)


def _done_before(parts: Parts, spec: BuildSpec, key: str | None, names: list[str]) -> Built | None:
    """What an earlier build made of the same, if that and what it builds on are still here; it has its names then."""
    found = parts.builder.built.find(key) if key and spec.cache and not spec.pull else None
    if found is None:
        return None
    with parts.image_gate.shared():
        try:
            if any(parts.images.get(name).id != image_id for name, image_id in found.bases.items()):
                return None
            parts.images.get(found.image_id)
        except errors.ImageNotFound:
            return None
        for name in names:
            parts.images.tag(found.image_id, name)
    return found


def _told_again(parts: Parts, found: Built, names: list[str]) -> Iterator[Progress]:
    for text in build_output.again(found.said):
        yield Progress(stream=text)
    yield from _ended(parts, found.image_id, names)


def _ended(parts: Parts, image_id: str, names: list[str]) -> Iterator[Progress]:
    """What is told of an image that was built and has its names."""
    parts.events.publish('image', 'build', image_id, {'name': names[0] if names else image_id})
    yield Progress(stream=f'Successfully built {image_id.removeprefix("sha256:")[:12]}\n', result=image_id)
    for name in names:
        yield Progress(stream=f'Successfully tagged {name}\n')


def prune(parts: Parts, until: float | None) -> int:
    """See ``RegistryOps.prune_builds``. What is kept is one store, which goes whole or not at all."""
    if until is not None and parts.builder.used_at() >= until:
        return 0
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


def _receive(context: BinaryIO, path: Path, max_bytes: int) -> None:
    """Write the context to a file, as a plain tar."""
    source = _Ended(Decompressed(context, max_bytes))
    with path.open('xb', buffering=0) as file:
        while chunk := source.read(_CHUNK):
            file.write(chunk)


def _unpacked(parts: Parts, spec: BuildSpec, place: Path) -> Recipe:
    """Unpack the context, and read its recipe."""
    folder = place / 'context'
    folder.mkdir(mode=0o755)
    limits = unpack.UnpackLimits(max_bytes=parts.settings.max_image_bytes,
                                 max_entries=parts.settings.max_image_entries, deadline_s=_CONTEXT_S)
    with (place / _CONTEXT).open('rb') as file, images.damage_is_the_senders():
        unpack.parse_output(parts.forks.output(unpack.words_for_tree(folder, '/', limits), stdin=file,
                                               timeout_s=_CONTEXT_S))
    (place / _CONTEXT).unlink()
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
    key: str | None
    names: list[str]
    place: Path
    board: Board

    def run(self) -> None:
        bases = {name: self._base(name) for name in self.recipe.bases}
        with Taking(self.parts.builder, self.parts.layers, self.parts.forks, self.place, self.board.halt,
                    self.parts.images.diff_ids()) as taking:
            image_id, said = self._built(bases, taking)
            self._take(image_id, taking)
        if self.key and self.recipe.is_repeatable and not any(self._triggers(base) for base in bases.values()):
            self.parts.builder.built.keep(self.key, Built(image_id=image_id, bases=bases, said=said))
        for line in _ended(self.parts, image_id, self.names):
            self.board.lines.put(line)

    def _triggers(self, base: str) -> bool:
        """Whether an image brings steps of its own, which may fetch something."""
        return bool(self.parts.images.config_of(base).get('OnBuild'))

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

    def _built(self, bases: dict[str, str], taking: Taking) -> tuple[str, tuple[str, ...]]:
        """The id of what was built, and what was said of its steps."""
        group = Cgroup(f'{self.parts.settings.cgroup_parent}/{self.place.name}', self.parts.cgroup_version)
        group.limit_pids(self.parts.settings.build_pids)
        try:
            child = self.parts.builder.start(self.spec, bases, self.place, group.path)
            with self.board.halt.watching(child.kill):
                said = build_output.relay(child, self.board, {image: name for name, image in bases.items()},
                                          taking.made)
        finally:
            group.remove()
        self.board.halt.check()
        if child.returncode:
            raise build_output.failure(said.last, child.returncode)
        return f'sha256:{build_output.made_last(said)}', said.steps

    def _take(self, image_id: str, taking: Taking) -> None:
        """Take what was built into our stores, and give it its names."""
        if (here := self._here(image_id)) is not None:
            with self.parts.image_gate.shared():
                for name in self.names:
                    self.parts.images.tag(here, name)
            return
        images_, layers = self.parts.images, self.parts.layers
        with images.adding(self.parts):
            content = self.parts.builder.configuration(image_id)
            config = ImageConfig.parse(content)
            made = taking.take(image_id, [diff_id for diff_id in config.diff_ids if not images_.layer(diff_id)])
            for one in made.values():
                images_.blobs.adopt(one.blob_path, one.record.blob_digest)
            layers.adopt_all({diff_id: one.unpacked for diff_id, one in made.items()})
            check_special_directories([layers.path(diff_id) for diff_id in config.diff_ids])
            (self.place / 'config').write_bytes(content)
            images_.blobs.adopt(self.place / 'config', image_id)
            records = tuple(made[diff_id].record if diff_id in made else images_.held(diff_id)
                            for diff_id in config.diff_ids)
            images_.add(image_id, records, config.created, self.names)
