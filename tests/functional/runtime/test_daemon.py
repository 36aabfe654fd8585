# SPDX-License-Identifier: Apache-2.0
"""The daemon killed with 20 containers running: nothing in them may notice, and the next one takes all up."""

import concurrent.futures
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

from nova_container.engine import Status
from nova_container.engine import spec as specs
from nova_container.host import netns
from nova_container.host.links import Links
from tests.conformance.deadline import eventually
from tests.fixtures import busybox_image, leaks
from tests.fixtures.daemon import Daemon
from tests.functional.runtime.conftest import spec_of

pytestmark = pytest.mark.root

COUNTING = 'i=0; while :; do echo $i; i=$((i+1)); usleep 50000; done'


def run(engine, *command, **fields):
    container = engine.create(spec_of(*command, **fields))
    engine.start(container)
    return container


def text_of(engine, container):
    return b''.join(chunk.data for chunk in engine.logs(container, specs.LogQuery())).decode()


def counted(engine, container):
    return [int(line) for line in text_of(engine, container).split('\n')[:-1]]


def touch(engine, container, path):
    assert engine.exec(container, specs.ExecSpec(command=('touch', path))).exit_code == 0


@contextlib.contextmanager
def pinging(one, other):
    """Ping between two namespaces, from outside of containers and daemon; gives a way to end and read it."""
    with Links(one) as here:
        host = f'nf{os.getpid() % 10 ** 6}'
        here.create_veth('eth0', peer_name=host, peer_namespace=pathlib.Path(other), mac='02:00:00:00:00:02', mtu=1500)
    wire(one, 'eth0', '10.9.9.1/24')
    wire(other, host, '10.9.9.2/24')
    child = netns.run_in(pathlib.Path(one), lambda: subprocess.Popen(
        [busybox_image.BUSYBOX, 'ping', '-i', '0.05', '10.9.9.2'], stdout=subprocess.PIPE, text=True))
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def wire(namespace, name, address):
    with Links(pathlib.Path(namespace)) as links:
        links.add_address(name, address)
        links.set_up(name)


def replies_of(child):
    """Sequence numbers answered."""
    child.send_signal(signal.SIGINT)
    return [int(number) for number in re.findall(r'seq=(\d+)', child.communicate(timeout=10)[0])]


def test_a_killed_daemon_is_noticed_by_no_container(daemon):
    engine = daemon.client()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        counting = list(pool.map(lambda _: run(engine, 'sh', '-c', COUNTING), range(4)))
        quiet = list(pool.map(lambda _: run(engine, 'sleep', '600'), range(10)))
    ending = [run(engine, 'sh', '-c', f'while [ ! -e /go ]; do usleep 20000; done; exit {code}') for code in (0, 7, 42)]
    restarted = run(engine, 'sh', '-c', 'while [ ! -e /go ]; do usleep 20000; done; exec sleep 600; exit 1',
                    restart=specs.RestartPolicy(name='always'))
    paused, frozen = run(engine, 'sh', '-c', COUNTING), run(engine, 'sleep', '600')
    engine.pause(paused)
    processes = {info.id: info.pid for info in engine.list()}
    roots = [pathlib.Path(f'/proc/{processes[each]}/root/go') for each in ending]
    before_paused = counted(engine, paused)
    freezer(daemon, frozen, 'FROZEN')  # as a commit would have left it
    with pinging(*map(engine.network_namespace, quiet[:2])) as ping:
        time.sleep(0.2)
        daemon.kill()
        for path in roots:
            path.touch()
        os.kill(processes[restarted], signal.SIGKILL)
        eventually(lambda: all(not os.path.exists(f'/proc/{processes[each]}/root/go') for each in ending))
        took_s = daemon.start()
        replies = replies_of(ping)
    print(f'restart with 20 containers took {took_s:.2f} s')
    assert took_s < 10
    assert replies == list(range(len(replies))) and len(replies) > 5
    now = {info.id: info for info in engine.list()}
    for container in (*counting, *quiet, paused, frozen):
        assert (now[container].pid, now[container].status.alive) == (processes[container], True)
    assert [engine.wait(each, timeout_s=10).code for each in ending] == [0, 7, 42]
    assert now[paused].status is Status.PAUSED
    assert now[frozen].status is Status.RUNNING
    assert freezer(daemon, frozen) == 'THAWED'
    assert counted(engine, paused) == before_paused
    eventually(lambda: engine.inspect(restarted).status is Status.RUNNING)
    assert engine.inspect(restarted).pid != processes[restarted]
    for container in counting:
        seen = len(counted(engine, container))
        eventually(lambda container=container, seen=seen: len(counted(engine, container)) > seen)
        numbers = counted(engine, container)
        assert numbers == list(range(len(numbers)))
    engine.unpause(paused)
    eventually(lambda: len(counted(engine, paused)) > len(before_paused))
    numbers = counted(engine, paused)
    assert numbers == list(range(len(numbers)))
    engine.stop(quiet[0], grace_s=0)
    assert engine.inspect(quiet[0]).exit.code == 137


def freezer(daemon, container, state=None):
    """Set or read the freezer of a container behind the engine's back."""
    version_1 = pathlib.Path(f'/sys/fs/cgroup/freezer{daemon.settings.cgroup_parent}/{container}/freezer.state')
    version_2 = pathlib.Path(f'/sys/fs/cgroup{daemon.settings.cgroup_parent}/{container}/cgroup.freeze')
    if version_1.exists():
        if state is not None:
            version_1.write_text(state)
        return version_1.read_text().strip()
    if state is not None:
        version_2.write_text(str(int(state == 'FROZEN')))
    return 'FROZEN' if version_2.read_text().strip() == '1' else 'THAWED'


def test_a_stopped_daemon_ends_well_and_its_containers_run_on(daemon):
    engine = daemon.client()
    container = run(engine, 'sleep', '600')
    pid = engine.inspect(container).pid
    with engine.attach(container):  # a client that stays
        assert daemon.end(signal.SIGTERM) == 0
    assert not daemon.socket.exists()
    assert pathlib.Path(f'/proc/{pid}').exists()
    daemon.start()
    assert engine.inspect(container).pid == pid


def test_a_second_daemon_refuses_the_state_of_another(daemon):
    second = Daemon(daemon.folder, socket=f'{daemon.folder}/second.sock', log_file=f'{daemon.folder}/second.log')
    ended = subprocess.run(second.argv, capture_output=True, text=True, timeout=30,
                           cwd=pathlib.Path(__file__).parents[3])
    assert ended.returncode == 1
    assert re.fullmatch(rf'nova-container-engine: {daemon.settings.state_dir} is in use by another engine '
                        rf'\(process {daemon.pid}\): [^\n]*\n', ended.stderr)
    assert daemon.client().info().name == 'nova-container-engine'


def test_100_containers_cost_little_memory_and_no_descriptor_for_good(daemon):
    engine = daemon.client()
    engine.remove(run(engine, 'true'), force=True)
    before = leaks.snapshot(daemon.belongings)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        began = time.monotonic()
        containers = list(pool.map(lambda _: run(engine, 'sleep', '600'), range(100)))
        took_s = time.monotonic() - began
        assert engine.info().containers['running'] == 100
        rss, descriptors = daemon.rss_mib(), len(os.listdir(f'/proc/{daemon.pid}/fd'))
        print(f'100 containers: started in {took_s:.1f} s, RSS {rss:.1f} MiB, {descriptors} descriptors')
        assert rss < 80
        list(pool.map(lambda each: engine.remove(each, force=True), containers))
    engine.close()
    leaks.assert_nothing_left(before)
