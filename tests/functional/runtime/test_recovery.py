# SPDX-License-Identifier: Apache-2.0
"""Parts broken by hand, records damaged, the daemon killed at any moment: verbs fail with a sentence, and recover."""

import contextlib
import io
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

import pytest

from nova_container import errors
from nova_container.engine import Status
from nova_container.engine import spec as specs
from nova_container.host import mounts, pids
from nova_container.runtime import monitor, oci_runtime
from nova_container.runtime.engine import RuntimeEngine
from tests.conformance.deadline import eventually
from tests.fixtures import busybox_image, leaks
from tests.functional.runtime.conftest import opened, spec_of

pytestmark = pytest.mark.root

FINE = 'exec /usr/bin/crun "$@"'
MOODS = {
    'garbage': 'echo "%%% {]"; exit 3',
    'crashing': 'kill -SEGV $$',
    'hanging': 'exec sleep 30',
    'hanging with children': 'sleep 5 & wait',
}


class Runtime:
    """An OCI runtime that is crun, or is in another mood."""

    def __init__(self, path):
        self.path, self._mood = path, path.with_name('mood')
        self.be('fine')

    def be(self, mood):
        self.path.unlink(missing_ok=True)
        if mood == 'missing':
            return
        self.path.write_text('#!/bin/sh\n' + MOODS.get(mood, FINE) + '\n')
        self.path.chmod(0o644 if mood == 'not executable' else 0o755)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(monitor, '_TIMEOUT_S', 0.5)
    monkeypatch.setattr(oci_runtime, '_TIMEOUT_S', 0.5)


@pytest.fixture
def moody(folder, settings, image_bytes, impatient):
    """An engine whose runtime and monitor can be broken."""
    runtime, conmon = Runtime(folder / 'runtime'), folder / 'conmon'
    shutil.copy('/usr/bin/conmon', conmon)
    changed = type(settings)(state_dir=settings.state_dir, run_dir=settings.run_dir, runtime=str(runtime.path),
                             monitor=str(conmon))
    with opened(changed) as engine:
        engine.load(io.BytesIO(image_bytes))
        yield engine, runtime, conmon
        runtime.be('fine')


def run(engine, *command, **fields):
    container = engine.create(spec_of(*command, **fields))
    engine.start(container)
    return container


def snapshot(settings):
    return leaks.snapshot(leaks.Engine(settings.state_dir.parent, settings.cgroup_parent, os.getpid()))


@pytest.mark.parametrize('mood', MOODS)
def test_a_broken_runtime_fails_a_start_and_holds_up_no_removal(moody, settings, mood):
    engine, runtime, _ = moody
    engine.remove(run(engine, 'true'), force=True)
    before = snapshot(settings)
    running, idle = run(engine, 'sleep', '600'), engine.create(spec_of('sleep', '600'))
    runtime.be(mood)
    began = time.monotonic()
    with pytest.raises((errors.HostFailure, errors.Unavailable), match=r'\w+ \w+'):
        engine.start(idle)
    assert engine.inspect(idle).status is Status.CREATED
    assert engine.inspect(running).status is Status.RUNNING
    runtime.be('fine')
    engine.start(idle)
    runtime.be(mood)
    engine.remove(running, force=True)
    engine.remove(idle, force=True)
    assert time.monotonic() - began < 20
    runtime.be('fine')
    leaks.assert_nothing_left(before)


@pytest.mark.parametrize('mood', ['missing', 'not executable'])
def test_a_runtime_that_is_taken_away_is_not_missed_by_an_engine_that_runs(moody, settings, mood):
    """It runs a copy of its own."""
    engine, runtime, _ = moody
    engine.remove(run(engine, 'true'), force=True)
    before = snapshot(settings)
    running = run(engine, 'sleep', '600')
    runtime.be(mood)
    engine.remove(running, force=True)
    engine.remove(run(engine, 'sleep', '600'), force=True)
    runtime.be('fine')
    leaks.assert_nothing_left(before)


def test_a_missing_monitor_fails_a_start(moody):
    engine, _, conmon = moody
    container = engine.create(spec_of('sleep', '600'))
    conmon.rename(conmon.with_name('away'))
    with pytest.raises(errors.HostFailure, match='No such file'):
        engine.start(container)
    conmon.with_name('away').rename(conmon)
    engine.start(container)
    assert engine.inspect(container).status is Status.RUNNING


@pytest.mark.parametrize('missing', ['runtime', 'monitor'])
def test_an_engine_without_its_programs_says_so_at_start(settings, missing):
    values = {'state_dir': settings.state_dir, 'run_dir': settings.run_dir, missing: 'no-such-program'}
    with pytest.raises(errors.HostFailure, match='no-such-program is not installed'):
        RuntimeEngine(type(settings)(**values)).open()


def test_the_end_of_a_container_without_its_monitor_is_noticed(engine, settings):
    container = run(engine, 'sleep', '600')
    kill_monitor(settings, container)
    assert engine.inspect(container).status is Status.RUNNING
    os.kill(engine.inspect(container).pid, signal.SIGKILL)
    ended = engine.wait(container, timeout_s=10)
    assert (ended.code, 'not known' in ended.error) == (255, True)
    engine.start(container)
    assert engine.inspect(container).status is Status.RUNNING


def kill_monitor(settings, container):
    pid = int((settings.bundles / container[:16] / 'monitor.pid').read_text())
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not is_alive(pid))


def is_alive(pid):
    return pids.stat_fields(pid)[:1] not in ([], ['Z'])


def test_a_namespace_removed_by_hand_comes_back_with_the_next_start(engine):
    container = run(engine, 'sleep', '600')
    path = pathlib.Path(engine.network_namespace(container))
    mounts.unmount(path, detach=True)
    assert engine.inspect(container).status is Status.RUNNING
    engine.restart(container, grace_s=0)
    assert mounts.is_mount(path) or path.stat().st_dev == os.stat('/proc/self/ns/net').st_dev
    mounts.unmount(path, detach=True)
    path.unlink()
    engine.stop(container, grace_s=0)
    engine.start(container)
    assert path.stat().st_dev == os.stat('/proc/self/ns/net').st_dev


def test_an_overlay_unmounted_by_hand_holds_up_nothing(engine, settings):
    container = run(engine, 'sleep', '600')
    for mount in mounts.below(settings.containers):
        mounts.unmount(mount, detach=True)
    assert engine.inspect(container).status is Status.RUNNING
    engine.restart(container, grace_s=0)
    assert engine.exec(container, specs.ExecSpec(command=('cat', '/etc/greeting'))).stdout == b'hello\n'
    for mount in mounts.below(settings.containers):
        mounts.unmount(mount, detach=True)
    engine.remove(container, force=True)


def test_a_bundle_deleted_by_hand_holds_up_nothing(engine, settings):
    container = run(engine, 'sleep', '600')
    shutil.rmtree(settings.bundles / container[:16])
    assert engine.inspect(container).status is Status.RUNNING
    engine.stop(container, grace_s=0)
    engine.start(container)
    shutil.rmtree(settings.bundles / container[:16])
    engine.remove(container, force=True)


def test_a_container_that_a_tenant_filled_with_folders_in_folders_is_removed(engine):
    container = run(engine, 'sh', '-c', 'i=0; while [ $i -lt 1500 ]; do mkdir d && cd d; i=$((i+1)); done; sleep 600',
                    cwd='/tmp')
    deep = pathlib.Path(f'/proc/{engine.inspect(container).pid}/cwd')
    eventually(lambda: len(os.readlink(deep)) > 2900)
    with pytest.raises(errors.ContainerError):
        engine.commit(container)
    engine.remove(container, force=True)


def damage(settings, how):
    path = settings.database
    for suffix in ('-wal', '-shm'):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    if how == 'overwritten':
        path.write_bytes(b'\xff' * path.stat().st_size)
    elif how == 'a page':
        content = bytearray(path.read_bytes())
        content[4096:8192] = os.urandom(4096)
        path.write_bytes(content)
    elif how == 'empty':
        os.truncate(path, 0)


@pytest.mark.parametrize('how', ['overwritten', 'a page', 'empty'])
def test_damaged_records_are_kept_aside_and_what_they_named_is_removed(settings, image_bytes, how):
    with opened(settings) as engine:
        (settings.layers / 'init').mkdir()
        before = snapshot(settings)
        (settings.layers / 'init').rmdir()
        engine.load(io.BytesIO(image_bytes))
        running = run(engine, 'sleep', '600')
        engine.create(spec_of('sleep', '600'))
        pid = engine.inspect(running).pid
        engine.close()
        damage(settings, how)
        engine.open()
        assert engine.list() == () and engine.list_images() == ()
        assert len(list(settings.state_dir.glob('records.db.damaged-*'))) == (how != 'empty')
        assert not is_alive(pid)
        for path in settings.state_dir.glob('records.db.damaged-*'):
            path.unlink()
        leaks.assert_nothing_left(before)
        engine.load(io.BytesIO(image_bytes))
        assert engine.inspect(run(engine, 'sleep', '600')).status is Status.RUNNING


def test_records_of_a_newer_version_are_refused_and_nothing_is_touched(settings, image_bytes):
    with opened(settings) as engine:
        engine.load(io.BytesIO(image_bytes))
        pid = engine.inspect(run(engine, 'sleep', '600')).pid
        engine.close()
        set_version(settings, 99)
        with pytest.raises(errors.Unsupported, match='newer version'):
            RuntimeEngine(settings).open()
        assert pathlib.Path(f'/proc/{pid}').exists()
        set_version(settings, 1)
        engine.open()
        assert engine.list()[0].pid == pid


def set_version(settings, number):
    with contextlib.closing(sqlite3.connect(settings.database)) as connection:
        connection.execute(f'PRAGMA user_version = {number}')


def edit_record(settings, container, **changes):
    with contextlib.closing(sqlite3.connect(settings.database)) as connection, connection:
        (text,) = connection.execute('SELECT record FROM containers WHERE id = ?', (container,)).fetchone()
        connection.execute('UPDATE containers SET record = ? WHERE id = ?',
                           (json.dumps({**json.loads(text), **changes}), container))


def test_a_process_that_got_the_pid_of_a_container_is_never_killed(settings, image_bytes):
    foreign = subprocess.Popen(['sleep', '600'])
    try:
        with opened(settings) as engine:
            engine.load(io.BytesIO(image_bytes))
            containers = [run(engine, 'sleep', '600') for _ in range(2)]
            engine.close()
            for container in containers:
                edit_record(settings, container, pid=foreign.pid, started_ticks=12345)
            engine.open()
            engine.remove(containers[0], force=True)
            for info in engine.list():
                assert (info.status, info.exit.code) == (Status.STOPPED, 255)
                engine.remove(info.id, force=True)
            assert foreign.poll() is None
    finally:
        foreign.kill()
        foreign.wait()


def test_a_record_that_cannot_be_read_costs_its_own_container_only(settings, image_bytes):
    with opened(settings) as engine:
        engine.load(io.BytesIO(image_bytes))
        good, bad = run(engine, 'sleep', '600', name='good'), run(engine, 'sleep', '600', name='bad')
        pid = engine.inspect(good).pid
        engine.close()
        edit_record(settings, bad, phase='of the moon')
        engine.open()
        assert [(info.name, info.pid) for info in engine.list()] == [('good', pid)]
        engine.create(spec_of('sleep', '600', name='bad'))


def test_strangers_in_the_folders_do_not_stop_the_engine(settings):
    with opened(settings) as engine:
        engine.close()
        for folder in (settings.containers, settings.bundles, settings.namespaces, settings.exits, settings.staging):
            (folder / 'a file').touch()
        (settings.containers / 'a folder').mkdir()
        (settings.containers / 'a link').symlink_to('/etc')
        engine.open()
        assert not any((*settings.containers.iterdir(), *settings.bundles.iterdir(), *settings.exits.iterdir()))


@pytest.fixture
def small_disk(settings):
    """A state directory of 24 MiB; gives a way to fill it but for some bytes, and to free it."""
    settings.state_dir.mkdir()
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=24m', 'small', settings.state_dir], check=True)
    yield settings.state_dir / 'filler'
    subprocess.run(['umount', '-l', settings.state_dir], check=True)


def fill(filler, spare_bytes):
    stat = os.statvfs(filler.parent)
    with filler.open('wb') as file:
        os.posix_fallocate(file.fileno(), 0, stat.f_bavail * stat.f_bsize - spare_bytes)


def test_a_full_disk_refuses_what_needs_room_and_nothing_else(small_disk, settings, image_bytes, tmp_path):
    busybox_image.build(tmp_path / 'big.tar', 'big:2', files={'/big': os.urandom(1 << 20)})
    big = (tmp_path / 'big.tar').read_bytes()
    with opened(settings) as engine:
        engine.load(io.BytesIO(image_bytes))
        running = run(engine, 'sh', '-c', 'dd if=/dev/urandom of=/big bs=1k count=512 2>/dev/null; sleep 600')
        eventually(lambda: engine.stat_path(running, '/big').size_bytes == 512 << 10)
        ending = run(engine, 'sh', '-c', 'while [ ! -e /tmp/go ]; do usleep 10000; done; exit 5',
                     mounts=(specs.Mount(kind=specs.MountKind.TMPFS, target='/tmp'),))
        before = snapshot(settings)
        for spare in (0, 64 << 10):
            fill(small_disk, spare)
            refused = 0
            for attempt in (lambda: engine.load(io.BytesIO(big)), lambda: engine.commit(running),
                            lambda: [engine.create(spec_of('true')) for _ in range(99)]):
                with pytest.raises(errors.ContainerError) as caught:
                    attempt()
                refused += isinstance(caught.value, errors.Exhausted)
            assert refused == 3
            assert engine.inspect(running).status is Status.RUNNING
            if spare == 0:
                pathlib.Path(f'/proc/{engine.inspect(ending).pid}/root/tmp/go').touch()
                time.sleep(0.1)
            small_disk.unlink()
            for info in engine.list():
                if info.id not in (running, ending):
                    engine.remove(info.id)
        assert engine.wait(ending, timeout_s=20).code == 5
        engine.commit(running, specs.CommitSpec(reference='big:1'))
        engine.remove_image('big:1')
        engine.remove(ending)
        assert [line for line in leaks.differences(before, snapshot(settings)) if ending[:16] not in line
                and line.startswith('+')] == []


def test_a_daemon_killed_at_any_moment_leaves_what_its_records_say(daemon, image_bytes):
    seed = random.randrange(1 << 30)
    print(f'seed {seed}')
    chance = random.Random(seed)
    names = [f'loop-{number}' for number in range(3)]
    client = daemon.client()
    client.remove(run(client, 'true'), force=True)
    before = leaks.snapshot(daemon.belongings)
    for _ in range(12):
        stop = threading.Event()
        workers = [threading.Thread(target=live, args=(daemon, name, stop, image_bytes)) for name in names]
        for worker in workers:
            worker.start()
        stop.wait(chance.uniform(0.05, 0.6))
        daemon.kill()
        stop.set()
        for worker in workers:
            worker.join(30)
            assert not worker.is_alive()
        daemon.start()
        check_as_recorded(daemon)
    for name in names:
        client.remove(name, force=True)
    client.remove_image('loop:1', force=True)
    client.prune_images()
    client.close()
    leaks.assert_nothing_left(before, engine=daemon.belongings)


def live(daemon, name, stop, image_bytes):
    """Every verb again and again, whatever was left of the last time."""
    client = daemon.client()
    with contextlib.closing(client):
        while not stop.is_set():
            with contextlib.suppress(errors.ContainerError):
                client.remove(name, force=True)
                run(client, 'sleep', '600', name=name)
                client.commit(name, specs.CommitSpec(reference='loop:1'))
                client.stop(name, grace_s=0)
                client.load(io.BytesIO(image_bytes))


def check_as_recorded(daemon):
    """What runs is what the engine says runs."""
    client = daemon.client()
    infos = client.list()
    client.close()
    short = {info.id[:16] for info in infos}
    alive = {info.id[:16] for info in infos if info.status.alive}
    settings = daemon.settings
    for folder, expected in ((settings.containers, short), (settings.namespaces, short), (settings.bundles, alive)):
        assert {path.name for path in folder.iterdir()} == expected, folder
    for info in infos:
        assert info.status in (Status.CREATED, Status.RUNNING, Status.STOPPED)
        assert info.pid is None or pathlib.Path(f'/proc/{info.pid}').exists()
    groups = {pathlib.Path(path).name[:16] for path in leaks.snapshot(daemon.belongings).names['cgroup']}
    assert groups == alive
    monitors = pids.having(['--exit-dir', str(settings.exits)])
    assert len(monitors) == len(alive)
