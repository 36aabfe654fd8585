# SPDX-License-Identifier: Apache-2.0
"""Limits that a host cannot keep are refused before anything is made."""

import types

import pytest

from nova_container import errors
from nova_container.engine.spec import Resources, Throttle
from nova_container.host import cgroups
from nova_container.runtime import refused_limits


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A tree of control groups of version 1 with four CPUs, one memory node and no weights."""
    (tmp_path / 'cpuset').mkdir()
    (tmp_path / 'blkio').mkdir()
    (tmp_path / 'cpuset/cpuset.cpus').write_text('0-2,5\n')
    (tmp_path / 'cpuset/cpuset.mems').write_text('0\n')
    for name in ('usable', 'lacks_weights', 'has_realtime'):
        asked = getattr(cgroups, name)
        monkeypatch.setattr(cgroups, name, lambda *given, asked=asked: asked(*given, root=tmp_path))
    return tmp_path


def check(version=1, **limits):
    refused_limits.check(Resources(**limits), version, types.SimpleNamespace(check=lambda field: None))


@pytest.mark.parametrize('limits', [
    {}, {'cpuset_cpus': '5,0-1', 'cpuset_mems': '0'}, {'memory_swappiness': 10, 'oom_kill_disable': True}])
def test_what_the_host_has_is_accepted(host, limits):
    check(**limits)


@pytest.mark.parametrize(('limits', 'said'), [
    ({'cpuset_cpus': '1-4'}, 'CpusetCpus: 1-4 asks for 3, 4, and this host has 0-2,5: choose among them'),
    ({'cpuset_mems': '1'}, 'CpusetMems: 1 asks for 1, and this host has 0: choose among them')])
def test_processors_and_memory_nodes_are_those_of_the_host(host, limits, said):
    with pytest.raises(errors.InvalidSpec, match=said):
        check(**limits)


@pytest.mark.parametrize(('version', 'limits'), [
    (1, {'blkio_weight': 300}), (1, {'weight_devices': (Throttle(device='/dev/sda', rate=300),)}),
    (1, {'realtime_runtime_us': 1000}), (2, {'memory_swappiness': 0}), (2, {'oom_kill_disable': True})])
def test_what_the_kernel_lacks_is_to_be_left_out(host, version, limits):
    with pytest.raises(errors.Unsupported, match='leave (it|them) out'):
        check(version, **limits)


def test_a_host_that_does_not_tell_is_left_to_the_runtime(host):
    (host / 'cgroup.controllers').touch()
    (host / 'cpuset/cpuset.cpus').unlink()
    check(2, blkio_weight=300, cpuset_cpus='99')


def test_version_2_tells_what_is_left_to_groups(host):
    (host / 'cpuset.cpus.effective').write_text('7\n')
    check(2, cpuset_cpus='7')
    with pytest.raises(errors.InvalidSpec):
        check(2, cpuset_cpus='0')
