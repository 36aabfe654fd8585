# SPDX-License-Identifier: Apache-2.0
"""The built-in engine in folders of its own, and what it must have given back when it is closed."""

import contextlib
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

from nova_container.engine import base
from tests.conformance import presence
from tests.fixtures import remains


@contextlib.contextmanager
def opened_engine() -> Iterator[tuple[base.Engine, pathlib.Path]]:
    """An open engine and its run directory; on leaving it is closed, and nothing of it may be left."""
    presence.require_root()
    presence.require_program('conmon')
    presence.require_program('crun')
    settings_module = presence.require_module('nova_container.runtime.settings')
    engine_module = presence.require_module('nova_container.runtime.engine')
    # A short path, because those of unix sockets below it end at 107 bytes
    folder = pathlib.Path(tempfile.mkdtemp(prefix='nc-', dir='/tmp'))
    settings = settings_module.Settings(state_dir=folder / 'state', run_dir=folder / 'run')
    engine = engine_module.RuntimeEngine(settings)
    engine.open()
    try:
        yield engine, folder / 'run'
    finally:
        for container in engine.list():
            engine.remove(container.id, force=True)
        engine.close()
        left = traces(folder, settings.cgroup_parent)
        shutil.rmtree(folder, ignore_errors=True)
    left += remains.of_networks(settings.state_dir)
    assert left == [], f'left behind: {left}'


def traces(folder: pathlib.Path, cgroup: str) -> list[str]:
    """Mounts, namespaces, processes and control groups of an engine that has no containers any more."""
    mounts = [line.split()[4] for line in pathlib.Path('/proc/self/mountinfo').read_text().splitlines()
              if line.split()[4].startswith(f'{folder}/')]
    return [*mounts, *_folders_with_content(folder), *_groups(cgroup), *_processes(str(folder))]


def _folders_with_content(folder: pathlib.Path) -> list[str]:
    return [str(path) for name in ('run/netns', 'run/bundles', 'run/exits', 'run/oci', 'state/containers')
            for path in (folder / name).glob('*')]


def _groups(cgroup: str) -> list[str]:
    return [str(path) for root in (pathlib.Path('/sys/fs/cgroup'), *pathlib.Path('/sys/fs/cgroup').glob('*/'))
            for path in root.glob(f'{cgroup.lstrip("/")}/*/')]


def _processes(text: str) -> list[str]:
    found = []
    for process in pathlib.Path('/proc').glob('[0-9]*'):
        with contextlib.suppress(OSError):
            command = (process / 'cmdline').read_bytes().replace(b'\0', b' ').decode(errors='replace')
            if text in command and process.name != str(os.getpid()):
                found.append(command)
    return found
