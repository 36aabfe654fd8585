# SPDX-License-Identifier: Apache-2.0
"""Where the script runs: a network of its own for each engine, so that neither sees the other's rules and ports."""

import contextlib
import pathlib
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator

from tests.conformance import presence
from tests.conformance.builtin import traces
from tests.conformance.dockerd import running_dockerd
from tests.fixtures import busybox_image
from tests.fixtures.daemon import Daemon
from tests.fixtures.registry import running_registry
from tests.functional.docker.same.results import Place

_PATH = {'PATH': '/usr/sbin:/usr/bin:/sbin:/bin'}


@contextlib.contextmanager
def dockerd() -> Iterator[Place]:
    """dockerd with its own bridge and rules."""
    with _surroundings() as (folder, prefix, registry), running_dockerd((), prefix=prefix) as url:
        yield Place(url, folder, registry, prefix)


@contextlib.contextmanager
def builtin(api_version: str) -> Iterator[Place]:
    """The built-in engine as a daemon; nothing may be left of it."""
    for program in ('conmon', 'crun', 'buildah', 'nft'):
        presence.require_program(program)
    with _surroundings() as (folder, prefix, registry), _folder() as own:
        daemon = Daemon(own, prefix=prefix)
        daemon.start()
        try:
            yield Place(f'unix://{daemon.socket}', folder, registry, prefix, api_version)
            with contextlib.closing(daemon.client()) as client:
                for container in client.list():
                    client.remove(container.id, force=True)
        finally:
            daemon.end()
        left = traces(own, daemon.settings.cgroup_parent)
    assert left == [], f'left behind: {left}'


@contextlib.contextmanager
def _surroundings() -> Iterator[tuple[pathlib.Path, tuple[str, ...], str]]:
    """The script's folder with the image in it, what to run by, and a registry."""
    with own_network() as prefix, running_registry(prefix=prefix) as registry, _folder() as folder:
        busybox_image.build(folder / 'box.tar', 'box:1')
        yield folder, prefix, registry


@contextlib.contextmanager
def _folder() -> Iterator[pathlib.Path]:
    folder = pathlib.Path(tempfile.mkdtemp(prefix='nc-', dir='/tmp'))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def own_network() -> Iterator[tuple[str, ...]]:
    """A network namespace with loopback only; what to put before a command that is to be in it."""
    presence.require_root()
    name = f'nc-{secrets.token_hex(3)}'
    subprocess.run(['ip', 'netns', 'add', name], check=True, env=_PATH, timeout=30)
    prefix = ('nsenter', f'--net=/run/netns/{name}')
    try:
        subprocess.run([*prefix, 'ip', 'link', 'set', 'lo', 'up'], check=True, env=_PATH, timeout=30)
        yield prefix
    finally:
        subprocess.run(['ip', 'netns', 'delete', name], check=True, env=_PATH, timeout=30)
