# SPDX-License-Identifier: Apache-2.0
"""The verbs of the built-in engine over registries, handed each to its file."""

from collections.abc import Iterator
from typing import BinaryIO

from nova_container.engine import spec as specs
from nova_container.engine.registry import BuildSpec, Credentials, Found, Progress, RegistryOps, RemoteImage
from nova_container.runtime import refusals
from nova_container.runtime.parts import Parts
from nova_container.runtime.verbs import build, importing, pull, push, remote


class RegistryVerbs(RegistryOps):
    """Images from and to registries, and made from Dockerfiles."""

    _parts: Parts

    def pull(self, reference: str, *, credentials: Credentials | None = None,
             platform: str = '', all_tags: bool = False) -> Iterator[Progress]:
        return refusals.told_as_ours(pull.pull(self._parts, reference, credentials, platform, all_tags=all_tags))

    def push(self, reference: str, *, credentials: Credentials | None = None) -> Iterator[Progress]:
        return refusals.told_as_ours(push.push(self._parts, reference, credentials))

    def build(self, context: BinaryIO, spec: BuildSpec) -> Iterator[Progress]:
        return refusals.told_as_ours(build.build(self._parts, context, spec))

    @refusals.as_ours()
    def prune_builds(self, *, until: float | None = None) -> int:
        return build.prune(self._parts, until)

    @refusals.as_ours()
    def import_image(self, archive: BinaryIO, spec: specs.CommitSpec) -> str:
        return importing.import_image(self._parts, archive, spec)

    @refusals.as_ours()
    def search(self, term: str, *, limit: int = 25) -> tuple[Found, ...]:
        return remote.search(self._parts, term, limit)

    @refusals.as_ours()
    def inspect_remote(self, reference: str, *, credentials: Credentials | None = None) -> RemoteImage:
        return remote.inspect(self._parts, reference, credentials)

    @refusals.as_ours()
    def check_login(self, credentials: Credentials) -> None:
        remote.check_login(self._parts, credentials)
