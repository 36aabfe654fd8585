# SPDX-License-Identifier: Apache-2.0
"""Twenty servers at once, and what they notice when nova-compute and the engine are killed: nothing."""

import contextlib
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud.host import Host
from tests.cloud.project import Project, addresses, wait_for

COUNT = 20
COUNTER = json.dumps(['/bin/sh', '-c',
                      'trap "exit 7" USR1; i=0; while :; do i=$((i+1)); echo line $i; usleep 50000; done'])


@pytest.fixture(scope='module')
def image(shared: Project, host: Host) -> str:
    return shared.upload(host.home / 'images' / 'demo-httpd.tar')


@pytest.fixture(scope='module')
def servers(shared: Project, host: Host, image: str) -> list[Any]:
    """Twenty on a new image; the last one counts until it is told to end."""
    name = shared.name('many')
    shared.request(image, name=name, min_count=COUNT - 1)
    counter = shared.request(image, metadata={'container:entrypoint': COUNTER})
    wait_for('twenty are there', lambda: len(list(shared.compute.servers(name=name, details=False))) == COUNT - 1)
    plain = [one.id for one in shared.compute.servers(name=name, details=False)]
    return [shared.await_status(one, timeout_s=180) for one in (*plain, counter.id)]


@contextlib.contextmanager
def pinged(host: Host, address: str) -> Iterator[list[int]]:
    """Ping from the router five times a second while in the block; then the numbers that got no answer."""
    lost: list[int] = []
    with tempfile.TemporaryFile('w+') as said:
        ping = subprocess.Popen(host.router_argv('ping', '-n', '-i', '0.2', address), stdout=said, stderr=said)
        try:
            time.sleep(1)
            yield lost
            time.sleep(1)
        finally:
            ping.send_signal(signal.SIGINT)
            ping.wait(10)
        said.seek(0)
        answered = {int(number) for number in re.findall(r'icmp_seq=(\d+) ttl', said.read())}
    assert answered, 'nothing answered'
    lost += sorted(set(range(1, max(answered) + 1)) - answered)


def test_all_are_active_and_the_image_was_fetched_once(servers, shared, host, image, log_offsets):
    assert len({address for server in servers for address in addresses(server)}) == COUNT
    taken_in = re.findall(rf'Image {shared.id_of("image", image)} taken in',
                          host.log_since('nova-compute', log_offsets['nova-compute']))
    assert len(taken_in) == 1


def test_a_killed_nova_compute_disturbs_none_of_them(servers, shared, host, containers):
    before = {server.id: containers.pid(server.id) for server in servers}
    with pinged(host, addresses(servers[0])[0]) as lost:
        host.kill('nova-compute')
        host.restart('nova-compute')
    assert lost == []
    assert {server.id: containers.pid(server.id) for server in servers} == before
    assert {shared.compute.get_server(server.id).status for server in servers} == {'ACTIVE'}


def test_a_killed_engine_disturbs_none_of_them_and_learns_what_ended_meanwhile(servers, shared, host, containers):
    counter = servers[-1]
    before = {server.id: containers.pid(server.id) for server in servers}
    with pinged(host, addresses(servers[0])[0]) as lost:
        host.kill('engine')
        time.sleep(1)
        os.kill(before[counter.id], signal.SIGUSR1)
        time.sleep(1)
        host.restart('engine')
    assert lost == []
    after = {server.id: containers.pid(server.id) for server in servers[:-1]}
    assert after == {server.id: before[server.id] for server in servers[:-1]}
    assert containers.inspect(counter.id)['State']['ExitCode'] == 7
    shared.await_status(counter.id, 'SHUTOFF', timeout_s=30)
    assert {shared.compute.get_server(server.id).status for server in servers[:-1]} == {'ACTIVE'}


def test_the_console_log_has_no_gap(servers, containers):
    text = containers.client.containers.get(servers[-1].id).logs().decode()
    numbers = [int(line.split()[1]) for line in text.splitlines()]
    assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) > 50


def test_all_are_deleted_at_once(servers, shared):
    shared.delete(*(server.id for server in servers))
