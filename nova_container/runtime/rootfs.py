# SPDX-License-Identifier: Apache-2.0
"""A container's own folder: its overlay, the files that the engine writes for it, its log."""

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path

from nova_container.engine.spec import ContainerSpec
from nova_container.host import files, mounts

_HOST_RESOLV = Path('/etc/resolv.conf')
_HOSTS = """127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
"""


@dataclasses.dataclass(frozen=True)
class ContainerFolder:
    """Paths below ``<state_dir>/containers/<id>``. The overlay is mounted on ``root`` from create to remove."""

    path: Path

    @property
    def root(self) -> Path:
        return self.path / 'root'

    @property
    def upper(self) -> Path:
        return self.path / 'upper'

    @property
    def work(self) -> Path:
        return self.path / 'work'

    @property
    def etc(self) -> Path:
        return self.path / 'etc'

    @property
    def volumes(self) -> Path:
        """Where folders inside of volumes are bound while it is alive."""
        return self.path / 'volumes'

    @property
    def shm(self) -> Path:
        """Shared memory that other containers may see too, mounted while it is alive."""
        return self.path / 'shm'

    @functools.cached_property
    def log(self) -> Path:
        return self.path / 'log' / 'log'

    def make(self) -> None:
        """Make the folders."""
        self.path.mkdir(mode=0o700)
        for folder in (self.root, self.upper, self.work, self.etc, self.log.parent):
            folder.mkdir()
            folder.chmod(0o755)  # whatever the engine's umask is: ``upper`` is what / in the container shows

    def mount(self, lower: Sequence[Path]) -> None:
        """Mount the overlay, hidden (``mounts.hide``), unless it is mounted. :raises MountFailed:"""
        if not mounts.is_mount(self.root):
            mounts.mount_overlay(self.root, lower=lower, upper=self.upper, work=self.work)
            mounts.hide(self.root)

    def write_etc(self, spec: ContainerSpec, hostname: str) -> None:
        """Write the files shown as /etc/hosts, /etc/hostname and /etc/resolv.conf."""
        written = {'hostname': f'{hostname}\n', 'hosts': _hosts(spec), 'resolv.conf': _resolv_conf(spec)}
        for name, text in written.items():
            path = self.etc / name
            path.write_text(text)
            path.chmod(0o644)

    def mounted(self) -> list[Path]:
        """What is mounted in the folder while the container is alive, deepest first."""
        return [mount for folder in (self.volumes, self.shm) if folder.exists() for mount in mounts.below(folder)]

    def remove(self) -> None:
        """Unmount and remove everything. Repeatable. :raises HostFailure: something is still mounted there."""
        for mount in (*self.mounted(), *([self.root] if mounts.is_mount(self.root) else [])):
            mounts.unmount(mount, detach=True)
        files.remove_tree(self.path)


def _hosts(spec: ContainerSpec) -> str:
    lines = []
    for entry in spec.network.extra_hosts:
        name, _, address = entry.partition(':')
        lines.append(f'{address}\t{name}\n')
    return _HOSTS + ''.join(lines)


def _resolv_conf(spec: ContainerSpec) -> str:
    network = spec.network
    if not (network.dns or network.dns_search or network.dns_options) and _HOST_RESOLV.exists():
        return _HOST_RESOLV.read_text(errors='replace')
    lines = [f'nameserver {server}\n' for server in network.dns]
    lines += [f'search {" ".join(network.dns_search)}\n'] if network.dns_search else []
    lines += [f'options {" ".join(network.dns_options)}\n'] if network.dns_options else []
    return ''.join(lines)
