# SPDX-License-Identifier: Apache-2.0
"""A Docker that is not ours: what stands in for a namespace between create and start, and whose names count."""

import io
import os
import time

import pytest

from nova_container import errors
from nova_container.docker import infra_image, sandbox
from nova_container.docker.engine import DockerEngine
from nova_container.engine import (
    ContainerSpec, ExecSpec, LogQuery, Mount, MountKind, NetworkMode, NetworkSpec, ProcessSpec, Status)
from tests.conformance.dockerd import running_dockerd
from tests.fixtures import busybox_image

pytestmark = [pytest.mark.root, pytest.mark.dockerd]


@pytest.fixture(scope='module')
def engine(tmp_path_factory):
    path = tmp_path_factory.mktemp('image') / 'box.tar'
    busybox_image.build(path, 'box:1')
    with running_dockerd() as url:
        client = DockerEngine(url)
        with path.open('rb') as archive:
            client.load(archive)
        yield client
        client.close()


@pytest.fixture
def create(engine):
    made = []

    def make(name, *command, **fields):
        made.append(engine.create(ContainerSpec(
            name=name, image='box:1', process=ProcessSpec(command=command or ('sleep', '600')), **fields)))
        return made[-1]

    yield make
    for container in made:
        engine.remove(container, force=True)


def rows(engine):
    return engine.get('/containers/json', query={'all': True})


def test_the_infra_container_is_hidden_and_goes_with_its_workload(engine, create):
    before = engine.info().containers
    container = create('cc', labels={'l': 'v'})
    assert len(rows(engine)) == 2
    listed, = engine.list()
    assert (listed.id, listed.labels, listed.spec.network) == (container, {'l': 'v'}, NetworkSpec())
    assert engine.info().containers['running'] == before['running']
    assert all(infra_image.NAME not in image.references for image in engine.list_images())
    engine.start(container)
    engine.remove(container, force=True)
    assert rows(engine) == []


def test_the_namespace_is_there_before_the_start_and_after_a_restart(engine, create):
    container = create('cc')
    path = engine.network_namespace(container)
    before = os.stat(path).st_ino
    assert engine.inspect(container).status is Status.CREATED
    engine.start(container)
    assert os.stat(f'/proc/{engine.inspect(container).pid}/ns/net').st_ino == before
    engine.restart(container, grace_s=0)
    assert os.stat(f'/proc/{engine.inspect(container).pid}/ns/net').st_ino == before
    assert engine.inspect(container).network_namespace == path


def test_an_infra_container_that_died_is_started_again(engine, create):
    container = create('cc')
    infra = next(row['Id'] for row in rows(engine) if row['Id'] != container)
    engine.do('POST', f'/containers/{infra}/kill')
    engine.start(container)
    assert engine.inspect(container).status is Status.RUNNING


def test_hostname_dns_and_hosts_are_the_workload_s_own(engine, create):
    network = NetworkSpec(dns=('192.0.2.53',), dns_search=('example.org',), extra_hosts=('far:192.0.2.1',))
    container = create('cc', hostname='web', network=network)
    engine.start(container)

    def said(*command):
        return engine.exec(container, ExecSpec(command=command)).stdout.decode()

    assert said('hostname') == 'web\n'
    assert 'nameserver 192.0.2.53' in said('cat', '/etc/resolv.conf')
    assert 'search example.org' in said('cat', '/etc/resolv.conf')
    assert '192.0.2.1\tfar' in said('cat', '/etc/hosts')
    assert engine.inspect(container).spec.hostname == 'web'
    assert engine.inspect(container).spec.network == network


def test_a_failed_create_leaves_no_infra_container(engine, create):
    create('cc')
    for spec, error in ((ContainerSpec(name='cc', image='box:1'), errors.AlreadyExists),
                        (ContainerSpec(name='dd', image='nobody:1'), errors.ImageNotFound)):
        with pytest.raises(error):
            engine.create(spec)
    assert len(rows(engine)) == 2


def test_an_orphan_is_swept_by_a_later_create(engine, create, monkeypatch):
    container = create('cc', 'true', auto_remove=True)
    engine.start(container)
    deadline = time.monotonic() + 10
    while engine.list():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert len(rows(engine)) == 1
    monkeypatch.setattr(sandbox, '_ORPHAN_S', -10)
    create('dd')
    assert len(rows(engine)) == 2


def test_the_network_of_the_host_needs_no_infra_container(engine, create):
    create('cc', network=NetworkSpec(mode=NetworkMode.HOST))
    assert len(rows(engine)) == 1


def test_names_in_an_archive_move_no_tags(engine, tmp_path):
    before = engine.inspect_image('box:1').id
    busybox_image.build(tmp_path / 'evil.tar', 'box:1', files={'/evil': 'x'})
    with (tmp_path / 'evil.tar').open('rb') as archive:
        loaded, = engine.load(archive, reference='glance/1234:latest')
    assert loaded.references == ('glance/1234:latest',)
    assert loaded.id != before
    assert engine.inspect_image('box:1').id == before
    assert engine.remove_image(loaded.id)[0] == 'glance/1234:latest'
    with pytest.raises(errors.UnacceptableImage):
        engine.load(io.BytesIO(b'nonsense'), reference='glance/1234:latest')


def test_options_of_tmpfs_are_kept_and_those_of_binds_refused(engine, create, tmp_path):
    tmpfs = Mount(kind=MountKind.TMPFS, target='/t', size_bytes=1 << 20, mode=0o700, options=('noexec',))
    container = create('cc', mounts=(tmpfs,))
    engine.start(container)
    mounted = engine.exec(container, ExecSpec(command=('grep', ' /t ', '/proc/mounts'))).stdout.decode()
    assert 'noexec' in mounted
    assert 'size=1024k' in mounted
    assert engine.inspect(container).spec.mounts == (tmpfs,)
    with pytest.raises(errors.Unsupported):
        create('dd', mounts=(Mount(kind=MountKind.BIND, source=str(tmp_path), target='/b', options=('noexec',)),))


def test_a_terminal_s_log_and_exec_are_read_as_such(engine):
    container = engine.create(ContainerSpec(name='cc', image='box:1', process=ProcessSpec(
        command=('sh', '-c', 'echo one; echo two; sleep 600'), tty=True)))
    try:
        engine.start(container)
        time.sleep(0.3)
        chunks = list(engine.logs(container, LogQuery()))
        assert [chunk.data.replace(b'\r', b'') for chunk in chunks] == [b'one\n', b'two\n']
        assert all(abs(chunk.time - time.time()) < 60 for chunk in chunks)
        done = engine.exec(container, ExecSpec(command=('tty',), tty=True))
        assert done.stdout.startswith(b'/dev/pts/')
    finally:
        engine.remove(container, force=True)
