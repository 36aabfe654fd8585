# SPDX-License-Identifier: Apache-2.0
"""A thousand containers at once (``make test-thousand``), or 150 in the run of all tests: nothing slows down."""

import concurrent.futures
import contextlib
import io
import os
import statistics
import time

import docker as sdk
import pytest

from nova_container.docker.engine import DockerEngine
from nova_container.engine import ExecSpec, Status
from tests.fixtures import leaks
from tests.fixtures.daemon import Daemon
from tests.functional.runtime.conftest import spec_of

pytestmark = [pytest.mark.root, pytest.mark.timeout(900)]

WIDTH = 4
LAST = 10


@pytest.fixture
def count():
    return int(os.environ.get('NOVA_CONTAINER_MANY', '150'))


@pytest.fixture
def daemon(folder, image_bytes):
    made = Daemon(folder, prefix=('unshare', '--net'))
    made.start()
    with contextlib.closing(made.client()) as client:
        client.load(io.BytesIO(image_bytes))
        client.remove(client.create(spec_of('true')))
    yield made
    with contextlib.closing(made.client()) as client:
        for container in client.list():
            client.remove(container.id, force=True)
    made.end()


def test_all_of_many_containers_answer_and_outlive_the_daemon(daemon, count):
    before = leaks.snapshot(daemon.belongings)
    names = [f'many-{number}' for number in range(count)]
    durations_s = on_clients(daemon, start, names)
    quickest_s = statistics.median(durations_s[:LAST])
    slowest_s = statistics.median(durations_s[-LAST:])
    rss_mib, listing_s = daemon.rss_mib(), time_of_list(daemon, count)
    assert on_clients(daemon, answer, names) == names

    daemon.kill()
    restart_s = daemon.start()
    with contextlib.closing(daemon.client()) as client:
        assert sum(each.status is Status.RUNNING for each in client.list()) == count
    assert on_clients(daemon, answer, names[::10]) == names[::10]
    after_mib = daemon.rss_mib()

    began = time.monotonic()
    on_clients(daemon, remove, names)
    print(f'\n{count} containers: start {quickest_s * 1000:.0f} ms at first, {slowest_s * 1000:.0f} ms at last; list '
          f'{listing_s * 1000:.0f} ms; daemon {rss_mib:.0f} MiB, a new one {after_mib:.0f} MiB, up in {restart_s:.1f} '
          f's; removed in {time.monotonic() - began:.1f} s')
    leaks.assert_nothing_left(before, within_s=30, engine=daemon.belongings)
    assert slowest_s < 2 * quickest_s + (0 if count >= 1000 else 0.05)  # fewer are too few to tell from noise
    assert listing_s < 1
    assert max(rss_mib, after_mib) < 200
    assert restart_s < 30


def on_clients(daemon, work, names):
    """The results of ``work(client, name)`` in order, some at a time."""
    with contextlib.ExitStack() as stack, concurrent.futures.ThreadPoolExecutor(WIDTH) as pool:
        clients = [stack.enter_context(contextlib.closing(daemon.client())) for _ in range(WIDTH)]
        return list(pool.map(lambda pair: work(clients[pair[0] % WIDTH], pair[1]), enumerate(names)))


def start(client: DockerEngine, name):
    began = time.monotonic()
    client.create(spec_of('sleep', '9000', name=name))
    client.start(name)
    return time.monotonic() - began


def answer(client, name):
    """What an exec in it says."""
    with client.start_exec(client.create_exec(name, ExecSpec(command=('echo', name)))) as session:
        said = b''
        while (chunk := session.read()) is not None:
            said += chunk[1]
    return said.decode().strip()


def remove(client, name):
    client.remove(name, force=True)


def time_of_list(daemon, count):
    """Seconds that ``docker ps --all`` waits, the median of a few times."""
    with contextlib.closing(sdk.APIClient(f'unix://{daemon.socket}', version='auto')) as client:
        taken_s = []
        for _ in range(5):
            began = time.monotonic()
            assert len(client.containers(all=True)) == count
            taken_s.append(time.monotonic() - began)
        return statistics.median(taken_s)
