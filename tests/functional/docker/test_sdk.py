# SPDX-License-Identifier: Apache-2.0
"""The ``docker`` SDK, by its objects, is content with the server."""

import io
import tarfile
import threading
import time

import docker
import pytest
from docker import errors as sdk_errors


@pytest.fixture
def sdk(url, fake):
    client = docker.DockerClient(base_url=url)
    yield client
    client.close()


@pytest.fixture
def running(sdk):
    return sdk.containers.run('busybox', ['sleep', '600'], name='c', detach=True, labels={'l': 'v'})


def test_the_engine_tells_who_it_is(sdk):
    assert sdk.ping()
    assert sdk.version()['ApiVersion'] == '1.51'
    assert sdk.info()['OSType'] == 'linux'
    assert sdk.df()['Images']


def test_a_container_lives(sdk, running):
    assert [container.name for container in sdk.containers.list(filters={'label': 'l=v'})] == ['c']
    assert sdk.containers.get('c').attrs['Config']['Image'] == 'busybox'
    running.pause()
    running.reload()
    assert running.status == 'paused'
    running.unpause()
    running.update(mem_limit='100m', memswap_limit='200m')
    running.rename('d')
    running.restart(timeout=1)
    assert running.top()['Processes']
    running.kill()
    assert running.wait()['StatusCode'] == 137
    running.remove()
    with pytest.raises(sdk_errors.NotFound):
        sdk.containers.get('d')


def test_output_and_code_of_a_run(sdk):
    assert sdk.containers.run('busybox', ['echo', 'hello'], remove=True) == b'hello\n'
    with pytest.raises(sdk_errors.ContainerError) as failure:
        sdk.containers.run('busybox', ['sh', '-c', 'echo bad >&2; exit 3'], remove=True)
    assert failure.value.exit_status == 3


def test_exec(sdk, running):
    for _ in range(20):
        code, output = running.exec_run(['echo', 'hello'])
        assert (code, output) == (0, b'hello\n')
    assert running.exec_run(['sh', '-c', 'echo a; echo b >&2; exit 2'], demux=True) == (2, (b'a\n', b'b\n'))


def test_logs(sdk):
    container = sdk.containers.run('busybox', ['sh', '-c', 'echo one; echo two'], name='c', detach=True)
    container.wait()
    assert container.logs() == b'one\ntwo\n'
    assert container.logs(tail=1) == b'two\n'
    assert b''.join(container.logs(stream=True, follow=True)) == b'one\ntwo\n'


def test_archives(sdk, running):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w') as tar:
        entry = tarfile.TarInfo('new')
        entry.size = 3
        tar.addfile(entry, io.BytesIO(b'abc'))
    assert running.put_archive('/tmp', buffer.getvalue())
    pieces, stat = running.get_archive('/tmp/new')
    assert (stat['name'], stat['size']) == ('new', 3)
    with tarfile.open(fileobj=io.BytesIO(b''.join(pieces))) as tar:
        assert tar.extractfile('new').read() == b'abc'
    assert {'Path': '/tmp/new', 'Kind': 1} in running.diff()
    with tarfile.open(fileobj=io.BytesIO(b''.join(running.export()))) as tar:
        assert tar.getnames()


def test_images(sdk, running):
    made = running.commit('made', '1')
    assert sdk.images.get('made:1').id == made.id
    archive = b''.join(made.save(named=True))
    sdk.images.remove('made:1')
    loaded, = sdk.images.load(archive)
    assert (loaded.id, loaded.tags) == (made.id, ['made:1'])
    loaded.tag('other', 'latest')
    assert {tag for image in sdk.images.list() for tag in image.tags} >= {'made:1', 'other:latest'}
    sdk.images.remove(loaded.id, force=True)
    with pytest.raises(sdk_errors.ImageNotFound):
        sdk.images.get('made:1')


def test_stats_and_events(sdk, running):
    assert running.stats(stream=False)['memory_stats']['usage'] > 0
    threading.Timer(0.3, running.kill).start()
    actions = [event['Action'] for event in sdk.events(decode=True, until=int(time.time()) + 3)]
    assert 'die' in actions


def test_errors_have_their_statuses(sdk, running):
    for status, act in (
            (404, lambda: sdk.containers.create('nobody')), (409, lambda: sdk.containers.create('busybox', name='c')),
            (503, sdk.services.list),
            (404, lambda: sdk.images.pull('alpine', tag='3')), (409, running.remove)):
        with pytest.raises(sdk_errors.APIError) as failure:
            act()
        assert failure.value.response.status_code == status


def test_networks_and_volumes(sdk):
    assert {network.name for network in sdk.networks.list()} == {'bridge', 'none', 'host'}
    assert sdk.volumes.list() == []
