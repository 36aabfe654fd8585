# SPDX-License-Identifier: Apache-2.0
"""Each version of the API is answered in its own words: a field comes and goes where Docker's change log says."""

import pytest

from nova_container.docker.wire import versions
from nova_container.engine import ContainerSpec, NetworkMode, NetworkSpec, ProcessSpec
from nova_container.engine.network import Endpoint, Network
from tests.unit.docker.raw import RawClient


@pytest.fixture
def raw(server, socket_path):
    with RawClient(socket_path) as client:
        yield client


@pytest.fixture
def container(fake):
    fake.add_image('busybox')
    fake.create_network(Network(name='blue'))
    wanted = Endpoint(network='blue', aliases=('alias',), priority=7)
    found = fake.create(ContainerSpec(
        name='c', image='busybox', process=ProcessSpec(command=('sleep', '60')), annotations={'a': 'b'},
        network=NetworkSpec(mode=NetworkMode.MANAGED, endpoints=(wanted,))))
    fake.start('c')
    return found


def at(document, path):
    for name in path.split('/'):
        document = document[int(name) if name.isdigit() else name]
    return document


_CHANGES = [
    ('/containers/c/json', 'NetworkSettings/Networks/blue', 'DNSNames', (1, 44), True),
    ('/containers/c/json', 'NetworkSettings/Networks/blue', 'GwPriority', (1, 48), True),
    ('/containers/json', '0/HostConfig', 'Annotations', (1, 46), True),
    ('/images/busybox/json', '', 'VirtualSize', (1, 44), False),
    ('/images/json', '0', 'VirtualSize', (1, 44), False),
    ('/system/df', 'Images/0', 'VirtualSize', (1, 44), False),
    ('/system/df', '', 'BuilderSize', (1, 42), False),
    ('/images/busybox/json', '', 'ContainerConfig', (1, 45), False),
    ('/images/busybox/json', 'Config', 'Hostname', (1, 50), False),
    ('/networks/blue', '', 'EnableIPv4', (1, 48), True),
    ('/networks', '0', 'EnableIPv4', (1, 48), True),
    ('/info', '', 'BridgeNfIptables', (1, 50), False),
    ('/info', '', 'FirewallBackend', (1, 49), True),
    ('/info', '', 'CDISpecDirs', (1, 44), True),
    ('/info', 'RuncCommit', 'Expected', (1, 49), False),
]


@pytest.mark.parametrize(('path', 'where', 'field', 'version', 'comes'), _CHANGES)
def test_a_field_comes_or_goes_with_a_version(raw, container, path, where, field, version, comes):
    for each, there in ((version, comes), ((1, version[1] - 1), not comes)):
        status, document = raw.document('GET', f'/v{versions.text_of(each)}{path}')
        found = document if not where else at(document, where)
        assert (status, field in found) == (200, there)


@pytest.mark.parametrize('version', [f'1.{minor}' for minor in range(40, versions.NEWEST[1] + 1)])
def test_each_version_that_docker_serves_today_makes_lists_and_removes(raw, container, version):
    def ask(method, path, document=None):
        return raw.document(method, f'/v{version}{path}', document)

    status, made = ask('POST', '/containers/create?name=made', {
        'Image': 'busybox', 'Cmd': ['sleep', '60'], 'HostConfig': {'Memory': 1 << 26, 'NetworkMode': 'none'}})
    assert status == 201
    assert ask('POST', f'/containers/{made["Id"]}/start')[0] == 204
    assert [row['Names'] for row in ask('GET', '/containers/json')[1]] == [['/made'], ['/c']]
    assert ask('GET', '/containers/made/json')[1]['State']['Running']
    for path in ('/info', '/version', '/images/json', '/networks', '/volumes', '/system/df', '/images/busybox/history'):
        assert ask('GET', path)[0] == 200
    assert ask('DELETE', '/containers/made?force=1')[0] == 204


def test_aliases_lose_the_short_id_that_names_gain(raw, container):
    def endpoint(version):
        document = raw.document('GET', f'/v{version}/containers/c/json')[1]
        return document['NetworkSettings']['Networks']['blue']

    assert endpoint('1.43')['Aliases'] == ['alias', container[:12]]
    assert (endpoint('1.45')['Aliases'], endpoint('1.45')['DNSNames']) == (['alias'], ['c', 'alias', container[:12]])


def test_users_of_images_are_counted_since_1_51(raw, container):
    assert raw.document('GET', '/v1.50/images/json')[1][0]['Containers'] == -1
    assert raw.document('GET', '/v1.51/images/json')[1][0]['Containers'] == 1


def test_named_volumes_are_pruned_before_1_42(raw, fake):
    raw.document('POST', '/v1.42/volumes/create', {'Name': 'named'})
    assert raw.document('POST', '/v1.42/volumes/prune')[1]['VolumesDeleted'] == []
    assert raw.document('POST', '/v1.41/volumes/prune')[1]['VolumesDeleted'] == ['named']


def test_without_a_version_the_newest_is_spoken(raw, container):
    assert raw.document('GET', '/info') [1].keys() == raw.document('GET', '/v1.51/info')[1].keys()


@pytest.mark.parametrize(('query', 'status'), [
    ('', 200), ('?platform=%7B%22os%22%3A%22linux%22%7D', 200),
    ('?platform=%7B%22architecture%22%3A%22riscv64%22%7D', 404), ('?platform=nonsense', 400)])
@pytest.mark.parametrize('verb', ['json', 'history', 'get'])
def test_another_platform_of_an_image_is_not_here(raw, container, verb, query, status):
    assert raw.ask('GET', f'/images/busybox/{verb}{query}')[0] == status


def test_other_verbs_over_images_ask_for_the_platform_too(raw, container):
    other = '%7B%22architecture%22%3A%22riscv64%22%7D'
    assert raw.ask('GET', f'/images/get?names=busybox&platform={other}')[0] == 404
    assert raw.ask('POST', f'/images/busybox/push?tag=latest&platform={other}')[0] == 404
    assert raw.ask('DELETE', f'/images/busybox?platforms={other}')[0] == 404
    assert raw.ask('POST', f'/images/load?platform={other}', b'')[0] == 501
    assert raw.ask('GET', '/images/busybox/json')[0] == 200


@pytest.mark.parametrize(('platform', 'status'), [('linux', 201), ('linux/amd64', 201), ('linux/x86_64', 201),
                                                  ('linux/riscv64', 404), ('windows', 404)])
def test_a_container_of_another_platform_is_not_made(raw, container, platform, status):
    assert raw.document('POST', f'/containers/create?platform={platform}', {'Image': 'busybox'})[0] == status
