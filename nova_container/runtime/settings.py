# SPDX-License-Identifier: Apache-2.0
"""What an operator may choose about the built-in engine, and the folders that follow from it."""

import dataclasses
import functools
import hashlib
from pathlib import Path

from nova_container.registry import RegistrySettings

DEFAULT_STATE_DIR = Path('/var/lib/nova-container')


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """``state_dir`` survives a reboot of the host, ``run_dir`` need not. Sizes are bytes.

    ``volume_devices``: whether volumes may mount something of the host or the network (their option ``device``).
    ``build_network`` is that of build steps which ask for none, host or none; ``build_pids`` the most processes of one.
    """

    state_dir: Path
    run_dir: Path
    runtime: str = 'crun'
    monitor: str = 'conmon'
    init: str = 'tini-static'
    max_image_bytes: int = 50 * 1024 ** 3
    max_image_entries: int = 2_000_000
    launchers: int = 8
    registries: RegistrySettings = RegistrySettings()
    volume_devices: bool = True
    builder: str = 'buildah'
    build_network: str = 'host'
    build_pids: int = 2048

    @functools.cached_property
    def database(self) -> Path:
        return self.state_dir / 'records.db'

    @functools.cached_property
    def blobs(self) -> Path:
        return self.state_dir / 'blobs'

    @functools.cached_property
    def layers(self) -> Path:
        return self.state_dir / 'layers'

    @functools.cached_property
    def containers(self) -> Path:
        return self.state_dir / 'containers'

    @functools.cached_property
    def volumes(self) -> Path:
        return self.state_dir / 'volumes'

    @functools.cached_property
    def staging(self) -> Path:
        return self.state_dir / 'staging'

    @functools.cached_property
    def builds(self) -> Path:
        return self.state_dir / 'builds'

    @functools.cached_property
    def build_run(self) -> Path:
        return self.run_dir / 'builds'

    @functools.cached_property
    def namespaces(self) -> Path:
        return self.run_dir / 'netns'

    @functools.cached_property
    def bundles(self) -> Path:
        return self.run_dir / 'bundles'

    @functools.cached_property
    def exits(self) -> Path:
        return self.run_dir / 'exits'

    @functools.cached_property
    def runtime_root(self) -> Path:
        return self.run_dir / 'oci'

    @functools.cached_property
    def cgroup_parent(self) -> str:
        """The group above those of all containers; engines with state directories of their own never share it."""
        if self.state_dir == DEFAULT_STATE_DIR:
            return '/nova-container'
        return '/nova-container-' + hashlib.sha256(bytes(self.state_dir)).hexdigest()[:8]

    def make_folders(self) -> None:
        """Make every folder, closed to all but root."""
        for folder in (self.state_dir, self.blobs, self.layers, self.containers, self.volumes, self.staging,
                       self.builds, self.run_dir, self.build_run, self.namespaces, self.bundles, self.exits,
                       self.runtime_root):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
