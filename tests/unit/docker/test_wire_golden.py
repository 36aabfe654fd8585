# SPDX-License-Identifier: Apache-2.0
"""Recorded bodies are understood, and ours have every field that theirs have and clients read."""

import time

import pytest

from nova_container.docker.wire import (
    container, events, execs, files, images, inspection, listing, processes, stats, system, versions)
from nova_container.engine import (
    ChangeKind, ContainerInfo, ContainerSpec, EngineInfo, ExecInfo, ExecSpec, ImageInfo, LogLimits, MountKind,
    NetworkMode, NetworkSpec, Resources, RestartPolicy, Security, Status, Usage)
from nova_container.engine.network import Endpoint
from tests.unit.docker import golden

SPEC = ContainerSpec(name='rich', image='box:1')
INFO = ContainerInfo(id='1' * 64, spec=SPEC, status=Status.RUNNING, image_id='sha256:0')
IMAGE = ImageInfo(id='sha256:0', references=('box:1',), created_at=0, size_bytes=1, diff_ids=(), architecture='amd64',
                  os='linux', config={})
ENGINE = EngineInfo(name='n', version='1', api_version='1.43', runtime='crun', runtime_version='1', kernel_version='6',
                    operating_system='Debian', architecture='x86_64', cpus=1, memory_bytes=1, hostname='h',
                    state_dir='/s', storage_driver='overlay', cgroup_version=2)

# what we leave out, since there is nothing to tell: checked so that nothing goes missing unseen
_LEFT_OUT = {
    'container': {'NetworkSettings': {
        'Bridge', 'HairpinMode', 'LinkLocalIPv6Address', 'LinkLocalIPv6PrefixLen', 'SecondaryIPAddresses',
        'SecondaryIPv6Addresses', 'EndpointID', 'Gateway', 'GlobalIPv6Address', 'GlobalIPv6PrefixLen', 'IPAddress',
        'IPPrefixLen', 'IPv6Gateway', 'MacAddress'}, 'Config': {'AttachStdin', 'AttachStdout', 'AttachStderr'}},
    'info': {'KernelMemory', 'KernelMemoryTCP'},
    'image': {'Container', 'ContainerConfig'},
}


def test_a_plain_create_of_the_command_line_is_all_defaults():
    spec = container.requested_spec('x', golden.body('cli_28_create_plain'))
    expected = ContainerSpec(name='x', image='busybox')
    assert spec.process.command == ('ls',)
    bridge = NetworkSpec(mode=NetworkMode.MANAGED, endpoints=(Endpoint(network='bridge'),))
    assert spec == ContainerSpec(name='x', image='busybox', process=spec.process, network=bridge,
                                 security=Security(no_new_privileges=False))
    assert spec.log == expected.log == LogLimits()


def test_an_update_of_the_command_line_changes_what_it_names_only():
    limits, restart = container.update_of(golden.body('cli_28_update_cpus'))
    assert limits == Resources(cpu_quota_us=100_000, cpu_period_us=100_000)
    assert restart is None


def test_a_rich_container_of_dockerd_is_understood():
    info = inspection.info_of(golden.body('dockerd_20_10_container_inspect'))
    spec = info.spec
    assert (info.status, info.exit, info.name) == (Status.RUNNING, None, 'rich')
    assert info.network_namespace.startswith('/var/run/docker/netns/')
    assert spec.process.command == ('sleep', '600')
    assert (spec.process.user, spec.process.cwd, spec.process.stop_signal) == ('1', '/tmp', 'SIGINT')
    assert (spec.resources.memory_bytes, spec.resources.cpu_quota_us) == (64 << 20, 50_000)
    assert {(mount.kind, mount.target, mount.read_only) for mount in spec.mounts} == {
        (MountKind.BIND, '/host', True), (MountKind.TMPFS, '/run', False)}
    assert next(mount for mount in spec.mounts if mount.kind is MountKind.TMPFS).mode == 0o755
    assert (spec.security.read_only_root, spec.security.no_new_privileges) == (True, True)
    assert spec.restart == RestartPolicy(name='on-failure', maximum_retries=3)
    assert (spec.hostname, spec.network.dns, spec.network.extra_hosts) == ('h', ('9.9.9.9',), ('a:1.2.3.4',))
    assert (spec.init, spec.shm_bytes, spec.labels) == (True, 32 << 20, {'l': 'v'})


def test_the_end_of_a_container_of_dockerd_is_understood():
    info = inspection.info_of(golden.body('dockerd_20_10_container_inspect_exited'))
    assert (info.status, info.exit.code, info.pid) == (Status.STOPPED, 3, None)
    assert abs(info.started_at - info.exit.finished_at) < 0.1


def test_other_answers_of_dockerd_are_understood():
    assert listing.row_id(golden.body('dockerd_20_10_containers')[0]).startswith('803f')
    usage = stats.usage_of(golden.body('dockerd_20_10_stats'))
    assert usage.memory_limit_bytes == 64 << 20
    assert (usage.pids, usage.online_cpus) == (2, 2)
    assert stats.usage_of(golden.body('dockerd_20_10_stats_dead')) is None
    rows = processes.rows_of(golden.body('dockerd_20_10_top'), time.time())
    assert [row.command for row in rows] == ['/sbin/docker-init -- sleep 600', 'sleep 600']
    assert execs.exec_info_of(golden.body('dockerd_20_10_exec_inspect')).spec.command == ('sh', '-c', 'echo hi')
    assert images.image_of(golden.body('dockerd_20_10_image_inspect')).references == ('box:1',)
    assert images.history_of(golden.body('dockerd_20_10_image_history'))[0].keys() == {
        'created', 'created_by', 'comment'}
    assert files.changes_of(golden.body('dockerd_20_10_changes')) == ()
    told = [events.event_of(event) for event in golden.body('dockerd_20_10_events')]
    assert ('container', 'create') in {(event.type, event.action) for event in told}


def test_dockerd_is_not_taken_for_ours():
    version = golden.body('dockerd_20_10_version')
    assert not system.is_ours(version)
    assert system.is_ours(system.version_body(ENGINE))
    info = system.engine_info_of(golden.body('dockerd_20_10_info'), version)
    assert (info.name, info.version, info.api_version) == ('docker', '20.10.24+dfsg1', '1.41')
    assert (info.runtime, info.runtime_version != '') == ('runc', True)
    assert (info.features, info.insecure_registries, info.mirrors) == (frozenset(), (), ())


def test_our_container_has_every_field_of_dockerd():
    theirs = golden.body('dockerd_20_10_container_inspect')
    ours = inspection.inspect_body(INFO, ('sleep',), 'overlay')
    assert theirs.keys() - ours.keys() == set()
    assert theirs['State'].keys() - ours['State'].keys() == set()
    for part, left_out in _LEFT_OUT['container'].items():
        missing = {name for name in theirs[part].keys() - ours[part].keys() if theirs[part][name]}
        assert missing - left_out - {'WorkingDir', 'StopSignal'} == set()


@pytest.mark.parametrize(('name', 'ours', 'left_out'), [
    ('info', versions.info(system.info_body(ENGINE, 0.0), (1, 41)), _LEFT_OUT['info']),
    ('version', system.version_body(ENGINE), set()),
    ('image_inspect', versions.image(images.image_body(IMAGE), (1, 41)), _LEFT_OUT['image']),
    ('containers', [listing.row_body(INFO, (), 0.0)], set()),
    ('exec_inspect', execs.exec_inspect_body(ExecInfo(id='e', container_id='c', spec=ExecSpec(command=('x',)))), set()),
    ('stats', stats.stats_body('i', 'n', Usage(read_at=0), None, 1), set()),
])
def test_our_answers_have_every_field_of_dockerd(name, ours, left_out):
    theirs = golden.body(f'dockerd_20_10_{name}')
    if isinstance(theirs, list):
        theirs, ours = theirs[0], ours[0]
    assert theirs.keys() - ours.keys() - left_out == set()


def test_a_change_is_numbered_as_by_docker():
    assert files.changes_body(()) is None
    assert [int(kind) for kind in (ChangeKind.MODIFIED, ChangeKind.ADDED, ChangeKind.DELETED)] == [0, 1, 2]


def test_an_answer_has_every_field_that_templates_of_scripts_find_with_dockerd():
    theirs = golden.body('dockerd_20_10_container_inspect')
    ours = inspection.inspect_body(inspection.info_of(theirs))
    gone_since = {'KernelMemory', 'KernelMemoryTCP', 'Tmpfs'}  # a tmpfs is one of Mounts
    for part in ('HostConfig', 'State'):
        assert theirs[part].keys() - ours[part].keys() - gone_since == set()
    assert theirs.keys() - ours.keys() == set()


def test_a_number_of_cpus_is_told_as_such():
    theirs = golden.body('dockerd_20_10_container_inspect')
    host = inspection.inspect_body(inspection.info_of(theirs))['HostConfig']
    assert (host['NanoCpus'], host['CpuQuota'], host['CpuPeriod']) == (500000000, 0, 0)
