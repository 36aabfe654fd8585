# SPDX-License-Identifier: Apache-2.0
"""Rows about containers: listing many of them, running a command in one, their logs."""

import time

from bench.contender import COMMAND, IMAGE, BenchFailed
from bench.daemons import command, find
from bench.engine.row import Player, Row, Workshop

_FRAME = 8
_LINES = 300_000
_LINE = 'x' * 99
_LOG_MB = _LINES * (len(_LINE) + 1) / 1e6
_LOG_OPTIONS = {'type': 'json-file', 'config': {'max-size': '500m', 'max-file': '2'}}


class Listing(Row):
    """``docker ps --all`` with so many containers."""

    most_rounds = 30

    def __init__(self, count: int) -> None:
        self._count = count
        self.name = f'ps-{count}'
        self.what = f'list of {count} containers'

    def prepare(self, shop: Workshop, player: Player) -> None:
        for number in range(self._count):
            player.api.create(f'listed-{number}')

    def measure(self, player: Player) -> float:
        began = time.perf_counter()
        found = player.api.client.containers(all=True)
        taken = (time.perf_counter() - began) * 1000
        if len(found) != self._count:
            raise BenchFailed(f'{player.name} lists {len(found)} containers of {self._count}')
        return taken


class Exec(Row):
    """A command in a running container: create, start, its output, its exit code."""

    name, what, target, most_rounds = 'exec', 'exec round trip', 3.0, 50

    def prepare(self, shop: Workshop, player: Player) -> None:
        player.api.client.start(player.api.create('executing'))

    def measure(self, player: Player) -> float:
        client = player.api.client
        began = time.perf_counter()
        command = client.exec_create('executing', ['echo', 'word'])['Id']
        said = client.exec_start(command)
        code = client.exec_inspect(command)['ExitCode']
        taken = (time.perf_counter() - began) * 1000
        if (said, code) != (b'word\n', 0):
            raise BenchFailed(f'{player.name} ran echo, which said {said!r} and ended with {code}')
        return taken


class LogWrite(Row):
    """A container that says much as fast as it can, until it has ended."""

    name, what, unit, is_rate, most_rounds = 'log-write', f'{_LOG_MB:.0f} MB of output logged', 'MB/s', True, 5
    _script = f'yes {_LINE} | head -n {_LINES}'

    def prepare(self, shop: Workshop, player: Player) -> None:
        """Each measurement has a container of its own."""

    def measure(self, player: Player) -> float:
        made = _talker(player, 'talking', self._script)
        began = time.perf_counter()
        player.api.client.start(made)
        ended = player.api.client.wait(made)
        taken_s = time.perf_counter() - began
        if ended['StatusCode']:
            raise BenchFailed(f'{player.name}: the container ended with {ended["StatusCode"]}')
        player.api.remove(made)
        return _LOG_MB / taken_s


class LogRead(LogWrite):
    """That log, read from its beginning to its end, by curl: the SDK takes longer than the engines."""

    name, what = 'log-read', f'{_LOG_MB:.0f} MB of log read'

    def prepare(self, shop: Workshop, player: Player) -> None:
        made = _talker(player, 'talked', self._script)
        player.api.client.start(made)
        player.api.client.wait(made)

    def measure(self, player: Player) -> float:
        began = time.perf_counter()
        said = command([find('curl'), '--silent', '--fail', '--unix-socket', str(player.api.sock), '--output',
                        '/dev/null', '--write-out', '%{size_download}',
                        'http://engine/v1.41/containers/talked/logs?stdout=1'])
        taken_s = time.perf_counter() - began
        if int(said) < _LINES * (_FRAME + len(_LINE) + 1):
            raise BenchFailed(f'{player.name} gave {said} bytes of a log of {_LINES} lines')
        return _LOG_MB / taken_s


def _talker(player: Player, name: str, script: str) -> str:
    client = player.api.client
    answer = client.create_container(IMAGE, [*COMMAND[:2], script], name=name,
                                     host_config=client.create_host_config(log_config=_LOG_OPTIONS))
    return str(answer['Id'])


def rows() -> tuple[Row, ...]:
    """All of this file, in the order of the table."""
    return (Listing(125), Listing(500), Exec(), LogWrite(), LogRead())
