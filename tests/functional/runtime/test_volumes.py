# SPDX-License-Identifier: Apache-2.0
"""Volumes on a real host: what is mounted when, what hostile content cannot do, and what a crash leaves."""

import io
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from nova_container import errors
from nova_container.engine import Mount, MountKind, Sharing
from nova_container.engine import spec as specs
from nova_container.engine.volume import Volume
from nova_container.host import mounts
from nova_container.runtime.engine import RuntimeEngine
from nova_container.runtime.settings import Settings
from tests.conformance.deadline import eventually
from tests.functional.runtime.conftest import opened, spec_of

pytestmark = pytest.mark.root

MEMORY = {'type': 'tmpfs', 'device': 'tmpfs', 'o': 'size=1m'}


def volume(source='', target='/v', **fields):
    return Mount(kind=MountKind.VOLUME, source=source, target=target, **fields)


def said(engine, *command, **fields):
    container = engine.create(spec_of(*command, **fields))
    engine.start(container)
    code = engine.wait(container, timeout_s=20).code
    text = b''.join(chunk.data for chunk in engine.logs(container, specs.LogQuery())).decode()
    engine.remove(container)
    return code, text


@pytest.fixture
def made(engine):
    names = []

    def make(name, **fields):
        names.append(engine.create_volume(Volume(name=name, **fields)).name)
        return engine.inspect_volume(name)

    yield make
    for info in engine.list():
        engine.remove(info.id, force=True)
    for name in names:
        engine.remove_volume(name)


def test_what_options_mount_is_there_while_a_container_is_alive(engine, made):
    folder = made('memory', options=MEMORY).mountpoint
    assert not os.path.ismount(folder)
    container = engine.create(spec_of('sleep', '600', mounts=(volume('memory'),)))
    other = engine.create(spec_of('sleep', '600', mounts=(volume('memory'),)))
    engine.start(container)
    engine.start(other)
    assert os.path.ismount(folder)
    engine.kill(container)
    assert os.path.ismount(folder)
    engine.kill(other)
    eventually(lambda: not os.path.ismount(folder))


def test_a_folder_of_the_host_is_shown_and_never_removed(engine, folder):
    (folder / 'kept').mkdir()
    (folder / 'kept' / 'file').write_text('of the host')
    engine.create_volume(Volume(name='bound', options={'type': 'none', 'o': 'bind', 'device': str(folder / 'kept')}))
    assert said(engine, 'cat', '/v/file', mounts=(volume('bound'),)) == (0, 'of the host')
    engine.remove_volume('bound')
    assert (folder / 'kept' / 'file').read_text() == 'of the host'
    shutil.rmtree(folder / 'kept')


def test_a_folder_of_the_host_is_denied_where_the_operator_says_so(folder):
    with opened(Settings(state_dir=folder / 'state', run_dir=folder / 'run', volume_devices=False)) as engine:
        with pytest.raises(errors.Denied):
            engine.create_volume(Volume(name='bound', options={'type': 'none', 'o': 'bind', 'device': '/etc'}))
        engine.create_volume(Volume(name='memory', options=MEMORY))


@pytest.mark.parametrize('options', [{'size': '1g'}, {'device': '/x'}, {'o': 'bind'}, {'colour': 'blue'}])
def test_wrong_options_are_refused(engine, options):
    with pytest.raises((errors.InvalidSpec, errors.Unsupported)):
        engine.create_volume(Volume(name='wrong', options=options))
    assert 'wrong' not in [info.name for info in engine.list_volumes()]


def test_a_part_of_a_volume_is_shown(engine, made):
    made('parts')
    assert said(engine, 'sh', '-c', 'mkdir -p /v/a/b; echo part > /v/a/b/file', mounts=(volume('parts'),))[0] == 0
    assert said(engine, 'cat', '/v/file', mounts=(volume('parts', subpath='a/b'),)) == (0, 'part\n')
    container = engine.create(spec_of('true', mounts=(volume('parts', subpath='nobody'),)))
    with pytest.raises(errors.InvalidSpec):
        engine.start(container)


@pytest.mark.parametrize('target', ['/etc', '../../../../../../etc', '/v/../../etc'])
def test_a_link_in_a_volume_leads_nowhere_else(engine, made, target):
    made('hostile')
    assert said(engine, 'sh', '-c', f'ln -s {target} /v/way', mounts=(volume('hostile'),))[0] == 0
    container = engine.create(spec_of('sleep', '600', mounts=(volume('hostile', subpath='way'),)))
    with pytest.raises(errors.InvalidSpec):
        engine.start(container)
    with pytest.raises(errors.NotFound):
        engine.stat_path(container, '/v/passwd')


def test_a_link_in_an_image_is_followed_inside(engine, made):
    container = engine.create(spec_of('sh', '-c', 'rm -rf /data; ln -s /etc /data'))
    engine.start(container)
    engine.wait(container, timeout_s=20)
    engine.commit(container, specs.CommitSpec(reference='linked:1'))
    kept = engine.create(spec_of('true', image='linked:1', mounts=(volume(target='/data'),)))
    [mount] = engine.inspect(kept).mounts
    assert 'greeting' in os.listdir(mount.source)  # of the image's own /etc
    assert pathlib.Path(mount.source, 'passwd').read_text().startswith('root:x:0:0:root:/root:/bin/sh')


def test_owners_and_modes_of_the_image_are_kept(engine, made):
    container = engine.create(spec_of('sh', '-c', 'mkdir -p /data/deep; chown 1000:50 /data; chmod 2750 /data; '
                                      'echo x > /data/f; chown 1000 /data/f; ln -s f /data/l; ln /data/f /data/h'))
    engine.start(container)
    engine.wait(container, timeout_s=20)
    engine.commit(container, specs.CommitSpec(reference='owned:1'))
    code, text = said(engine, 'stat', '-c', '%a %u %g', '/data', '/data/f', image='owned:1', volumes=('/data',))
    assert text.splitlines() == ['2750 1000 50', '644 1000 50']
    code, text = said(engine, 'sh', '-c', 'readlink /data/l; stat -c %h /data/f', image='owned:1', volumes=('/data',))
    assert text == 'f\n2\n'


def test_a_missing_folder_of_the_host_is_made_if_asked_for(engine, folder):
    bind = {'kind': MountKind.BIND, 'target': '/host'}
    with pytest.raises(errors.InvalidSpec, match='does not exist'):
        engine.create(spec_of('true', mounts=(Mount(source=str(folder / 'no'), **bind),)))
    assert said(engine, 'touch', '/host/x', mounts=(Mount(source=str(folder / 'new/deep'), make_source=True, **bind),)
                )[0] == 0
    assert (folder / 'new/deep/x').exists()
    shutil.rmtree(folder / 'new')


@pytest.mark.parametrize('propagation', ['rshared', 'rslave', 'rprivate'])
def test_mounts_spread_as_asked(engine, tmp_path, propagation):
    source = tmp_path / 'source'
    source.mkdir()
    mounts.mount_tmpfs(source)
    try:
        subprocess.run(['mount', '--make-shared', source], check=True)
        for name in ('here', 'there'):
            (source / name).mkdir()
        container = engine.create(spec_of(
            'sh', '-c', 'mount -t tmpfs none /source/there && echo mounted && exec sleep 60',
            security=specs.Security(privileged=True),
            mounts=(Mount(kind=MountKind.BIND, source=str(source), target='/source', propagation=propagation),)))
        engine.start(container)
        eventually(lambda: b'mounted' in b''.join(chunk.data for chunk in engine.logs(container, specs.LogQuery())))
        assert mounts.is_mount(source / 'there') == (propagation == 'rshared')
        mounts.mount_tmpfs(source / 'here')
        inside = pathlib.Path(f'/proc/{engine.inspect(container).pid}/mountinfo').read_text()
        assert (' /source/here ' in inside) == (propagation != 'rprivate')
        engine.remove(container, force=True)
    finally:
        mounts.unmount(source, detach=True)


def test_a_monitor_holds_no_mount_that_the_host_lets_go(engine):
    container = engine.create(spec_of('sleep', '60'))
    engine.start(container)
    status = pathlib.Path(f'/proc/{engine.inspect(container).pid}/status').read_text()
    monitor = next(line.split()[1] for line in status.splitlines() if line.startswith('PPid:'))
    assert 'conmon' in pathlib.Path(f'/proc/{monitor}/cmdline').read_text()
    assert os.readlink(f'/proc/{monitor}/ns/mnt') == os.readlink('/proc/self/ns/mnt')


def test_a_failed_create_leaves_no_volume(engine):
    before = {info.name for info in engine.list_volumes()}
    with pytest.raises(errors.ContainerError):
        engine.create(spec_of('true', user='nobody-there', volumes=('/a',), mounts=(volume('fresh'),)))
    assert {info.name for info in engine.list_volumes()} == before


def test_volumes_outlive_the_engine_and_a_lost_database(settings, image_bytes):
    engine = RuntimeEngine(settings)
    engine.open()
    engine.load(io.BytesIO(image_bytes))
    engine.create_volume(Volume(name='kept', labels={'a': 'b'}))
    assert said(engine, 'sh', '-c', 'echo data > /v/file', mounts=(volume('kept'),))[0] == 0
    engine.close()
    with opened(settings) as engine:
        assert engine.inspect_volume('kept').spec.labels == {'a': 'b'}
        assert said(engine, 'cat', '/v/file', mounts=(volume('kept'),)) == (0, 'data\n')
    for left in settings.state_dir.glob('records.db*'):
        left.unlink()
    with opened(settings) as engine:
        assert pathlib.Path(engine.inspect_volume('kept').mountpoint, 'file').read_text() == 'data\n'


def test_what_a_crash_left_mounted_is_unmounted(daemon):
    client = daemon.client()
    client.create_volume(Volume(name='memory', options=MEMORY))
    container = client.create(spec_of('sleep', '600', mounts=(volume('memory'),)))
    client.start(container)
    folder = client.inspect_volume('memory').mountpoint
    daemon.kill()
    assert os.path.ismount(folder)
    os.kill(int(next(daemon.settings.bundles.glob('*/pid')).read_text()), signal.SIGKILL)
    daemon.start()
    eventually(lambda: not os.path.ismount(folder))
    client = daemon.client()
    client.remove(container, force=True)
    client.remove_volume('memory')


def test_shared_memory_is_given_back(engine, settings):
    container = engine.create(spec_of('sleep', '600', sharing=Sharing(ipc='shareable')))
    engine.start(container)
    shm = settings.containers / container[:16] / 'shm'
    assert mounts.is_mount(shm)
    engine.kill(container)
    eventually(lambda: not mounts.is_mount(shm))


@pytest.mark.parametrize('below', [True, False])
def test_a_file_of_the_host_is_bound_read_only(engine, tmp_path, below):
    (tmp_path / 'file').write_text('bound\n')
    bind = Mount(kind=MountKind.BIND, source=str(tmp_path / 'file'), target='/etc/new/file', read_only=True,
                 read_only_below=below)
    assert said(engine, 'sh', '-c', 'cat /etc/new/file; echo x >> /etc/new/file || exit 5', mounts=(bind,)) == (
        5, "bound\nsh: can't create /etc/new/file: Read-only file system\n")


def test_events_tell_once_of_the_use_of_a_volume(engine, made):
    made('told')
    events = engine.events(since=0)
    used, unused = (engine.create(spec_of('true', mounts=(volume('told'),))) for _ in range(2))
    engine.start(used)
    engine.wait(used)
    for container in (unused, used):
        engine.remove(container)
    told = []
    while ('destroy', used) not in told:
        event = next(events)
        told.append((event.action, event.attributes.get('container', event.actor_id)))
    assert [one for one in told if 'mount' in one[0]] == [('mount', used), ('unmount', used)]


def test_events_tell_of_the_use_of_a_volume_though_the_engine_was_killed_meanwhile(daemon):
    client = daemon.client()
    container = client.create(spec_of('sleep', '600', mounts=(volume('told'),)))
    client.start(container)
    daemon.kill()
    daemon.start()
    client = daemon.client()
    events = client.events(since=0)
    client.stop(container, grace_s=0)
    told = []
    while 'die' not in told:
        told.append(next(events).action)
    eventually(lambda: told.append(next(events).action) or 'unmount' in told)
    assert told.count('unmount') == 1
    client.remove(container)
    client.remove_volume('told')
