# SPDX-License-Identifier: Apache-2.0
"""Who gets an init in front."""

import pytest

from nova_container.engine import spec as specs
from nova_container.virt.translate import reaper


def decided(process=None, config=None, init=None):
    spec = specs.ContainerSpec(name='a', image='b', process=process or specs.ProcessSpec(), init=init)
    return reaper.with_reaper(spec, config or {}).init


@pytest.mark.parametrize('config, expected', [
    ({'Cmd': ['nginx', '-g', 'daemon off;']}, True),
    ({'Entrypoint': ['/docker-entrypoint.sh'], 'Cmd': ['nginx']}, True),
    ({'Cmd': ['/sbin/init']}, False),
    ({'Entrypoint': ['/usr/bin/tini', '--'], 'Cmd': ['nginx']}, False),
    ({'Entrypoint': None, 'Cmd': ['/lib/systemd/systemd']}, False),
    ({'Entrypoint': ['']}, True),
    ({}, True),
])
def test_the_image_tells_whether_its_program_reaps(config, expected):
    assert decided(config=config) is expected


def test_what_the_server_runs_counts_before_what_the_image_has():
    init = {'Entrypoint': ['/sbin/init'], 'Cmd': ['x']}
    assert decided(specs.ProcessSpec(entrypoint=('sh',)), init) is True
    assert decided(specs.ProcessSpec(command=('y',)), init) is False
    assert decided(specs.ProcessSpec(command=('dumb-init', 'y')), {'Cmd': ['x']}) is False


def test_a_flavor_that_says_so_decides():
    assert decided(config={'Cmd': ['nginx']}, init=False) is False
    assert decided(config={'Cmd': ['/sbin/init']}, init=True) is True
