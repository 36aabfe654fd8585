# SPDX-License-Identifier: Apache-2.0
"""The wheel has every module and every file of a host."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

TOP = Path(__file__).parents[3]
_PACKAGES = ('nova_container', 'glance_store_container', 'heat_container')
_ON_HOSTS = ('nova-container', 'systemd', 'sysctl.d', 'modules-load.d', 'logrotate.d', 'bash_completion.d')


def tracked() -> list[str]:
    """The files of the checkout that git knows or would add."""
    said = subprocess.run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], cwd=TOP,
                          capture_output=True, check=True, text=True).stdout
    return [path for path in said.split('\0') if path and (TOP / path).is_file()]


@pytest.fixture(scope='module')
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    """Built from a copy of the checkout, as building writes beside the sources."""
    place = tmp_path_factory.mktemp('wheel')
    for path in tracked():
        target = place / 'source' / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOP / path, target)
    ended = subprocess.run([sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps', '--no-build-isolation',
                            '--wheel-dir', place, place / 'source'], env={**os.environ, 'PBR_VERSION': '1.2.3'},
                           capture_output=True, text=True, check=False, timeout=240)
    assert ended.returncode == 0, ended.stderr[-3000:]
    with zipfile.ZipFile(place / 'nova_container-1.2.3-py3-none-any.whl') as opened:
        yield opened


def test_every_module_is_in_it(wheel):
    modules = {re.sub('^nova_container/nova_shim/', 'nova/virt/container/', path) for path in tracked()
               if path.endswith('.py') and path.split('/')[0] in _PACKAGES}
    assert len(modules) > 100
    assert modules - set(wheel.namelist()) == set()


def test_nothing_else_goes_into_the_packages_of_others(wheel):
    tops = {path.split('/')[0] for path in wheel.namelist()}
    allowed = {*_PACKAGES, 'nova', 'nova_container-1.2.3.data', 'nova_container-1.2.3.dist-info'}
    assert tops <= allowed
    assert [path for path in wheel.namelist() if path.startswith('nova/')] == ['nova/virt/container/__init__.py']


def test_every_file_of_a_host_is_in_it_and_as_it_is_here(wheel):
    prefix = 'nova_container-1.2.3.data/data/share/nova-container/etc/'
    there = {path.removeprefix(prefix): wheel.read(path) for path in wheel.namelist() if path.startswith(prefix)}
    here = {path.removeprefix('etc/').replace('systemd/', 'systemd/system/', 1): (TOP / path).read_bytes()
            for path in tracked() if path.startswith(tuple(f'etc/{name}/' for name in _ON_HOSTS))}
    assert there == here
    assert len(here) >= 8


def test_the_commands_are_in_it(wheel):
    points = wheel.read('nova_container-1.2.3.dist-info/entry_points.txt').decode()
    for command in ('nova-container-engine', 'nova-container-status'):
        assert re.search(f'^{command} = ', points, re.MULTILINE)
