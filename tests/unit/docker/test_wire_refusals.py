# SPDX-License-Identifier: Apache-2.0
"""Nothing of a create body is silently ignored."""

import pytest

from nova_container import errors
from nova_container.docker.wire import container, fields, logs
from nova_container.docker.wire.document import Document
from nova_container.engine import LogLimits, Mount, MountKind, NetworkMode
from nova_container.engine.network import Endpoint, Port
from tests.unit.docker import golden


def spec_of(host=None, **config):
    return container.requested_spec('x', {'Image': 'box', **config, 'HostConfig': host or {}})


def test_every_field_of_the_api_has_a_rule():
    known = golden.body('api_1_43_fields')
    for body, table in (('Config', fields.CONFIG), ('HostConfig', fields.HOST_CONFIG), ('Resources', fields.UPDATE),
                        ('Exec', fields.EXEC)):
        assert [name for name in known[body] if fields.spelled(name, table) is None] == []


@pytest.mark.parametrize('name', [name for name, rule in fields.HOST_CONFIG.items() if rule == ()])
def test_a_host_setting_we_lack_is_refused_by_name(name):
    for empty in (None, '', 0, False, [], {}):
        spec_of({name: empty})
    with pytest.raises(errors.Unsupported, match=rf'HostConfig\.{name} '):
        spec_of({name: 'something'})


@pytest.mark.parametrize('name', [name for name, rule in fields.CONFIG.items() if rule == ()])
def test_a_setting_we_lack_is_refused_by_name(name):
    with pytest.raises(errors.Unsupported, match=f'^{name} '):
        spec_of(**{name: ['something']})


@pytest.mark.parametrize(('host', 'named'), [
    ({'Unheard': None}, 'HostConfig.Unheard'),
    ({'Binds': ['/a:/b:y']}, "'y'"),
    ({'Mounts': [{'Type': 'npipe', 'Source': 'v', 'Target': '/v'}]}, r'Mounts\[0\].Type'),
    ({'Mounts': [{'Type': 'image', 'Source': 'box', 'Target': '/v'}]}, r'Mounts\[0\].Type'),
    ({'SecurityOpt': ['apparmor=strict']}, 'apparmor'),
    ({'SecurityOpt': ['seccomp=profile.json']}, 'seccomp'), ({'StorageOpt': {'inodes': '1'}}, 'inodes'),
    ({'LogConfig': {'Type': 'syslog'}}, 'syslog'),
    ({'LogConfig': {'Type': 'none', 'Config': {'max-size': '1m'}}}, 'max-size'),
    ({'LogConfig': {'Config': {'tag': '{{.Nope}}'}}}, 'Nope'), ({'LogConfig': {'Config': {'tag': '{{if x}}'}}}, 'tag'),
])
def test_a_value_we_lack_is_refused(host, named):
    with pytest.raises(errors.Unsupported, match=named):
        spec_of(host)


@pytest.mark.parametrize('config', [
    {'Healthcheck': {'Test': ['CMD', 'true'], 'Unheard': 1}},
    {'NetworkingConfig': {'EndpointsConfig': {'blue': {'Unheard': 1}}}},
    {'NetworkingConfig': {'EndpointsConfig': {'blue': {'IPAMConfig': {'Unheard': ['169.254.1.1']}}}}},
])
def test_what_we_lack_of_health_and_endpoints_is_refused(config):
    with pytest.raises(errors.Unsupported):
        spec_of(**config)


def test_no_health_check_is_what_we_have():
    assert spec_of(Healthcheck={'Test': ['NONE']}).no_health
    assert spec_of(Healthcheck=None).health is None


@pytest.mark.parametrize('body', [
    [], 'x', {}, {'Image': 3}, {'Image': 'a', 'HostConfig': []}, {'Image': 'a', 'Env': [1]},
    {'Image': 'a', 'HostConfig': {'Memory': '1m'}}, {'Image': 'a', 'HostConfig': {'Memory': True}},
    {'Image': 'a', 'Labels': {'l': 1}}, {'Image': 'a', 'HostConfig': {'Binds': ['only']}},
    {'Image': 'a', 'HostConfig': {'NanoCpus': 1, 'CpuQuota': 5}}, {'Image': 'a', 'HostConfig': {'NanoCpus': -1}},
    {'Image': 'a', 'HostConfig': {'StorageOpt': {'size': 'big'}}},
    {'Image': 'a', 'HostConfig': {'LogConfig': {'Config': {'max-file': 'x'}}}},
    {'Image': 'a', 'HostConfig': {'Tmpfs': {'/t': 'size=x'}}},
    {'Image': 'a', 'HostConfig': {'Mounts': [{'Type': 'tmpfs', 'Target': '/t', 'TmpfsOptions': {'Options': ['a']}}]}},
    {'Image': 'a', 'HostConfig': {'LogConfig': {'Config': {'max-size': '-1'}}}},
])
def test_a_malformed_body_is_an_invalid_spec(body):
    with pytest.raises(errors.InvalidSpec):
        container.requested_spec('x', body)


@pytest.mark.parametrize(('mode', 'expected'), [
    ('', 'bridge'), ('default', 'bridge'), ('bridge', 'bridge'), ('blue', 'blue')])
def test_a_network_by_name_is_wired_by_the_engine(mode, expected):
    network = spec_of({'NetworkMode': mode}).network
    assert (network.mode, network.endpoints) == (NetworkMode.MANAGED, (Endpoint(network=expected),))


def test_a_namespace_to_be_wired_by_others_has_no_network():
    network = spec_of({'NetworkMode': 'none'}, NetworkingConfig={'EndpointsConfig': {'none': {
        'IPAMConfig': None, 'MacAddress': ''}}}).network
    assert (network.mode, network.endpoints) == (NetworkMode.NAMESPACE, ())
    for config in ({'blue': {}}, {'none': {'MacAddress': '02:00:00:00:00:01'}}):
        with pytest.raises(errors.InvalidSpec):
            spec_of({'NetworkMode': 'none'}, NetworkingConfig={'EndpointsConfig': config})


def test_endpoints_hold_what_older_fields_say_of_the_first():
    network = spec_of({'NetworkMode': 'default', 'Links': ['db:store']}, MacAddress='02:00:00:00:00:01',
                      NetworkingConfig={'EndpointsConfig': {'blue': {
                          'Aliases': ['a'], 'IPAMConfig': {'IPv4Address': '10.0.0.9'}}}}).network
    assert network.endpoints == (
        Endpoint(network='bridge', links=('db:store',), mac='02:00:00:00:00:01'),
        Endpoint(network='blue', aliases=('a',), ipv4='10.0.0.9'))


def test_ports_are_read_in_every_form():
    spec = spec_of({'PortBindings': {
        '80/tcp': [{'HostIp': '', 'HostPort': '8080'}, {'HostIp': '127.0.0.1', 'HostPort': ''}], '53/udp': None,
        '443': [{'HostPort': '8000-8010'}]}}, ExposedPorts={'80/tcp': {}, '90-91/udp': {}})
    assert spec.network.ports == (
        Port(container_port=80, host_port=8080), Port(container_port=80, host_ip='127.0.0.1'),
        Port(container_port=53, protocol='udp'), Port(container_port=443, host_port=8000, host_port_end=8010))
    assert spec.exposed_ports == ('80/tcp', '90/udp', '91/udp')
    for bindings in ({'x/tcp': []}, {'80/tcp': [{'HostPort': 'x'}]}, {'80/icmp': []}, {'70000/tcp': []}):
        with pytest.raises(errors.InvalidSpec):
            spec_of({'PortBindings': bindings})


def test_binds_tmpfs_and_mounts_are_one_list():
    spec = spec_of({'Binds': ['/a:/b:ro,rslave'], 'Tmpfs': {'/t': 'ro,size=64k,mode=1777,noexec'},
                    'Mounts': [{'Type': 'bind', 'Source': '/c', 'Target': '/d'}]})
    assert spec.mounts == (
        Mount(kind=MountKind.BIND, source='/c', target='/d'),
        Mount(kind=MountKind.BIND, source='/a', target='/b', read_only=True, propagation='rslave',
              make_source=True),
        Mount(kind=MountKind.TMPFS, target='/t', read_only=True, size_bytes=65536, mode=0o1777, options=('noexec',)))


@pytest.mark.parametrize(('option', 'expected'), [
    ('no-new-privileges', True), ('no-new-privileges:true', True), ('no-new-privileges=false', False),
    ('no-new-privileges:false', False), ('seccomp=unconfined', False)])
def test_no_new_privileges_is_off_unless_it_is_asked_for(option, expected):
    assert spec_of({'SecurityOpt': [option]}).security.no_new_privileges is expected


@pytest.mark.parametrize(('entrypoint', 'expected'), [
    (None, None), ([''], ()), ([], ()), ('sh', ('sh',)), (['a', 'b'], ('a', 'b'))])
def test_an_entrypoint_of_one_empty_word_clears_the_image_s(entrypoint, expected):
    assert spec_of(Entrypoint=entrypoint).process.entrypoint == expected


def test_zero_is_no_limit_and_minus_one_has_none():
    resources = spec_of({'PidsLimit': 0, 'Memory': 0, 'MemorySwappiness': -1, 'MemorySwap': -1}).resources
    assert (resources.pids_limit, resources.memory_bytes) == (None, None)
    assert (resources.memory_swappiness, resources.memory_swap_bytes) == (None, -1)
    assert spec_of({'PidsLimit': -1, 'MemorySwappiness': 0}).resources.pids_limit == -1


def test_what_means_nothing_on_a_host_without_security_modules_is_accepted():
    plain = spec_of({'Binds': ['/a:/b', 'v:/c:ro']})
    options = ['apparmor=unconfined', 'apparmor:unconfined', 'label=disable', 'label:disable']
    assert spec_of({'Binds': ['/a:/b:z', 'v:/c:ro,Z'], 'SecurityOpt': options}) == plain
    for option in ('apparmor=strict', 'label=type:web_t'):
        with pytest.raises(errors.Unsupported, match='SecurityOpt'):
            spec_of({'SecurityOpt': [option]})


@pytest.mark.parametrize(('options', 'said'), [
    ({}, []), ({'compress': 'false', 'mode': 'blocking'}, []), ({'compress': 'true'}, ['not compressed']),
    ({'mode': 'non-blocking', 'max-buffer-size': '4m'}, ['whatever its mode'])])
def test_what_a_log_does_otherwise_is_a_warning(options, said):
    host = {'LogConfig': {'Config': options}}
    assert spec_of(host).log == LogLimits()
    warnings = logs.warnings_of(Document(host))
    assert [part in warning for part, warning in zip(said, warnings, strict=True)] == [True] * len(said)


def test_a_field_is_found_whatever_the_case_of_its_letters():
    spec = container.requested_spec('it', {
        'image': 'box', 'CMD': ['a'], 'hostConfig': {'NanoCPUs': 500_000_000, 'binds': ['/a:/b'], 'PRIVILEGED': True}})
    assert (spec.image, spec.process.command, spec.security.privileged) == ('box', ('a',), True)
    assert (spec.resources.cpu_quota_us, spec.mounts[0].target) == (50_000, '/b')
    assert container.update_of({'nanocpus': 500_000_000})[0].cpu_quota_us == 50_000
    with pytest.raises(errors.Unsupported, match=r'HostConfig\.diskQuota|HostConfig\.DiskQuota'):
        container.requested_spec('it', {'Image': 'a', 'HostConfig': {'diskQuota': 5}})


def test_the_spelling_of_docker_wins():
    assert container.requested_spec('it', {'image': 'other', 'Image': 'box'}).image == 'box'


def test_an_update_refuses_what_cannot_change():
    for name in ('Binds', 'CapAdd', 'Privileged', 'Devices', 'Ulimits', 'Unheard'):
        with pytest.raises(errors.Unsupported, match=name):
            container.update_of({name: ['x']})
