# SPDX-License-Identifier: Apache-2.0
"""The plug-in run by devstack's own libraries, in a root of our own in which it may write what it likes."""

import contextlib
import dataclasses
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from nova_container.host import cgroups, mounts
from nova_container.runtime.settings import Settings
from tests.conformance import presence
from tests.fixtures import busybox_image

TOP = Path(__file__).parents[3]
HERE = Path(__file__).parent
DEVSTACK = 'NOVA_CONTAINER_DEVSTACK'
STEPS = ('stack', 'stack', 'run', 'unstack', 'look', 'stack', 'unstack', 'clean', 'look', 'clean')
_STATE = Settings(state_dir=Path('/opt/stack/data/nova-container'), run_dir=Path('/run/nova-container'))


@dataclasses.dataclass(frozen=True)
class Step:
    """What one step said, how it ended, and what /etc held then."""

    name: str
    log: str
    code: int
    etc: Path


@pytest.fixture(scope='session')
def devstack() -> Path:
    """A checkout or a bare repository of openstack/devstack, which is never part of ours."""
    path = os.environ.get(DEVSTACK)
    if not path:
        pytest.skip(f'{DEVSTACK} does not say where a clone of openstack/devstack is')
    return Path(path)


@pytest.fixture(scope='session')
def checkout(devstack: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its newest files."""
    folder = tmp_path_factory.mktemp('devstack')
    archive = subprocess.run(['git', '-C', devstack, 'archive', 'HEAD'], capture_output=True, check=True).stdout
    subprocess.run(['tar', '--extract', '--directory', folder], input=archive, check=True)
    return folder


@pytest.fixture(scope='session')
def run_steps(checkout: Path, tmp_path_factory: pytest.TempPathFactory):
    """Run steps with one of our samples of local.conf; returns what each gave."""
    presence.require_root()
    for program in ('sudo', 'docker', 'crun', 'conmon', 'unshare', 'curl', 'setpriv', 'ip'):
        presence.require_program(program)
    folders = []

    def run(sample: str, *steps: str, more: str = '') -> list[Step]:
        folder = Path(tempfile.mkdtemp(prefix='nd-', dir='/tmp'))
        folders.append(folder)
        _furnish(folder / 'stack', checkout, (TOP / 'devstack' / sample).read_text() + more)
        ended = subprocess.run(['unshare', '--mount', '--net', '--pid', '--fork', '--kill-child', 'bash',
                                HERE / 'enter.bash', folder, *steps], capture_output=True, text=True, timeout=280,
                               check=False)
        assert ended.returncode == 0, ended.stderr
        return [Step(step, (folder / f'{number}-{step}.log').read_text(),
                     int((folder / f'{number}-{step}.code').read_text()), folder / f'{number}-{step}.etc')
                for number, step in enumerate(steps, 1)]

    yield run
    left = [mount for folder in folders for mount in mounts.below(folder)]
    groups = cgroups.children(_STATE.cgroup_parent)
    for name in groups:
        cgroups.Cgroup(f'{_STATE.cgroup_parent}/{name}', cgroups.version()).remove()
    with contextlib.suppress(OSError):
        cgroups.Cgroup(_STATE.cgroup_parent, cgroups.version()).remove()
    if left:
        pytest.fail(f'still mounted: {left}')
    for folder in folders:
        shutil.rmtree(folder)


@pytest.fixture(scope='session')
def one_node(run_steps) -> Iterator[list[Step]]:
    """Stacked twice, used, unstacked, stacked, cleaned, cleaned again."""
    return run_steps('local.conf.sample', *STEPS, more='enable_service h-eng tempest\nGLOBAL_VENV=True\n'
                                                       '[[post-config|$NOVA_CPU_CONF]]\n[DEFAULT]\nhost = one\n')


def _furnish(stack: Path, checkout: Path, local_conf: str) -> None:
    """What a stack.sh that got as far as the plug-in's first phase has in /opt/stack."""
    shutil.copytree(checkout, stack / 'devstack')
    (stack / 'devstack/local.conf').write_text(local_conf.replace('[[local|localrc]]\n', '[[local|localrc]]\n'
                                                                  'HOST_IP=127.0.0.1\n', 1))
    tracked = subprocess.run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], cwd=TOP,
                             capture_output=True, check=True, text=True).stdout.split('\0')
    for path in filter(None, tracked):
        if (TOP / path).is_file():
            target = stack / 'nova-container' / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(TOP / path, target)
    heat_plugin = stack / 'nova-container/heat_container/plugin'
    heat_plugin.mkdir(parents=True, exist_ok=True)
    shutil.copytree(Path(sys.prefix, 'etc/glance'), stack / 'glance/etc')
    (stack / 'glance/etc/schema-image.json').write_text('{}')
    _write_program(stack / 'requirements/.venv/bin/edit-constraints', '#!/bin/sh\n')
    (stack / 'requirements/upper-constraints.txt').write_text('')
    _make_venv(stack / 'data/venv')
    (stack / 'programs').mkdir()
    for name in ('systemctl', 'openstack'):
        shutil.copy(HERE / name, stack / 'programs' / name)
    for name in ('apt-get', 'systemd-tmpfiles', 'modprobe', 'sysctl'):  # which would reach this host
        _write_program(stack / 'programs' / name, '#!/bin/sh\necho "$0 $*"\n')
    shutil.copy(HERE / 'stack.bash', stack)
    busybox_image.build(stack / 'box.tar', 'box:1')


def _make_venv(place: Path) -> None:
    """One that has all that this one has, and a pip that installs nothing from elsewhere."""
    subprocess.run([sys.executable, '-m', 'venv', '--without-pip', place], check=True)
    site = next(place.glob('lib/python3*/site-packages'))
    (site / 'tests.pth').write_text(''.join(f'{path}\n' for path in sys.path if path.endswith('site-packages')))
    (place / 'bin/pip').write_text('#!/bin/sh\nverb=$1\nshift\nexec '
                                   '/opt/stack/data/venv/bin/python3 -m pip "$verb" --no-deps --no-index '
                                   '--no-build-isolation "$@"\n')
    (place / 'bin/pip').chmod(0o755)


def _write_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
