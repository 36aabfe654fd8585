# SPDX-License-Identifier: Apache-2.0
"""Fetch an image from a registry."""

import contextlib
import dataclasses
import secrets
from collections.abc import Iterator
from pathlib import Path

from nova_container import errors
from nova_container.engine.registry import Credentials, Progress
from nova_container.host import files
from nova_container.image import manifest as manifests
from nova_container.image import reference as references
from nova_container.image.config import ImageConfig
from nova_container.image.reference import ImageReference
from nova_container.image.special import check_special_directories
from nova_container.registry import Registry, Repository, choice
from nova_container.runtime.fetching import Fetched, Fetching, Wanted
from nova_container.runtime.images import LayerRecord
from nova_container.runtime.parts import Parts
from nova_container.runtime.telling import Board, told
from nova_container.runtime.verbs import images

_ROUNDS = 3


def pull(parts: Parts, reference: str, credentials: Credentials | None, platform: str, *,
         all_tags: bool = False) -> Iterator[Progress]:
    """See ``RegistryOps.pull``."""
    wanted = references.parse(reference)
    asked = choice.Platform.parse(platform)

    def work(board: Board) -> None:
        with parts.turns.of(f'{wanted.domain}/{wanted.path}', board.halt.check), contextlib.closing(
                Registry.connect(wanted.domain, parts.settings.registries, credentials, reading=True)) as registry:
            repository = registry.repository(wanted.path)
            for one in _tagged(wanted, repository) if all_tags else (wanted,):
                _Pull(parts, one, repository, board).run(asked)

    return told(work, f'pull of {wanted.familiar()}')


def _tagged(wanted: ImageReference, repository: Repository) -> list[ImageReference]:
    """Every tag that the repository has. :raises NotFound: there is none."""
    found = [dataclasses.replace(wanted, tag=tag, digest=None) for tag in sorted(repository.tags())]
    if not found:
        raise errors.NotFound(f'repository {wanted.familiar_name()} not found: it has no tag')
    return found


@dataclasses.dataclass(slots=True)
class _Pull:
    parts: Parts
    reference: ImageReference
    repository: Repository
    board: Board

    def run(self, platform: choice.Platform) -> None:
        key = self.reference.digest or self.reference.tag or references.DEFAULT_TAG
        chosen = choice.manifest(self.repository, key, platform)
        self.board.say(f'Pulling from {self.reference.path}', key)
        names = [f'{self.reference.familiar_name()}@{chosen.named_digest}']
        if not self.reference.digest:
            names.insert(0, self.reference.familiar())
        before = self._named(self.reference.familiar())
        image_id = self._have(chosen, names, platform)
        self.board.say(f'Digest: {chosen.named_digest}')
        news = 'Image is up to date' if before == image_id else 'Downloaded newer image'
        self.board.say(f'Status: {news} for {self.reference.familiar()}', result=image_id)
        self.parts.events.publish('image', 'pull', self.reference.familiar(),
                                  {'name': self.reference.familiar_name()})

    def _named(self, name: str) -> str:
        try:
            return self.parts.images.get(name).id
        except errors.ImageNotFound:
            return ''

    def _have(self, chosen: choice.Chosen, names: list[str], platform: choice.Platform) -> str:
        content = self.repository.document(chosen.manifest.config.digest, 'The image configuration')
        config = ImageConfig.parse(content)
        manifests.check_agreement(len(chosen.manifest.layers), config)
        choice.check(config, platform)
        limit, size = self.parts.settings.max_image_bytes, sum(blob.size for blob in chosen.manifest.layers)
        if size > limit:
            raise errors.UnacceptableImage(f'The layers are {size} bytes together, more than the allowed {limit}')
        wanted = list({diff_id: Wanted(blob, diff_id) for blob, diff_id in zip(
            chosen.manifest.layers, config.diff_ids, strict=True)}.values())
        with self._folder() as folder:
            (folder / 'config').write_bytes(content)
            (folder / 'manifest').write_bytes(chosen.content)
            fetching = Fetching(self.parts.layers, self.repository, folder, self.board)
            fetched: dict[str, Fetched] = {}
            for round_ in range(_ROUNDS):
                here = [layer for layer in wanted if self.parts.images.layer(layer.diff_id)]
                if not round_:
                    for layer in here:
                        self.board.say('Already exists', layer.shown)
                fetched |= fetching.run([layer for layer in wanted if layer not in here
                                         and layer.diff_id not in fetched])
                with images.adding(self.parts):
                    if all(layer.diff_id in fetched or self.parts.images.layer(layer.diff_id) for layer in wanted):
                        self._keep(chosen, config, folder, fetched, names)
                        return chosen.manifest.config.digest
        raise errors.Unavailable('Layers of the image were removed again and again while it was pulled')

    @contextlib.contextmanager
    def _folder(self) -> Iterator[Path]:
        folder = self.parts.settings.staging / f'pull-{secrets.token_hex(8)}'
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            files.remove_tree(folder)

    def _keep(self, chosen: choice.Chosen, config: ImageConfig, folder: Path, fetched: dict[str, Fetched],
              names: list[str]) -> None:
        """Take what was fetched into the stores, and record the image. Nobody removes anything meanwhile."""
        parts, found = self.parts, chosen.manifest
        for one in fetched.values():
            parts.images.blobs.adopt(one.blob_path, one.record.blob_digest)
        parts.layers.adopt_all({diff_id: one.unpacked for diff_id, one in fetched.items()})
        if fetched:
            check_special_directories([parts.layers.path(diff_id) for diff_id in config.diff_ids])
        parts.images.blobs.adopt(folder / 'config', found.config.digest)
        layers = tuple(self._record(diff_id, fetched) for diff_id in config.diff_ids)
        is_whole = [layer.blob_digest for layer in layers] == [blob.digest for blob in found.layers]
        if is_whole:
            parts.images.blobs.adopt(folder / 'manifest', chosen.digest)
        parts.images.add(found.config.digest, layers, config.created, names, chosen.digest if is_whole else '')

    def _record(self, diff_id: str, fetched: dict[str, Fetched]) -> LayerRecord:
        here = self.parts.images.layer(diff_id)
        return here if here is not None else fetched[diff_id].record
