# SPDX-License-Identifier: Apache-2.0
"""Images of a shared engine: they have no owner but a name (``image_names``), and come from where the operator lets."""

import dataclasses
import functools
from collections.abc import Generator, Iterator
from typing import BinaryIO

from heat_container import image_names, limits, reach, recipes
from heat_container.guard.base import Owned, claims
from nova_container import errors
from nova_container.docker import infra_image, policy
from nova_container.docker.policy import Level
from nova_container.engine import BuildSpec, CommitSpec, Credentials, ImageInfo, Progress
from nova_container.engine.registry import RemoteImage
from nova_container.image import reference as references


class Images(Owned):
    """Verbs over images."""

    def inspect_image(self, image: str) -> ImageInfo:
        """:raises ImageNotFound: it is not there, or is of others only."""
        info = self._engine.inspect_image(image)
        if not image_names.is_usable(self._caller.project_id, image, info.references):
            raise errors.ImageNotFound(image)
        return info

    def tag_image(self, image: str, reference: str) -> None:
        """A name that a registry answers for is marked as not yet true: it is there only while it is pushed."""
        found = self.inspect_image(image).id
        if image_names.owner(reference) is None:
            self._engine.tag_image(found, image_names.mark(self._caller.project_id, reference))
        else:
            self._check_given(reference)
        self._engine.tag_image(found, reference)

    def remove_image(self, image: str, *, force: bool = False) -> tuple[str, ...]:
        try:
            self.inspect_image(image)
        except errors.ImageNotFound:
            return ()
        gone = self._engine.remove_image(image, force=force)
        if not image_names.is_id(image) and image_names.owner(image) is None:
            gone += self._engine.remove_image(image_names.mark(self._caller.project_id, image))
        return gone

    def load(self, archive: BinaryIO, *, reference: str) -> tuple[ImageInfo, ...]:
        """Under a name of the project, and none of the archive's own."""
        self._check_given(reference)
        return self._engine.load(archive, reference=reference)

    def import_image(self, archive: BinaryIO, spec: CommitSpec) -> str:
        if spec.reference:
            self._check_given(spec.reference)
        return self._engine.import_image(archive, spec)

    def pull(self, reference: str, *, credentials: Credentials | None = None,
             platform: str = '', all_tags: bool = False) -> Iterator[Progress]:
        self._check_registry(reference)
        return self._engine.pull(reference, credentials=credentials, platform=platform, all_tags=all_tags)

    def push(self, reference: str, *, credentials: Credentials | None = None) -> Iterator[Progress]:
        self._check_reached(reference)
        return self._engine.push(reference, credentials=credentials)

    def inspect_remote(self, reference: str, *, credentials: Credentials | None = None) -> RemoteImage:
        self._check_registry(reference)
        return self._engine.inspect_remote(reference, credentials=credentials)

    def build(self, context: BinaryIO, spec: BuildSpec) -> Generator[Progress, None, None]:
        """Steps get no network, as the one that the engine would give may be the host's, and fetch nothing.

        The images it begins with are looked at first, and then named by their ids.
        """
        strict = self._level is not Level.PRIVILEGED and not self._granted('build')
        for tag in spec.tags:
            self._check_given(tag)
        if strict:
            policy.check_build(self._level, spec)
        if not self._granted('build'):
            spec = dataclasses.replace(spec, network='none')
        recipe = recipes.read(context, spec)
        if strict and not recipe.is_repeatable:
            raise errors.Denied('build: ADD of a URL is fetched by the engine, which sees more than a project may; '
                                'the operator may allow it by docker:create:build')
        ids = {}
        for name in recipe.bases:
            login = recipes.login_for(name, recipe.bases, spec.credentials)
            ids[name] = yield from self._base(name, spec, login, strict=strict)
        with recipes.pinned(context, spec, ids) as (whole, wanted):
            yield from self._engine.build(whole, wanted)

    def _base(self, name: str, spec: BuildSpec, login: Credentials | None, *,
              strict: bool) -> Generator[Progress, None, str]:
        """The id of an image to build on. :raises Denied: it brings steps of its own."""
        if '$' in name:
            raise errors.InvalidRequest(f'build: {name[:80]} cannot be told from the Dockerfile alone: write the name')
        info = None
        if not spec.pull or image_names.is_id(name):
            try:
                info = self.inspect_image(name)
            except errors.ImageNotFound:
                if image_names.is_id(name):
                    raise
        if info is None:
            yield from self.pull(references.parse(name).familiar(), credentials=login, platform=spec.platform)
            info = self.inspect_image(name)
        if strict and info.config.get('OnBuild'):
            raise errors.Denied(f'build: {name[:80]} brings steps of its own (ONBUILD); the operator may allow it by '
                                'docker:create:build')
        self._check_image(info.id)
        return info.id

    def _check_image(self, image: str) -> None:
        """Whether a container of the project may be made of it."""
        info = self._engine.inspect_image(image)
        if claims(info):
            raise errors.Denied('image: it has labels that say whose a container is; make it without them')
        image_names.check_usable(self._caller.project_id, info.references)
        held = image_names.settled(info.references)
        if info.id not in _own_infra_images() and not self._is_infra(*held):
            limits.check_registry(self._place.limits, held)

    def _check_given(self, reference: str) -> None:
        """:raises Denied: no name that the project may give."""
        if not image_names.may_give(self._caller.project_id, reference):
            raise errors.Denied(f'image: {reference[:80]} is no name that this project may give')

    def _check_registry(self, reference: str) -> None:
        """:raises Denied: no image of that name may come to this engine."""
        if self._is_infra(reference):
            return
        limits.check_registry(self._place.limits, (reference,))
        self._check_reached(reference)

    def _check_reached(self, reference: str) -> None:
        """Whether the engine may be sent to a registry. :raises Denied:"""
        if image_names.owner(reference) is not None:
            raise errors.Denied(f'image: {reference[:80]} is a name of this engine only, which no registry has')
        if self._level is not Level.PRIVILEGED:
            limit = self._place.limits
            reach.check_registry(references.parse(reference).domain, limit.registries | limit.internal_registries)

    def _is_infra(self, *named: str) -> bool:
        """Whether it is the image that the operator names for what holds the namespaces of pods."""
        return bool(self._place.infra_image) and image_names.normal(self._place.infra_image) in map(
            image_names.normal, named)


@functools.cache
def _own_infra_images() -> frozenset[str]:
    """The ids of those that are made on the spot."""
    return frozenset(infra_image.archive(architecture)[0] for architecture in set(infra_image.ARCHITECTURES.values()))
