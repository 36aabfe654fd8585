# SPDX-License-Identifier: Apache-2.0
"""Endpoints that the operator offers in heat.conf."""

import pytest
from heat.common import exception

from heat_container import endpoints
from heat_container.tls import Material
from nova_container import errors
from nova_container.connect import TlsFiles
from nova_container.docker.policy import Level
from tests.unit.heat import stacks


def network(endpoint=None):
    named = f'properties: {{endpoint: {endpoint}}}' if endpoint else ''
    return f'''
heat_template_version: 2021-04-16
resources:
  net:
    type: OS::Docker::Network
    {named}
'''


def test_a_named_endpoint_is_used(cloud):
    other = cloud.offer('other')
    assert cloud.create(network('other')).state == ('CREATE', 'COMPLETE')
    assert [info.spec.name for info in other.list_networks() if info.spec.labels] != []
    assert [info for info in cloud.engine.list_networks() if info.spec.labels] == []


def test_there_is_no_endpoint_by_default(cloud):
    cloud.set('default_endpoint', None, group='docker')
    with pytest.raises(exception.StackValidationFailed, match='no default endpoint'):
        cloud.create(network())
    assert cloud.create(network(stacks.EDGE)).state == ('CREATE', 'COMPLETE')


@pytest.mark.parametrize('name', ['nowhere', 'unix:///var/run/docker.sock', 'http://internal:2375', 'file:///etc/x',
                                  'tcp://127.0.0.1:2375', '../edge', 'x' * 3000])
def test_what_nobody_offers_is_refused_at_once(cloud, name):
    with pytest.raises(exception.StackValidationFailed, match='No endpoint that this project may use'):
        cloud.create(network(f'"{name}"'))
    assert cloud.engine.calls == []


def test_an_endpoint_is_for_the_projects_that_it_lists(cloud):
    cloud.offer('private', projects=[stacks.OTHER_PROJECT])
    with pytest.raises(exception.StackValidationFailed, match='private'):
        cloud.create(network('private'))
    theirs = cloud.create(network('private'), context=cloud.context(stacks.OTHER_PROJECT))
    assert theirs.state == ('CREATE', 'COMPLETE')


def test_an_endpoint_is_found_by_its_url_too(cloud):
    """For templates of the plug-in of 2014."""
    found = endpoints.find(cloud.context(), 'unix:///run/edge.sock')
    assert (found.name, found.level, found.shared) == (stacks.EDGE, Level.BASELINE, True)


def test_the_files_of_tls_of_the_operator_are_handed_on(cloud):
    cloud.offer('far', url='tcp://engine.test:2376', ca_cert='/etc/ca', client_cert='/etc/cert', client_key='/etc/key',
                policy_level='restricted', address='203.0.113.9')
    found = endpoints.find(cloud.context(), 'far')
    assert found.tls == TlsFiles(ca='/etc/ca', cert='/etc/cert', key='/etc/key')
    assert (found.level, found.address) == (Level.RESTRICTED, '203.0.113.9')
    cloud.create(network('far'))
    url, how = cloud.connected
    assert (url, how['tls'], how['judge']) == ('tcp://engine.test:2376', found.tls, None)


def test_half_of_the_files_of_tls_is_an_error(cloud):
    cloud.offer('far', url='tcp://engine.test:2376', ca_cert='/etc/ca')
    with pytest.raises(errors.InvalidRequest, match='client_cert'):
        endpoints.find(cloud.context(), 'far')


def test_an_endpoint_without_a_url_is_an_error(cloud):
    cloud.offer('far')
    cloud.set('url', None, group='docker_endpoint:far')
    with pytest.raises(errors.InvalidRequest, match='heat.conf'):
        endpoints.find(cloud.context(), 'far')


def test_limits_are_read(cloud):
    cloud.offer('small', max_memory_mb=64, max_pids=10, max_containers=3, host_ports='8000-8010',
                registries=['registry.test'], internal_registries=['10.0.0.5'], max_networks=4, max_volumes=5,
                max_log_mb=6, host_ip='192.0.2.7')
    assert endpoints.find(cloud.context(), 'small').limits == endpoints.Limits(
        containers=3, memory_bytes=64 << 20, pids=10, host_ports=range(8000, 8011),
        registries=frozenset({'registry.test'}), internal_registries=frozenset({'10.0.0.5'}), networks=4, volumes=5,
        log_bytes=6 << 20, host_ip='192.0.2.7')


@pytest.mark.parametrize('text', ['a-b', '1-x', 'x'])
def test_a_wrong_range_of_ports_is_an_error(text):
    with pytest.raises(errors.InvalidRequest, match='FIRST-LAST'):
        endpoints.ports_of(text)


def test_material_is_never_shown():
    material = Material(ca='secret-a', cert='secret-b', key='secret-c')
    endpoint = endpoints.Endpoint(name='e', url='tcp://h:1', level=Level.PRIVILEGED, tls=material)
    assert 'secret' not in f'{material!r}{endpoint!r}'
