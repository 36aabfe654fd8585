# SPDX-License-Identifier: Apache-2.0
"""A row of the bench, and how it is measured: some rounds, in each of which every engine has its turn."""

import abc
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import figures
from bench.builtin import Builtin
from bench.dockerd import Dockerd
from bench.engine.payload import Payload
from bench.engine.registry import Registry

Player = Builtin | Dockerd
Tell = Callable[[str], None]


@dataclasses.dataclass(slots=True)
class Workshop:
    """What rows share: a folder, a registry, and the images that rows want, made when the first one asks."""

    folder: Path
    registry: Registry
    payloads: dict[str, Payload] = dataclasses.field(default_factory=dict)


class Row(abc.ABC):
    """One thing that engines do. ``is_rate``: more is better; else it is milliseconds, and less is."""

    name: str
    what: str
    unit = 'ms'
    is_rate = False
    target = 1.0
    most_rounds = 1000

    @abc.abstractmethod
    def prepare(self, shop: Workshop, player: Player) -> None:
        """Make what the measurement needs, outside of the time."""

    @abc.abstractmethod
    def measure(self, player: Player) -> float:
        """Do it once, in ``unit``. :raises BenchFailed: it was not done, or not as it should be."""

    def finish(self, player: Player) -> None:
        """Remove what is left of it."""
        player.api.remove_all()


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """A row with its samples by engine."""

    row: Row
    samples: dict[str, list[float]]

    @property
    def ratio(self) -> float:
        """How many times better ours is than dockerd, median over median."""
        ours, theirs = self.samples['ours'], self.samples['dockerd']
        return figures.ratio(ours, theirs) if self.row.is_rate else figures.ratio(theirs, ours)

    @property
    def target(self) -> figures.Target:
        return figures.Target(f'{self.row.name}: times as good as dockerd', self.ratio, self.row.target, True)


def measure(row: Row, shop: Workshop, players: Sequence[Player], rounds: int, tell: Tell) -> Measured:
    """Take turns, the first one changing; the first round is not counted."""
    tell(f'{row.name}: {row.what}')
    samples: dict[str, list[float]] = {player.name: [] for player in players}
    for player in players:
        row.prepare(shop, player)
    try:
        count = min(rounds, row.most_rounds)
        for number in range(-1, count):
            first = number % len(players)
            for player in [*players[first:], *players[:first]]:
                value = row.measure(player)
                if number >= 0:
                    samples[player.name].append(value)
            if number >= 0 and ((number + 1) % 5 == 0 or number + 1 == count):
                tell(f'{row.name}, round {number + 1} of {count}: ' + ', '.join(
                    f'{name} {figures.short(each[-1])}' for name, each in samples.items()) + f' {row.unit}')
    finally:
        for player in players:
            row.finish(player)
    return Measured(row, samples)
