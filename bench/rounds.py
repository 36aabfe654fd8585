# SPDX-License-Identifier: Apache-2.0
"""The two measurements of starting: contenders in turns, and many containers some at a time."""

import concurrent.futures
import dataclasses
import time
from collections.abc import Callable, Sequence

from bench import contender as contenders
from bench import memory
from bench.contender import BenchFailed, Contender, Started

Tell = Callable[[str], None]


@dataclasses.dataclass(slots=True)
class Samples:
    """Milliseconds of one contender, one of each a round."""

    running: list[float] = dataclasses.field(default_factory=list)
    output: list[float] = dataclasses.field(default_factory=list)
    removed: list[float] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, slots=True)
class Many:
    """Many containers of one contender: seconds until all ran, until all were gone, and KiB while they ran."""

    count: int
    width: int
    up_s: float
    down_s: float
    monitor_pss_kib: float
    daemon_rss_kib: int

    @property
    def rate_per_s(self) -> float:
        return self.count / self.up_s


def take_turns(players: Sequence[Contender], rounds: int, warm_up: int, tell: Tell) -> dict[str, Samples]:
    """One container of each a round, the first one changing; the warm-up is not counted."""
    found = {player.name: Samples() for player in players}
    for number in range(-warm_up, rounds):
        first = number % len(players)
        for player in [*players[first:], *players[:first]]:
            running, output, removed = one(player, f'bench-{number + warm_up}')
            if number >= 0:
                samples = found[player.name]
                samples.running.append(running)
                samples.output.append(output)
                samples.removed.append(removed)
        if number >= 0 and (number + 1) % 5 == 0:
            tell(f'round {number + 1} of {rounds}: ' + ', '.join(
                f'{name} {samples.running[-1]:.0f}/{samples.removed[-1]:.0f}' for name, samples in found.items())
                + ' ms to running/removed')
    return found


def one(player: Contender, name: str) -> tuple[float, float, float]:
    """Milliseconds from create to running, to the first output, and from kill to removed.

    :raises BenchFailed: it said nothing, has no address, does not run, or is still there.
    """
    began = time.perf_counter()
    started = player.run(name)
    running = time.perf_counter()
    said = contenders.await_word(started)
    contenders.check_address(started)
    if not player.is_running(started):
        raise BenchFailed(f'{player.name} does not say that container {name} runs')
    time.sleep(0.02)
    asked = time.perf_counter()
    player.remove(started)
    removed = time.perf_counter()
    if name in player.names() or started.log.exists():
        raise BenchFailed(f'{player.name} did not remove container {name}')
    return (running - began) * 1000, (said - began) * 1000, (removed - asked) * 1000


def many(player: Contender, count: int, width: int) -> Many:
    """So many containers, ``width`` at a time, then all removed, as many at a time."""
    names = [f'many-{width}-{number}' for number in range(count)]
    with concurrent.futures.ThreadPoolExecutor(width) as pool:
        list(pool.map(lambda _: player.names(), range(width)))  # every thread is connected
        began = time.perf_counter()
        started = list(pool.map(player.run, names))
        up_s = time.perf_counter() - began
        for each in started:
            contenders.await_word(each)
            contenders.check_address(each)
        pss_kib, rss_kib = _memory(player, count)
        down_s = _remove_all(player, started, pool)
    return Many(count, width, up_s, down_s, pss_kib, rss_kib)


def _memory(player: Contender, count: int) -> tuple[float, int]:
    time.sleep(0.5)
    found = memory.monitors(f'{player.volatile}/')
    if len(found) != count:
        raise BenchFailed(f'{player.name} has {len(found)} monitors of {count} containers')
    return memory.pss_kib(found) / count, memory.rss_kib(player.daemon_pids())


def _remove_all(player: Contender, started: Sequence[Started], pool: concurrent.futures.Executor) -> float:
    began = time.perf_counter()
    list(pool.map(player.remove, started))
    taken_s = time.perf_counter() - began
    if left := player.names():
        raise BenchFailed(f'{player.name} did not remove {len(left)} containers')
    return taken_s
