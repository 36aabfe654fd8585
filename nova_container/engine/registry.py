# SPDX-License-Identifier: Apache-2.0
"""Images from and to registries, and made from Dockerfiles: long work, told as it goes."""

import abc
import dataclasses
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from nova_container.engine.spec import CommitSpec, Resources, Ulimit


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """For one registry; never logged."""

    username: str = ''
    password: str = dataclasses.field(default='', repr=False)
    token: str = dataclasses.field(default='', repr=False)
    server: str = ''


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One line of a long work. ``id`` is a layer's short digest or ''; bytes None where there are none.

    ``stream`` is plain output (of a build); ``result`` is what came of it, on the last one: an image id or digest.
    """

    status: str = ''
    id: str = ''
    current_bytes: int | None = None
    total_bytes: int | None = None
    stream: str = ''
    result: str = ''


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BuildSpec:
    """What to build from a context, a tar whose ``dockerfile`` is the recipe.

    ``limits`` (memory, swap and CPU alone), ``ulimits`` and ``shm_bytes`` hold for each step that runs something.
    """

    dockerfile: str = 'Dockerfile'
    tags: tuple[str, ...] = ()
    arguments: Mapping[str, str] = dataclasses.field(default_factory=dict)
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    target: str = ''
    cache: bool = True
    pull: bool = False
    platform: str = ''
    network: str = ''
    squash: bool = False
    extra_hosts: tuple[str, ...] = ()
    limits: Resources = Resources()
    ulimits: tuple[Ulimit, ...] = ()
    shm_bytes: int | None = None
    credentials: tuple[Credentials, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One repository that a search found."""

    name: str
    description: str = ''
    stars: int = 0
    official: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RemoteImage:
    """What a registry has under a name; ``platforms`` are like linux/arm64/v8."""

    digest: str
    media_type: str
    size_bytes: int
    platforms: tuple[str, ...] = ()


class RegistryOps(abc.ABC):
    """Verbs over registries. Each generator does its work as it is read, and gives up when it is closed.

    A ``Progress`` without anything in it may come at any time: the work goes on and has nothing to say.
    """

    @abc.abstractmethod
    def pull(self, reference: str, *, credentials: Credentials | None = None,
             platform: str = '', all_tags: bool = False) -> Iterator[Progress]:
        """Fetch an image and give it the name. The last line's ``result`` is its id.

        :param all_tags: fetch every tag of the repository instead; then no ``result`` is promised.
        :raises ImageNotFound: :raises Denied: :raises Unavailable:
        """

    @abc.abstractmethod
    def push(self, reference: str, *, credentials: Credentials | None = None) -> Iterator[Progress]:
        """Send an image to the registry of its name."""

    @abc.abstractmethod
    def build(self, context: BinaryIO, spec: BuildSpec) -> Iterator[Progress]:
        """Make an image from a Dockerfile. :raises InvalidRequest: the recipe is wrong or a step of it failed."""

    @abc.abstractmethod
    def prune_builds(self, *, until: float | None = None) -> int:
        """Forget what is kept to make later builds quicker; bytes freed.

        :param until: only what was not used since this moment.
        :raises WrongState: a build runs.
        """

    @abc.abstractmethod
    def import_image(self, archive: BinaryIO, spec: CommitSpec) -> str:
        """Make an image of one layer from a tar of a file system and return its id."""

    @abc.abstractmethod
    def search(self, term: str, *, limit: int = 25) -> tuple[Found, ...]:
        """Repositories whose name holds ``term``."""

    @abc.abstractmethod
    def inspect_remote(self, reference: str, *, credentials: Credentials | None = None) -> RemoteImage:
        """What the registry has, without fetching it. :raises ImageNotFound: :raises Denied: :raises Unavailable:"""

    @abc.abstractmethod
    def check_login(self, credentials: Credentials) -> None:
        """Ask the registry ``credentials.server`` whether it takes them. :raises Denied: it does not."""
