# SPDX-License-Identifier: Apache-2.0
"""Rows about networks: a published port from another host, and two containers on the default bridge.

The tools of the host (iperf3, ping) run inside the containers' namespaces, so that the image plays no part.
"""

import json
import re
import subprocess
import time
from collections.abc import Callable

from bench.contender import COMMAND, IMAGE, BenchFailed
from bench.daemons import command, find
from bench.engine.row import Player, Row, Workshop

_PORT = 5201
_SECONDS = 2
_PINGS = 300
_GUEST, _GATEWAY = '10.215.0.2', '10.215.0.1'
_AVERAGE = re.compile(r'= [\d.]+/([\d.]+)/')


class PublishedPort(Row):
    """iperf3 from a neighbour of the host to a published port, one TCP stream."""

    name, what, unit, is_rate, most_rounds = 'port', 'published port, one TCP stream', 'Gbit/s', True, 5

    def __init__(self) -> None:
        self._servers: dict[str, subprocess.Popen[bytes]] = {}
        self._ports: dict[str, int] = {}
        self._guest: subprocess.Popen[bytes] | None = None

    def prepare(self, shop: Workshop, player: Player) -> None:
        if self._guest is None:
            self._guest = _neighbour()
        self._ports[player.name] = 15201 + len(self._ports)
        client = player.api.client
        made = client.create_container(
            IMAGE, COMMAND, name='serving', ports=[_PORT],
            host_config=client.create_host_config(port_bindings={_PORT: self._ports[player.name]}))['Id']
        client.start(made)
        self._servers[player.name] = subprocess.Popen(
            [*_inside(player, 'serving'), find('iperf3'), '--server', '--port', str(_PORT)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _await(lambda: self._run(player.name, 1))

    def measure(self, player: Player) -> float:
        return self._run(player.name, _SECONDS)

    def _run(self, name: str, seconds: int) -> float:
        assert self._guest is not None
        said = command([find('nsenter'), f'--net=/proc/{self._guest.pid}/ns/net', find('iperf3'), '--json', '--client',
                        _GATEWAY, '--port', str(self._ports[name]), '--time', str(seconds)])
        found = json.loads(said)
        if 'sum_received' not in found['end']:
            raise BenchFailed(f'iperf3 to the port of {name} failed: {found.get("error", "it does not say why")}')
        return float(found['end']['sum_received']['bits_per_second']) / 1e9

    def finish(self, player: Player) -> None:
        if server := self._servers.pop(player.name, None):
            _end(server)
        if not self._servers and self._guest is not None:
            _end(self._guest)
            self._guest = None
        super().finish(player)


class BridgeLatency(Row):
    """ping from one container to another on the engine's default bridge, the mean round trip."""

    name, what, unit, most_rounds = 'latency', 'ping between containers of the default bridge', 'us', 5

    def __init__(self) -> None:
        self._addresses: dict[str, str] = {}

    def prepare(self, shop: Workshop, player: Player) -> None:
        for name in ('near', 'far'):
            player.api.client.start(player.api.create(name))
        networks = player.api.client.inspect_container('far')['NetworkSettings']['Networks']
        self._addresses[player.name] = str(networks['bridge']['IPAddress'])
        _await(lambda: self._ping(player, 1))

    def measure(self, player: Player) -> float:
        return self._ping(player, _PINGS)

    def _ping(self, player: Player, count: int) -> float:
        said = command([*_inside(player, 'near'), find('ping'), '-q', '-i', '0.002', '-c', str(count), '-W', '2',
                        self._addresses[player.name]])
        found = _AVERAGE.search(said)
        if found is None:
            raise BenchFailed(f'ping said no average: {said[-200:]}')
        return float(found[1]) * 1000


def _inside(player: Player, container: str) -> list[str]:
    pid = player.api.client.inspect_container(container)['State']['Pid']
    return [find('nsenter'), f'--net=/proc/{pid}/ns/net']


def _neighbour() -> 'subprocess.Popen[bytes]':
    """Another host: a network namespace with a process, joined to ours by a veth."""
    child = subprocess.Popen([find('unshare'), '--net', find('sleep'), 'infinity'], stdin=subprocess.DEVNULL)
    ours = command([find('readlink'), '/proc/self/ns/net'])
    _await(lambda: 0.0 if command([find('readlink'), f'/proc/{child.pid}/ns/net']) != ours else _not_yet())
    command(['ip', 'link', 'add', 'guest0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', str(child.pid)])
    command(['ip', 'address', 'add', f'{_GATEWAY}/24', 'dev', 'guest0'])
    command(['ip', 'link', 'set', 'guest0', 'up'])
    inside = [find('nsenter'), f'--net=/proc/{child.pid}/ns/net', 'ip']
    command([*inside, 'address', 'add', f'{_GUEST}/24', 'dev', 'eth0'])
    command([*inside, 'link', 'set', 'eth0', 'up'])
    return child


def _not_yet() -> float:
    raise BenchFailed('It is not there yet')


def _await(attempt: Callable[[], float], timeout_s: float = 15.0) -> None:
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            attempt()
            return
        except BenchFailed:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _end(child: 'subprocess.Popen[bytes]') -> None:
    child.terminate()
    child.wait(10)


def rows() -> tuple[Row, ...]:
    """All of this file, in the order of the table."""
    return (PublishedPort(), BridgeLatency())
