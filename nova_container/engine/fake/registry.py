# SPDX-License-Identifier: Apache-2.0
"""The verbs of the fake over registries, which are a dictionary: what one fake pushes, only that fake can pull."""

import dataclasses
import json
import tarfile
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

from nova_container import errors
from nova_container.engine import registry
from nova_container.engine import spec as specs
from nova_container.engine.fake import archive as archives
from nova_container.engine.fake import faults
from nova_container.engine.fake.builder import FakeBuilder
from nova_container.engine.fake.images import familiar, new_content

_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'


class FakeRegistries(FakeBuilder):
    """``remote`` is what registries have, by name; ``logins`` the password of each that asks for one, by its host."""

    def __init__(self) -> None:
        super().__init__()
        self.remote: dict[str, archives.Content] = {}
        self.logins: dict[str, tuple[str, str]] = {}

    @faults.verb
    def pull(self, reference: str, *, credentials: registry.Credentials | None = None,
             platform: str = '', all_tags: bool = False) -> Iterator[registry.Progress]:
        name = self._checked(reference)
        return self._pull_all(_split(name)[0], credentials) if all_tags else self._pull(name, credentials)

    def _pull_all(self, repository: str, credentials: registry.Credentials | None) -> Iterator[registry.Progress]:
        found = sorted(name for name in self.remote if '@' not in name and _split(name)[0] == repository)
        if not found:
            raise errors.NotFound(f'repository {repository} not found: it has no tag')
        for name in found:
            yield from self._pull(name, credentials)

    def _checked(self, reference: str) -> str:
        self.check_reference(reference)
        return familiar(reference)

    def _pull(self, name: str, credentials: registry.Credentials | None) -> Iterator[registry.Progress]:
        content = self._found_remote(name, credentials)
        digest = _digest(content)
        repository, tag = _split(name)
        yield registry.Progress(status=f'Pulling from {repository}', id=tag)
        for layer in content.layers:
            yield registry.Progress(status='Pull complete', id=archives.digest(layer)[7:19])
        with self.changed:
            known = content.id in self._images
            named = () if '@' in name else (name,)
            image = self._keep(dataclasses.replace(content, references=()), *named, f'{repository}@{digest}')
            self.journal.publish('image', 'pull', name, {'name': repository})
        yield registry.Progress(status=f'Digest: {digest}')
        news = 'Image is up to date' if known else 'Downloaded newer image'
        yield registry.Progress(status=f'Status: {news} for {name}', result=image.id)

    def _found_remote(self, name: str, credentials: registry.Credentials | None) -> archives.Content:
        self._must_know(name.partition('/')[0], credentials)
        repository, at, digest = name.partition('@')
        for known, content in self.remote.items():
            if known == name or (at and _split(known)[0] == repository and _digest(content) == digest):
                return content
        error = errors.ImageNotFound('')
        error.args = (f'manifest for {name} not found: manifest unknown: manifest unknown',)
        raise error

    def _must_know(self, host: str, credentials: registry.Credentials | None) -> None:
        expected = self.logins.get(host)
        if expected and (credentials is None or (credentials.username, credentials.password) != expected):
            raise errors.Denied(f'access denied for {host}: unauthorized: incorrect username or password')

    @faults.verb
    def push(self, reference: str, *, credentials: registry.Credentials | None = None) -> Iterator[registry.Progress]:
        name = self._checked(reference)
        if '@' in name:
            raise errors.InvalidRequest('cannot push a digest reference: give it a tag')
        with self.changed:
            image = next((one for one in self._images.values() if name in one.references), None)
        if image is None:
            error = errors.ImageNotFound('')
            error.args = (f'An image does not exist locally with the tag: {name}',)
            raise error
        return self._push(name, image.content, credentials)

    def _push(self, name: str, content: archives.Content,
              credentials: registry.Credentials | None) -> Iterator[registry.Progress]:
        self._must_know(name.partition('/')[0], credentials)
        repository, tag = _split(name)
        yield registry.Progress(status=f'The push refers to repository [{repository}]')
        for layer in content.layers:
            yield registry.Progress(status='Pushed', id=archives.digest(layer)[7:19])
        digest, size = _digest(content), len(_manifest(content))
        self.remote[name] = content
        with self.changed:
            self._name(self.find_image(name), f'{repository}@{digest}')
        yield registry.Progress(status=f'{tag}: digest: {digest} size: {size}', total_bytes=size, result=digest)

    @faults.verb
    def import_image(self, archive: BinaryIO, spec: specs.CommitSpec) -> str:
        layer = archive.read()
        try:
            with tarfile.open(fileobj=BytesIO(layer), mode='r:*') as entries:
                entries.getnames()
        except (tarfile.TarError, EOFError) as error:
            raise errors.UnacceptableImage(f'not a tar: {error}') from error
        content = new_content(spec.config, (layer,), author=spec.author, comment=spec.comment)
        return self.keep_image(content, spec.reference)

    @faults.verb
    def prune_builds(self, *, until: float | None = None) -> int:
        if until is None:  # its steps are never old
            self._steps.clear()
        return 0

    @faults.verb
    def search(self, term: str, *, limit: int = 25) -> tuple[registry.Found, ...]:
        names = dict.fromkeys(_split(name)[0] for name in sorted(self.remote))
        return tuple(registry.Found(name=name) for name in names if term in name)[:limit]

    @faults.verb
    def inspect_remote(self, reference: str, *,
                       credentials: registry.Credentials | None = None) -> registry.RemoteImage:
        content = self._found_remote(familiar(reference), credentials)
        return registry.RemoteImage(digest=_digest(content), media_type=_MANIFEST, size_bytes=len(_manifest(content)),
                                    platforms=('linux/amd64',))

    @faults.verb
    def check_login(self, credentials: registry.Credentials) -> None:
        self._must_know(credentials.server, credentials)


def _manifest(content: archives.Content) -> bytes:
    return json.dumps({'schemaVersion': 2, 'mediaType': _MANIFEST, 'config': content.id,
                       'layers': [archives.digest(layer) for layer in content.layers]}).encode()


def _digest(content: archives.Content) -> str:
    return archives.digest(_manifest(content))


def _split(name: str) -> tuple[str, str]:
    repository, at, digest = name.partition('@')
    if at:
        return repository, digest
    repository, _, tag = name.rpartition(':')
    return repository, tag
