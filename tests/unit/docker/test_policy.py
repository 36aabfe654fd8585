# SPDX-License-Identifier: Apache-2.0
"""No way out of a container to its host is open to clients of a listener with a policy, however it is spelled."""

import io

import pytest

from nova_container import errors
from nova_container.docker import policy
from nova_container.docker.engine import DockerEngine
from nova_container.docker.policed import policed
from nova_container.docker.policy import Level
from nova_container.docker.server import Server
from nova_container.docker.wire import container as wire
from nova_container.engine import (
    ContainerSpec, Device, Engine, ExecSpec, Mount, MountKind, NetworkMode, NetworkSpec, ProcessSpec, Resources,
    Security, Sharing, Throttle, Ulimit)
from nova_container.engine.network import Endpoint, Network, Port
from nova_container.engine.registry import BuildSpec
from nova_container.engine.volume import Volume

HOST_FOLDER = Mount(kind=MountKind.BIND, source='/etc', target='/host')
DEVICE = Volume(options={'type': 'none', 'o': 'bind', 'device': '/etc'})

ESCAPES = {
    'a bind mount': {'Binds': ['/etc:/host']},
    'a bind mount by Mounts': {'Mounts': [{'Type': 'bind', 'Source': '/etc', 'Target': '/host'}]},
    'a volume of a folder of the host': {'Mounts': [{
        'Type': 'volume', 'Target': '/host', 'VolumeOptions': {'DriverConfig': {
            'Name': 'local', 'Options': {'type': 'none', 'o': 'bind', 'device': '/etc'}}}}]},
    'a volume of a disk': {'Mounts': [{
        'Type': 'volume', 'Target': '/disk', 'VolumeOptions': {'DriverConfig': {
            'Name': 'local', 'Options': {'type': 'ext4', 'device': '/dev/vda'}}}}]},
    'a tmpfs that is a bind': {'Mounts': [{
        'Type': 'volume', 'Target': '/host', 'VolumeOptions': {'DriverConfig': {
            'Name': 'local', 'Options': {'type': 'tmpfs', 'o': 'size=1m,bind', 'device': '/etc'}}}}]},
    'a tmpfs with device nodes': {'Tmpfs': {'/t': 'dev'}}, 'a tmpfs that is bound': {'Tmpfs': {'/t': 'rw,rbind'}},
    'a tmpfs with more behind a comma': {'Mounts': [{
        'Type': 'tmpfs', 'Target': '/t', 'TmpfsOptions': {'Options': [['rw,dev,suid']]}}]},
    'a limit that is a priority': {'Ulimits': [{'Name': 'rtprio', 'Soft': 99, 'Hard': 99}]},
    'the network of the host': {'NetworkMode': 'host'}, 'processes of the host': {'PidMode': 'host'},
    'memory of the host': {'IpcMode': 'host'}, 'the name of the host': {'UTSMode': 'host'},
    'users of the host': {'UsernsMode': 'host'}, 'control groups of the host': {'CgroupnsMode': 'host'},
    'all privileges': {'Privileged': True}, 'a device': {'Devices': [{
        'PathOnHost': '/dev/vda', 'PathInContainer': '/dev/vda', 'CgroupPermissions': 'rwm'}]},
    'rules for devices': {'DeviceCgroupRules': ['a *:* rwm']}, 'a capability': {'CapAdd': ['SYS_ADMIN']},
    'every capability': {'CapAdd': ['ALL']}, 'a capability by its other name': {'CapAdd': ['cap_sys_ptrace']},
    'no filter of system calls': {'SecurityOpt': ['seccomp=unconfined']},
    'no masked paths': {'MaskedPaths': []}, 'no read-only paths': {'ReadonlyPaths': []},
    'another control group': {'CgroupParent': '/'}, 'a sysctl of the host': {'Sysctls': {'kernel.core_pattern': '/x'}},
    'another runtime': {'Runtime': 'runc'}, 'annotations': {'Annotations': {'a': 'b'}},
    'one that is killed last': {'OomScoreAdj': -999}, 'one that is never killed': {'OomKillDisable': True},
    'real-time scheduling': {'CpuRealtimeRuntime': 1000}, 'any number of processes': {'PidsLimit': -1},
    'a pattern to search for': {'LogConfig': {'Type': 'json-file', 'Config': {'env-regex': 'a+$'}}},
    'options of a network driver': {'NetworkMode': 'blue'}, 'a link-local address': {'NetworkMode': 'red'},
}
_ENDPOINTS = {'blue': {'DriverOpts': {'parent': 'eth0'}}, 'red': {'IPAMConfig': {'LinkLocalIPs': ['169.254.169.254']}}}


def asked(host):
    body = {'Image': 'box', 'HostConfig': host}
    mode = host.get('NetworkMode')
    if mode in _ENDPOINTS:
        body['NetworkingConfig'] = {'EndpointsConfig': {mode: _ENDPOINTS[mode]}}
    return wire.requested_spec('x', body)


@pytest.mark.parametrize('level', [Level.BASELINE, Level.RESTRICTED])
@pytest.mark.parametrize('escape', ESCAPES)
def test_an_escape_is_denied(escape, level):
    spec = asked(ESCAPES[escape])
    with pytest.raises(errors.Denied, match='policy'):
        policy.check_container(level, spec)
    policy.check_container(Level.PRIVILEGED, spec)


@pytest.mark.parametrize('level', list(Level))
def test_an_ordinary_container_is_allowed(level):
    policy.check_container(level, ContainerSpec(
        name='x', image='box', process=ProcessSpec(command=('true',), user='1000', env=('A=b',)), hostname='h',
        resources=Resources(memory_bytes=1 << 30, cpu_shares=512, read_bps=(Throttle(device='/dev/vda', rate=1),)),
        mounts=(Mount(kind=MountKind.VOLUME, source='data', target='/data'),
                Mount(kind=MountKind.TMPFS, target='/run', size_bytes=1 << 20)),
        security=Security(cap_drop=('ALL',), read_only_root=True), volumes=('/more',), labels={'a': 'b'},
        ulimits=(Ulimit(name='nofile', soft=64, hard=64),), exposed_ports=('80/tcp',)))


@pytest.mark.parametrize('spec', [
    ContainerSpec(name='x', image='box', network=NetworkSpec(
        mode=NetworkMode.MANAGED, ports=(Port(container_port=80),))),
    ContainerSpec(name='x', image='box', security=Security(cap_drop=('ALL',), cap_add=('NET_BIND_SERVICE',))),
    ContainerSpec(name='x', image='box', security=Security(no_new_privileges=False)),
    ContainerSpec(name='x', image='box', sharing=Sharing(pid='container:a')),
    ContainerSpec(name='x', image='box', sysctls={'net.ipv4.ip_unprivileged_port_start': '0'}),
    ContainerSpec(name='x', image='box', volumes_from=('a',)),
])
def test_restricted_is_less_than_baseline(spec):
    policy.check_container(Level.BASELINE, spec)
    with pytest.raises(errors.Denied):
        policy.check_container(Level.RESTRICTED, spec)


def test_a_field_that_no_rule_names_must_have_its_default():
    named = {'devices', 'device_rules', 'cgroup_parent', 'annotations', 'runtime'}
    assert {field for field in ContainerSpec.__dataclass_fields__ if field not in policy._BASELINE} == named


@pytest.mark.parametrize('volume', [
    DEVICE, Volume(driver='other'), Volume(options={'type': 'nfs', 'device': ':/x', 'o': 'addr=10.0.0.1'}),
    Volume(options={'type': 'tmpfs', 'device': '/etc', 'o': ''}),
    Volume(options={'type': 'tmpfs', 'device': 'tmpfs', 'o': 'size=1m, rbind'})])
def test_a_volume_of_the_host_is_denied(volume):
    with pytest.raises(errors.Denied):
        policy.check_volume(Level.BASELINE, volume)


def test_a_volume_of_memory_is_allowed():
    memory = {'type': 'tmpfs', 'device': 'tmpfs', 'o': 'size=1m'}
    policy.check_volume(Level.RESTRICTED, Volume(name='m', options=memory))


@pytest.mark.parametrize('network', [
    Network(name='n', driver='macvlan', options={'parent': 'eth0'}), Network(name='n', driver='host'),
    Network(name='n', config_from='other'), Network(name='n', config_only=True),
    Network(name='n', options={'com.docker.network.bridge.name': 'br-ex'})])
def test_a_network_that_takes_an_interface_of_the_host_is_denied(network):
    with pytest.raises(errors.Denied):
        policy.check_network(Level.BASELINE, network)
    policy.check_network(Level.PRIVILEGED, network)


@pytest.fixture
def guarded(fake) -> Engine:
    """The engine as a client under ``baseline`` sees it."""
    fake.add_image('box:latest')
    return policed(fake, Level.BASELINE)


def made(engine, name, **fields):
    return engine.create(ContainerSpec(name=name, image='box:latest', **fields))


ELEVATED = {
    'privileged': {'security': Security(privileged=True)}, 'bound': {'mounts': (HOST_FOLDER,)},
    'hosted': {'network': NetworkSpec(mode=NetworkMode.HOST)},
    'equipped': {'devices': (Device(path_on_host='/dev/null', path_in_container='/dev/null'),)}}


@pytest.mark.parametrize('kind', ELEVATED)
def test_a_container_of_others_with_more_rights_is_not_entered(fake, guarded, kind):
    made(fake, 'strong', **ELEVATED[kind])
    fake.start('strong')
    for enter in (lambda: guarded.create_exec('strong', ExecSpec(command=('true',))), lambda: guarded.attach('strong'),
                  lambda: guarded.copy_in('strong', '/', io.BytesIO()), lambda: guarded.copy_out('strong', '/etc'),
                  lambda: guarded.export('strong'), lambda: guarded.commit('strong'), lambda: guarded.stop('strong'),
                  lambda: guarded.remove('strong', force=True), lambda: guarded.restart('strong'),
                  lambda: guarded.network_namespace('strong'), lambda: guarded.update('strong', Resources())):
        with pytest.raises(errors.Denied):
            enter()
    assert guarded.inspect('strong').status.alive


@pytest.mark.parametrize('fields', [
    {'network': NetworkSpec(mode=NetworkMode.CONTAINER, container='strong')}, {'volumes_from': ('strong:ro',)},
    {'sharing': Sharing(pid='container:strong')}])
@pytest.mark.parametrize('kind', ELEVATED)
def test_a_container_of_others_with_more_rights_is_not_joined(fake, guarded, kind, fields):
    made(fake, 'strong', **ELEVATED[kind])
    with pytest.raises(errors.Denied):
        made(guarded, 'weak', **fields)


def test_what_joins_a_strong_one_is_not_joined_either(fake, guarded):
    made(fake, 'strong', network=NetworkSpec(mode=NetworkMode.HOST))
    made(fake, 'between', network=NetworkSpec(mode=NetworkMode.CONTAINER, container='strong'))
    with pytest.raises(errors.Denied):
        made(guarded, 'weak', network=NetworkSpec(mode=NetworkMode.CONTAINER, container='between'))


def test_a_volume_of_the_host_that_others_made_is_not_mounted(fake, guarded):
    fake.create_volume(Volume(name='of-the-host', options=DEVICE.options))
    with pytest.raises(errors.Denied):
        made(guarded, 'weak', mounts=(Mount(kind=MountKind.VOLUME, source='of-the-host', target='/x'),))


def test_an_exec_gets_no_more_than_its_container(fake, guarded):
    made(guarded, 'weak')
    guarded.start('weak')
    with pytest.raises(errors.Denied):
        guarded.create_exec('weak', ExecSpec(command=('true',), privileged=True))
    strong = fake.create_exec('weak', ExecSpec(command=('true',), privileged=True))
    with pytest.raises(errors.Denied):
        guarded.start_exec(strong)


@pytest.mark.parametrize('ask', [
    lambda engine: engine.create_volume(Volume(name='v-1', options=DEVICE.options)),
    lambda engine: engine.create_network(Network(name='n', driver='macvlan', options={'parent': 'eth0'})),
    lambda engine: engine.connect('weak', Endpoint(network='bridge', options={'parent': 'eth0'})),
    lambda engine: engine.connect('weak', Endpoint(network='bridge', link_local=('169.254.169.254',))),
    lambda engine: engine.update('weak', Resources(pids_limit=-1)),
    lambda engine: engine.build(io.BytesIO(), BuildSpec(network='host'))])
def test_other_verbs_are_held_to_the_policy(guarded, ask):
    made(guarded, 'weak')
    with pytest.raises(errors.Denied):
        ask(guarded)


def test_a_verb_that_nobody_thought_of_is_denied(guarded):
    with pytest.raises(errors.Denied):
        guarded.overthrow('everything')


def test_every_verb_of_the_contract_is_decided_on():
    from nova_container.docker import policed as module
    verbs = {name for name in dir(Engine) if not name.startswith('_')} - {'exec'}
    checked = {name for name in vars(module._Policed) if not name.startswith('_')}
    assert verbs - module._OPEN - module._ENTERING - checked == set()
    assert (module._OPEN | module._ENTERING | checked) - verbs == set()


def test_a_listener_holds_its_clients_to_its_policy(fake, socket_path):
    fake.add_image('box:latest')
    server = Server(fake, socket_path, policy=Level.BASELINE)
    server.start()
    client = DockerEngine(f'unix://{socket_path}', timeout_s=10)
    try:
        made(client, 'weak')
        client.start('weak')
        assert client.exec('weak', ExecSpec(command=('echo', 'hello'))).stdout == b'hello\n'
        with pytest.raises(errors.Denied, match='privileged'):
            made(client, 'strong', security=Security(privileged=True))
    finally:
        client.close()
        server.stop()
