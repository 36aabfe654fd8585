# SPDX-License-Identifier: Apache-2.0
"""The work behind OS::Docker::Image: decided from properties at once, done later in the background."""

import dataclasses
import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from heat_container import credentials, fetch, image_sources, limits, names
from heat_container.endpoints import Limits
from heat_container.schema import image as schema
from nova_container import errors
from nova_container.engine import BuildSpec, CommitSpec, Credentials, Engine, ImageInfo
from nova_container.image import reference as references

Source = Callable[[Engine, threading.Event], str]
"""Brings the image to the engine and returns its id."""


@dataclasses.dataclass(frozen=True, slots=True)
class Made:
    """What came of it. Digests are of manifests, '' where no registry was asked."""

    image_id: str
    digest: str = ''
    pushed_digest: str = ''


@dataclasses.dataclass(frozen=True, slots=True)
class Push:
    reference: str
    credentials: Credentials | None


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """``names`` are all that the image gets on the engine, ``pulled`` among them, which others may have pulled as well.

    With ``image_id`` the image is there already.
    """

    engine: Engine
    source: Source
    names: tuple[str, ...]
    pulled: str = ''
    push: Push | None = None
    image_id: str = ''

    def run(self, stop: threading.Event) -> Made:
        """Do it. Given up within a moment once ``stop`` is set. :raises ContainerError:"""
        image_id = self.image_id or self.source(self.engine, stop)
        added = [name for name in self.names if image_sources.holder_of(self.engine, name) != image_id]
        try:
            for name in added:
                self.engine.tag_image(image_id, name)
            pushed = self._pushed(image_id, stop)
        except BaseException:
            image_sources.untag(self.engine, image_id, added)
            raise
        return Made(image_id, _digest_of(self.engine.inspect_image(image_id), self.pulled), pushed)

    def _pushed(self, image_id: str, stop: threading.Event) -> str:
        if self.push is None:
            return ''
        return image_sources.push(self.engine, stop, image_id, self.push.reference, credentials=self.push.credentials)


@dataclasses.dataclass(frozen=True)
class Planner:
    """Turns properties into work.

    :ivar named: a name as it is on the engine; on a shared one below the prefix of the project.
    :ivar secret_of: the payload of a Barbican secret.
    :ivar glance: python-glanceclient under the user's token.
    :ivar check_owner: raises unless the labels of a container are of this project.
    """

    engine: Engine
    labels: Mapping[str, str]
    named: Callable[[str], str]
    secret_of: Callable[[str], Any]
    glance: Callable[[], Any]
    check_owner: Callable[[Mapping[str, str]], None]
    resolve: fetch.Resolver
    limits: Limits

    def plan(self, props: Mapping[str, Any]) -> Work:
        """:raises InvalidRequest: the properties contradict each other."""
        tags = tuple(self.named(tag) for tag in props[schema.TAGS] or ())
        source = next((one for one in schema.SOURCES if props[one]), None)
        pulled = '' if source else reference_of(props)
        name = (pulled,) if pulled else (self.named(props[schema.NAME]),) if props[schema.NAME] else ()
        if source == schema.GLANCE:
            name += (self._glance_name(props),)
        plans: Mapping[str | None, Callable[..., Source]] = {
            None: self._pull, schema.GLANCE: self._glance, schema.URL: self._url, schema.BUILD: self._build,
            schema.COMMIT: self._commit}
        return Work(self.engine, plans[source](props), (*name, *tags), pulled, self._push(props))

    def _push(self, props: Mapping[str, Any]) -> Push | None:
        wanted = props[schema.PUSH]
        if not wanted:
            return None
        reference = references.parse(f'{wanted[schema.REPOSITORY]}:{wanted[schema.TAG]}')
        shown = wanted[schema.CREDENTIALS] or props[schema.CREDENTIALS]
        return Push(reference.familiar(), credentials.resolve(shown, self.secret_of))

    def _pull(self, props: Mapping[str, Any]) -> Source:
        limits.check_registry(self.limits, (reference_of(props),))
        return functools.partial(
            image_sources.pull, reference=reference_of(props), platform=props[schema.PLATFORM] or '',
            credentials=credentials.resolve(props[schema.CREDENTIALS], self.secret_of))

    def _glance(self, props: Mapping[str, Any]) -> Source:
        glance, image_id = self.glance(), props[schema.GLANCE]
        found = glance.images.get(image_id)
        if (found['container_format'], found['disk_format']) != ('docker', 'raw'):
            raise errors.UnacceptableImage(
                f'Image {image_id} has container format {found["container_format"]} and disk format '
                f'{found["disk_format"]}; upload the archive with --container-format docker --disk-format raw')
        name = self._glance_name(props)
        # Checks the bytes against os_hash_value, or raises OSError at their end
        return lambda engine, stop: image_sources.load(engine, stop, glance.images.data(image_id), name)

    def _glance_name(self, props: Mapping[str, Any]) -> str:
        return self.named(f'glance/{props[schema.GLANCE]}')

    def _url(self, props: Mapping[str, Any]) -> Source:
        wanted, name = props[schema.URL], self._local_name(props)

        def pieces() -> Iterator[bytes]:
            return fetch.pieces(wanted[schema.ADDRESS], self.resolve, sha256=wanted[schema.SHA256] or '')

        if wanted[schema.CONTENT] == 'archive':
            return lambda engine, stop: image_sources.load(engine, stop, pieces(), name)
        return lambda engine, stop: image_sources.import_rootfs(engine, stop, pieces(), name, self.labels)

    def _build(self, props: Mapping[str, Any]) -> Source:
        wanted = props[schema.BUILD]
        if bool(wanted[schema.DOCKERFILE]) == bool(wanted[schema.CONTEXT_URL]):
            raise errors.InvalidRequest('build: give dockerfile, the text, or context_url, the address of a tar')
        login = credentials.resolve(props[schema.CREDENTIALS], self.secret_of)
        spec = BuildSpec(
            arguments=dict(wanted[schema.ARGUMENTS] or {}), labels={**(wanted[schema.LABELS] or {}), **self.labels},
            target=wanted[schema.TARGET] or '', platform=props[schema.PLATFORM] or '', cache=wanted[schema.CACHE],
            pull=wanted[schema.PULL], credentials=(login,) if login else ())
        if wanted[schema.DOCKERFILE]:
            context = image_sources.context_of(wanted[schema.DOCKERFILE], wanted[schema.FILES] or {})
            return functools.partial(image_sources.build, context=context, spec=spec)

        def source(engine: Engine, stop: threading.Event) -> str:
            with image_sources.archive_of(fetch.pieces(wanted[schema.CONTEXT_URL], self.resolve), stop) as context:
                return image_sources.build(engine, stop, context, spec)
        return source

    def _commit(self, props: Mapping[str, Any]) -> Source:
        wanted = props[schema.COMMIT]
        info = self.engine.inspect(wanted[schema.CONTAINER])
        self.check_owner(info.labels)
        changed = {key: wanted[name] for name, key in schema.COMMIT_CONFIG.items() if wanted[name]}
        # What is left out, dockerd keeps
        unclaimed = {**info.labels, **dict.fromkeys(names.OWN_LABELS & info.labels.keys(), '')}
        spec = CommitSpec(author=wanted[schema.AUTHOR] or '', comment=wanted[schema.COMMENT] or '',
                          pause=wanted[schema.PAUSE], config={**changed, 'Labels': {**unclaimed, **self.labels}})
        return lambda engine, stop: engine.commit(info.id, spec)

    def _local_name(self, props: Mapping[str, Any]) -> str:
        """The name an archive gets: that of the property, or one from the address."""
        if props[schema.NAME]:
            return self.named(props[schema.NAME])
        raise errors.InvalidRequest('url: name says what the image is called on the engine; add it')


def reference_of(props: Mapping[str, Any]) -> str:
    """What to pull: with ``digest`` that manifest of the repository, whatever the tag says today.

    :raises InvalidReference: name is none, or has another digest.
    """
    named = references.parse(props[schema.NAME])
    digest = props[schema.DIGEST]
    if not digest:
        return named.familiar()
    if named.digest not in (None, digest):
        raise errors.InvalidReference(f'name has the digest {named.digest}, and digest says {digest}: give one')
    return references.parse(f'{named.familiar_name()}@{digest}').familiar()


def _digest_of(info: ImageInfo, pulled: str) -> str:
    """The digest of the manifest by which a registry has it."""
    if not pulled:
        return ''
    repository = references.parse(pulled).familiar_name()
    return next((name.partition('@')[2] for name in info.references if name.startswith(f'{repository}@')), '')
