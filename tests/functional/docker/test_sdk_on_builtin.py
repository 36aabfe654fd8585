# SPDX-License-Identifier: Apache-2.0
"""The ``docker`` SDK's objects on the built-in engine: real processes, files, networks, builds and streams."""

import io
import pathlib
import socket
import tarfile
import threading
import time

import docker
import pytest
import websocket
from docker import errors as sdk_errors
from docker import types

from tests.functional.docker.same import places

pytestmark = pytest.mark.root


@pytest.fixture(scope='module')
def place():
    with places.builtin('') as found:
        yield found


@pytest.fixture
def url(place):
    return place.url


@pytest.fixture(scope='module')
def sdk(place):
    client = docker.DockerClient(base_url=place.url, version='auto', timeout=60)
    [image] = client.images.load((place.folder / 'box.tar').read_bytes())
    assert image.tags == ['box:1']
    yield client
    client.close()


@pytest.fixture
def running(sdk):
    container = sdk.containers.run('box:1', ['sleep', '600'], detach=True, labels={'l': 'v'})
    yield container
    container.remove(force=True)


def tar_of(name, content):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w') as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def test_the_newest_version_that_both_speak_is_chosen(sdk):
    assert tuple(map(int, sdk.api.api_version.split('.'))) >= (1, 44)
    assert tuple(map(int, sdk.version()['ApiVersion'].split('.'))) >= (1, 47)


def test_run_returns_output_or_raises(sdk):
    assert sdk.containers.run('box:1', ['echo', 'hello'], remove=True) == b'hello\n'
    assert sdk.containers.run('box:1', 'sh -c "cat /proc/self/comm"', remove=True, mem_limit='64m') == b'cat\n'
    with pytest.raises(sdk_errors.ContainerError) as failure:
        sdk.containers.run('box:1', ['sh', '-c', 'echo bad >&2; exit 3'], remove=True)
    assert (failure.value.exit_status, failure.value.stderr) == (3, b'bad\n')
    with pytest.raises(sdk_errors.ImageNotFound):
        sdk.api.create_container('nobody')
    assert sdk.containers.list(all=True) == []


def test_exec_run_returns_code_and_output(running):
    assert running.exec_run(['sh', '-c', 'echo out; echo err >&2; exit 2'], demux=True) == (2, (b'out\n', b'err\n'))
    assert running.exec_run('id -u', user='tenant').output == b'1000\n'
    assert running.exec_run('pwd', workdir='/tmp').output == b'/tmp\n'
    assert running.exec_run(['sh', '-c', 'echo $A'], environment={'A': 'b'}).output == b'b\n'
    assert b''.join(running.exec_run(['sh', '-c', 'echo one; echo two'], stream=True).output) == b'one\ntwo\n'
    assert running.exec_run('true', user='nobodyknows').exit_code == 126


def test_archives_go_in_and_come_out(running):
    assert running.put_archive('/tmp', tar_of('new', b'abc' * 100_000))
    assert running.exec_run('wc -c /tmp/new').output.split()[0] == b'300000'
    pieces, stat = running.get_archive('/tmp/new')
    assert (stat['name'], stat['size']) == ('new', 300_000)
    with tarfile.open(fileobj=io.BytesIO(b''.join(pieces))) as tar:
        assert tar.extractfile('new').read() == b'abc' * 100_000
    assert {'Path': '/tmp/new', 'Kind': 1} in running.diff()
    with pytest.raises(sdk_errors.NotFound):
        running.get_archive('/no/such')


def test_an_image_is_built_committed_saved_and_removed(sdk, running):
    dockerfile = io.BytesIO(b'FROM box:1\nARG WHO=nobody\nRUN echo $WHO > /who\nLABEL l=v\nCMD ["cat", "/who"]\n')
    image, told = sdk.images.build(fileobj=dockerfile, tag='made:1', buildargs={'WHO': 'me'}, rm=True)
    assert any('Step 1/5' in line.get('stream', '') for line in told)
    assert sdk.containers.run('made:1', remove=True) == b'me\n'
    assert (image.labels, sdk.images.get('made:1').id) == ({'l': 'v'}, image.id)
    with pytest.raises(sdk_errors.BuildError):
        sdk.images.build(fileobj=io.BytesIO(b'FROM box:1\nRUN false\n'))
    made = running.commit('made', '2', changes='ENV A=b')
    assert 'A=b' in made.attrs['Config']['Env']
    archive = b''.join(made.save(named=True))
    sdk.images.remove('made:2')
    [loaded] = sdk.images.load(archive)
    assert loaded.id == made.id
    assert loaded.history()[0]['Id'] == made.id
    for name in ('made:1', 'made:2'):
        sdk.images.remove(name)


def test_networks_connect_containers_by_name(sdk, running):
    network = sdk.networks.create('blue', ipam=types.IPAMConfig(pool_configs=[types.IPAMPool('10.97.1.0/24')]))
    network.connect(running, aliases=['alias'], ipv4_address='10.97.1.9')
    network.reload()
    assert network.containers == [running]
    said = sdk.containers.run('box:1', 'nslookup alias', network='blue', remove=True)
    assert b'10.97.1.9' in said
    network.disconnect(running)
    network.remove()
    assert 'blue' not in {each.name for each in sdk.networks.list()}


def test_a_container_is_made_in_a_network_with_an_address_of_its_own(sdk):
    sdk.networks.create('green', ipam=types.IPAMConfig(pool_configs=[types.IPAMPool('10.97.2.0/24')]))
    wanted = sdk.api.create_endpoint_config(ipv4_address='10.97.2.7', aliases=['seven'])
    container = sdk.containers.create('box:1', 'sleep 600', network='green', networking_config={'green': wanted})
    container.start()
    container.reload()
    assert container.attrs['NetworkSettings']['Networks']['green']['IPAddress'] == '10.97.2.7'
    container.remove(force=True)
    assert sdk.networks.prune()['NetworksDeleted'] == ['green']


def test_a_place_alone_is_a_volume_of_its_own(sdk):
    container = sdk.containers.create('box:1', ['ls', '/kept'], volumes=['/kept'])
    [mount] = container.attrs['Mounts']
    assert (mount['Type'], mount['Destination'], mount['RW']) == ('volume', '/kept', True)
    container.remove(v=True)
    container = sdk.containers.create('box:1', ['touch', '/kept/x'], volumes=['/kept:ro'])
    container.start()
    assert container.wait()['StatusCode'] == 1
    container.remove(v=True)
    assert sdk.volumes.list() == []


def test_volumes_keep_files(sdk):
    volume = sdk.volumes.create('data', labels={'a': 'b'})
    sdk.containers.run('box:1', ['sh', '-c', 'echo kept > /data/file'], volumes=['data:/data'], remove=True)
    mount = types.Mount('/data', 'data', read_only=True)
    said = sdk.containers.run('box:1', 'cat /data/file', mounts=[mount], remove=True)
    assert said == b'kept\n'
    assert [each.name for each in sdk.volumes.list(filters={'label': 'a=b'})] == ['data']
    volume.remove()
    with pytest.raises(sdk_errors.NotFound):
        sdk.volumes.get('data')


def test_a_part_of_a_volume_is_mounted(sdk):
    sdk.volumes.create('parts')
    sdk.containers.run('box:1', ['sh', '-c', 'mkdir /v/a; echo inner > /v/a/file'], volumes=['parts:/v'], remove=True)
    mount = types.Mount('/part', 'parts', subpath='a')
    assert sdk.containers.run('box:1', 'cat /part/file', mounts=[mount], remove=True) == b'inner\n'
    sdk.volumes.get('parts').remove()


def test_events_and_logs_are_streams(sdk):
    seen = []
    events = sdk.events(decode=True, filters={'type': 'container'})
    reader = threading.Thread(target=lambda: seen.extend(event['Action'] for event in events))
    reader.start()
    container = sdk.containers.run('box:1', ['sh', '-c', 'for n in 1 2 3; do echo $n; sleep 0.1; done'], detach=True)
    assert list(container.logs(stream=True, follow=True)) == [b'1\n', b'2\n', b'3\n']
    assert container.wait()['StatusCode'] == 0
    assert container.logs(tail=1) == b'3\n'
    assert container.logs(timestamps=True).split(b' ')[0].endswith(b'Z')
    container.remove()
    deadline = time.monotonic() + 10
    while 'destroy' not in seen and time.monotonic() < deadline:
        time.sleep(0.05)
    events.close()
    reader.join(10)
    assert seen == ['create', 'start', 'die', 'destroy']


def test_stats_are_measured_once_and_in_a_stream(running):
    once = running.stats(stream=False)
    assert once['memory_stats']['usage'] > 0
    assert once['precpu_stats']['cpu_usage']['total_usage'] <= once['cpu_stats']['cpu_usage']['total_usage']
    stream = running.stats(decode=True)
    assert [next(stream)['id'] for _ in range(2)] == [running.id] * 2
    stream.close()


def test_a_session_is_attached_by_websocket(sdk, url):
    """By the library that the SDK uses, which itself does so over tcp only."""
    container = sdk.containers.run('box:1', 'cat', stdin_open=True, detach=True)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(url.removeprefix('unix://'))
        session = websocket.create_connection(
            f'ws://localhost/v1.44/containers/{container.id}/attach/ws?stdin=1&stdout=1&stderr=1&stream=1', socket=sock)
        session.send('typed\n')
        assert session.recv() == b'typed\n'
        session.close()
    container.reload()
    assert container.status == 'running'
    container.remove(force=True)


def test_a_session_is_attached_by_a_socket(sdk):
    container = sdk.containers.run('box:1', 'cat', stdin_open=True, tty=True, detach=True)
    session = container.attach_socket(params={'stdin': 1, 'stdout': 1, 'stream': 1})
    session._sock.sendall(b'typed\n')
    assert session.read(5) == b'typed'
    session.close()
    container.remove(force=True)


def test_prunes_tell_what_is_gone(sdk):
    ended = sdk.containers.run('box:1', ['sh', '-c', 'echo x > /tmp/written'], detach=True)
    ended.wait()
    assert sdk.containers.prune(filters={'until': '1h'})['ContainersDeleted'] is None
    assert sdk.df()['Containers'][0]['SizeRw'] == 2
    gone = sdk.containers.prune()
    assert (gone['ContainersDeleted'], gone['SpaceReclaimed']) == ([ended.id], 2)


def test_the_files_that_a_container_sees_are_told(sdk):
    container = sdk.containers.create('box:1', 'true')
    try:
        told = {key: pathlib.Path(container.attrs[key]) for key in ('HostsPath', 'HostnamePath', 'ResolvConfPath')}
        assert told['HostnamePath'].read_text() == f'{container.id[:12]}\n'
        assert 'localhost' in told['HostsPath'].read_text()
        assert told['ResolvConfPath'].is_file()
    finally:
        container.remove()
