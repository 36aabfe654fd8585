# SPDX-License-Identifier: Apache-2.0
"""Named volumes: folders of the engine that outlive containers."""

import abc
import dataclasses
from collections.abc import Mapping

ANONYMOUS = 'com.docker.volume.anonymous'
"""The label of volumes that nobody named; they go with the last container that uses them, if it goes with volumes."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A volume to make; an empty name lets the engine choose one. ``options`` are type, device, o as for mount(8)."""

    name: str = ''
    driver: str = 'local'
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VolumeInfo:
    """A volume as it is. ``size_bytes`` is None where it was not counted; ``used_by`` are ids of containers."""

    spec: Volume
    mountpoint: str
    created_at: float
    size_bytes: int | None = None
    used_by: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def anonymous(self) -> bool:
        """Whether the engine named it."""
        return ANONYMOUS in self.spec.labels


class VolumeOps(abc.ABC):
    """Verbs over volumes, by name."""

    @abc.abstractmethod
    def create_volume(self, volume: Volume) -> VolumeInfo:
        """Make it, or return the one there is with the same options. :raises AlreadyExists: it has others."""

    @abc.abstractmethod
    def inspect_volume(self, name: str) -> VolumeInfo:
        """:raises VolumeNotFound:"""

    @abc.abstractmethod
    def list_volumes(self, *, sizes: bool = False) -> tuple[VolumeInfo, ...]:
        """All volumes; ``sizes`` counts their bytes, which takes time."""

    @abc.abstractmethod
    def remove_volume(self, name: str, *, force: bool = False) -> None:
        """Remove it with its files; silent if there is none. :raises WrongState: a container uses it."""

    @abc.abstractmethod
    def prune_volumes(self, *, all_unused: bool = False) -> tuple[tuple[str, ...], int]:
        """Remove unused anonymous ones, or all unused; returns names and bytes freed."""
