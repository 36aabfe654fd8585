# SPDX-License-Identifier: Apache-2.0
"""The fork server and its clients: real processes, which end with those who asked for them or before."""

import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import tarfile
import threading

import pytest

from nova_container import errors
from nova_container.host import forks
from nova_container.host.forks import ForkServer
from nova_container.image import fork_server, treetar, unpack
from tests.conformance.deadline import eventually

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason='what is shut into a tree needs root')]


@pytest.fixture
def server():
    made = ForkServer(fork_server.argv())
    yield made
    made.close()


@pytest.fixture
def tree(tmp_path):
    (tmp_path / 'tree').mkdir()
    (tmp_path / 'tree' / 'file').write_text('content')
    return tmp_path / 'tree'


def children(pid):
    """Pids of the processes below one."""
    return [int(child) for child in pathlib.Path(f'/proc/{pid}/task/{pid}/children').read_text().split()]


def servers():
    """Pids of fork servers below this process."""
    return [pid for pid in children(os.getpid())
            if 'fork_server' in pathlib.Path(f'/proc/{pid}/cmdline').read_text()]


@pytest.fixture
def silent():
    """A pipe into which nothing is written: who reads it waits."""
    reader, writer = os.pipe()
    yield reader
    os.close(reader)
    os.close(writer)


def test_output_errors_and_codes_are_those_of_the_work(server, tree):
    assert json.loads(server.output(treetar.words_for_stat(tree, '/file')))['size'] == 7
    with pytest.raises(errors.NotFound):
        treetar.parse_stat(server.output(treetar.words_for_stat(tree, '/none')))
    fork = server.spawn(treetar.words_for(tree, '/none'), stdout=forks.PIPE, stderr=forks.PIPE)
    assert (fork.stdout.read(), json.loads(fork.stderr.read())['error'], fork.wait(5)) == (b'', 'not_found', 1)
    fork.close()


def test_what_is_read_and_written_passes_whole(server, tree, tmp_path):
    content = os.urandom(3 << 20)
    (tree / 'large').write_bytes(content)
    fork = server.spawn(treetar.words_for(tree, '/large'), stdout=forks.PIPE, stderr=forks.PIPE)
    packed = b''.join(iter(lambda: fork.stdout.read(1 << 16), b''))
    assert fork.wait(5) == 0
    fork.close()
    (tmp_path / 'other').mkdir()
    words = unpack.words_for_tree(tmp_path / 'other', '/', unpack.UnpackLimits())
    unpack.parse_output(server.feed(words, source=io.BytesIO(packed), timeout_s=10))
    assert (tmp_path / 'other' / 'large').read_bytes() == content


def test_one_server_does_all_and_each_work_is_shut_in_alone(server, tmp_path):
    roots = [tmp_path / str(number) for number in range(20)]
    for root in roots:
        root.mkdir()
        (root / root.name).write_text('x' * int(root.name))

    def look(root, found):
        found.append(json.loads(server.output(treetar.words_for_stat(root, f'/{root.name}')))['size'])

    found, threads = [], []
    server.output(treetar.words_for_stat(tmp_path, '/'))
    for root in roots:
        threads.append(threading.Thread(target=look, args=(root, found)))
        threads[-1].start()
    for thread in threads:
        thread.join(30)
    assert sorted(found) == list(range(20))
    assert len(servers()) == 1


def test_a_child_holds_three_descriptors_and_few_capabilities(server, tree, silent):
    fork = server.spawn(unpack.words_for_tree(tree, '/', unpack.UnpackLimits()), stdin=silent, stdout=forks.PIPE)
    other = server.spawn(unpack.words_for_tree(tree, '/', unpack.UnpackLimits()), stdin=silent, stdout=forks.PIPE)
    (parent,) = servers()
    try:
        eventually(lambda: [os.readlink(f'/proc/{pid}/root') for pid in children(parent)] == [str(tree)] * 2)
        for pid in children(parent):
            assert {name for name in os.listdir(f'/proc/{pid}/fd') if int(name) < 3} == {'0', '1', '2'}
            inside = [os.readlink(f'/proc/{pid}/fd/{name}') for name in os.listdir(f'/proc/{pid}/fd')]
            assert not any(target.startswith('socket:') or 'pidfd' in target for target in inside)
            status = pathlib.Path(f'/proc/{pid}/status').read_text()
            assert 'NoNewPrivs:\t1' in status
            bounds = int(status.split('CapBnd:\t')[1].split()[0], 16)
            assert bounds == int(status.split('CapEff:\t')[1].split()[0], 16) and bounds.bit_count() == 8
    finally:
        fork.close()
        other.close()


def test_what_hangs_is_killed_in_time(server, tree, silent):
    with pytest.raises(errors.Unavailable, match=r'unpack did not end within 0\.3 s and was killed'):
        server.output(unpack.words_for_tree(tree, '/', unpack.UnpackLimits()), stdin=silent, timeout_s=0.3)
    (parent,) = servers()
    assert children(parent) == []


def test_what_the_watcher_raises_ends_the_work(server, tree, silent):

    def tick():
        raise KeyError('halt')

    with pytest.raises(KeyError):
        server.watched(unpack.words_for_tree(tree, '/', unpack.UnpackLimits()), stdin=silent, tick=tick,
                       timeout_s=9)
    (parent,) = servers()
    assert children(parent) == []


def test_a_source_that_fails_leaves_no_child(server, tree):
    class Broken:
        def read(self, _):
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        server.feed(unpack.words_for_tree(tree, '/', unpack.UnpackLimits()), source=Broken(), timeout_s=10)
    (parent,) = servers()
    assert children(parent) == []


def test_work_that_reads_no_more_is_fed_no_more(server, tree):
    source = io.BytesIO(b'no tar at all' + bytes(1 << 22))
    with pytest.raises(errors.ContainerError):
        unpack.parse_output(server.feed(unpack.words_for_tree(tree, '/', unpack.UnpackLimits()), source=source,
                                        timeout_s=10))


def test_a_killed_server_is_replaced_and_its_work_is_as_killed(server, tree, silent):
    fork = server.spawn(unpack.words_for_tree(tree, '/', unpack.UnpackLimits()), stdin=silent, stdout=forks.PIPE)
    (parent,) = servers()
    (orphan,) = children(parent)
    os.kill(parent, signal.SIGKILL)
    assert fork.wait(5) == -signal.SIGKILL
    assert json.loads(server.output(treetar.words_for_stat(tree, '/file')))['size'] == 7
    assert parent not in servers()
    fork.kill()
    fork.close()
    eventually(lambda: not os.path.exists(f'/proc/{orphan}/root'))


def test_a_server_that_ended_for_want_of_work_is_replaced(tree):
    hasty = 'import main; import nova_container.image.fork_server as own; own._IDLE_S = 0.05;'
    quick = [word.replace('import main;', hasty) for word in fork_server.argv()]
    server = ForkServer(quick)
    try:
        for _ in range(5):
            assert json.loads(server.output(treetar.words_for_stat(tree, '/file')))['size'] == 7
            eventually(lambda: servers() == [])
    finally:
        server.close()


def test_the_server_ends_with_the_process_that_started_it(tree):
    script = ('import sys, time; from nova_container.host.forks import ForkServer; '
              'from nova_container.image import fork_server, treetar; '
              f'ForkServer(fork_server.argv()).output(treetar.words_for_stat({str(tree)!r}, "/")); '
              'print("ready", flush=True); time.sleep(60)')
    with subprocess.Popen([sys.executable, '-c', script], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b'ready\n'
        (parent,) = children(process.pid)
        process.kill()
    eventually(lambda: not os.path.exists(f'/proc/{parent}'))


def test_nothing_stays_open(server, tree, silent):
    server.output(treetar.words_for_stat(tree, '/'))
    before = sorted(os.listdir('/proc/self/fd'))
    for _ in range(3):
        server.output(treetar.words_for_stat(tree, '/'))
        with pytest.raises(errors.Unavailable):
            server.output(unpack.words_for_tree(tree, '/', unpack.UnpackLimits()), stdin=silent, timeout_s=0.05)
    assert sorted(os.listdir('/proc/self/fd')) == before


def test_words_are_bounded_and_may_be_no_utf_8(server, tree):
    with pytest.raises(errors.InvalidRequest, match='too long'):
        server.output(treetar.words_for_stat(tree, '/' + 'x' * 70_000))
    (tree / 'odd\udcff').write_text('12345')
    assert json.loads(server.output(treetar.words_for_stat(tree, '/odd\udcff')))['size'] == 5


def test_a_server_that_cannot_start_says_so(tree):
    for argv, error in ((['/nowhere'], errors.CommandFailed), (['true'], errors.HostFailure)):
        server = ForkServer(argv)
        with pytest.raises(error):
            server.output(treetar.words_for_stat(tree, '/'))
        server.close()


def test_the_server_does_not_grow_with_its_work(server, tmp_path):
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode='w') as tar:
        for number in range(300):
            tar.addfile(tarfile.TarInfo(f'f{number}'))
    words = unpack.words_for_tree(tmp_path, '/', unpack.UnpackLimits())
    server.feed(words, source=io.BytesIO(archive.getvalue()), timeout_s=30)
    (parent,) = servers()

    def rss_kib():
        return int(pathlib.Path(f'/proc/{parent}/status').read_text().split('VmRSS:')[1].split()[0])

    before = rss_kib()
    for _ in range(20):
        server.feed(words, source=io.BytesIO(archive.getvalue()), timeout_s=30)
    assert rss_kib() < before + 1024
