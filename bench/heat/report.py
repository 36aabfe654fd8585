# SPDX-License-Identifier: Apache-2.0
"""What the Heat bench found, and how it tells it."""

import dataclasses
from collections.abc import Sequence

from bench import figures, table
from bench.heat.stacks import ASKED, Latencies

_MOST_TIMES, _MOST_ANSWER_S = 1.5, 5.0


@dataclasses.dataclass(slots=True)
class Samples:
    """Seconds of one contender, one of each a round, and those in which Heat answered others meanwhile."""

    up: list[float] = dataclasses.field(default_factory=list)
    down: list[float] = dataclasses.field(default_factory=list)
    answers: Latencies = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(slots=True)
class Shape:
    """Stacks of one shape: of containers, and of resources that do nothing."""

    containers: Samples = dataclasses.field(default_factory=Samples)
    nothing: Samples = dataclasses.field(default_factory=Samples)


@dataclasses.dataclass(slots=True)
class Results:
    """Stacks of ``count`` resources by their shapes, as many containers by the SDK, and answers of a Heat at rest."""

    count: int
    shapes: dict[str, Shape] = dataclasses.field(default_factory=dict)
    script: Samples = dataclasses.field(default_factory=Samples)
    idle: Latencies = dataclasses.field(default_factory=dict)

    def times(self, shape: str) -> float:
        """The stack of containers, as a multiple of the script and of Heat's own together."""
        found = self.shapes[shape]
        return figures.median(found.containers.up) / (
            figures.median(found.nothing.up) + figures.median(self.script.up))


def report(found: Results) -> None:
    """Print the tables and the line of pairs."""
    print('\n' + table.render(('s, median / longest', 'up', 'down'), _rows(found)))
    print('\n' + table.render(('Heat answers others, s, median / longest', *ASKED), _answer_rows(found)))
    print('\n' + table.render(('target', 'measured', 'wanted', ''), [one.cells() for one in targets(found)]))
    print('\n' + figures.pairs(_values(found)))


def targets(found: Results) -> list[figures.Target]:
    """Of each shape that was measured."""
    wanted = []
    for name, shape in found.shapes.items():
        wanted += [
            figures.Target(f"{name}: of the SDK's time and Heat's own together", found.times(name), _MOST_TIMES, False),
            figures.Target(f'{name}: longest answer to others meanwhile', max(_all(shape.containers.answers)),
                           _MOST_ANSWER_S, False, ' s')]
    return wanted


def _rows(found: Results) -> list[list[str]]:
    """The script comes last."""
    rows = {f'{found.count} containers by the SDK, one after the other': found.script}
    for name, shape in reversed(found.shapes.items()):
        rows = {f'{name}: {found.count} containers by Heat': shape.containers,
                f'{name}: {found.count} resources that do nothing': shape.nothing, **rows}
    return [[what, _pair(samples.up), _pair(samples.down)] for what, samples in rows.items()]


def _answer_rows(found: Results) -> list[list[str]]:
    rows = {}
    for name, shape in found.shapes.items():
        rows[f'{name}: while there are containers to do'] = shape.containers.answers
        rows[f'{name}: while there is nothing to do'] = shape.nothing.answers
    rows['at rest'] = found.idle
    return [[what, *(_pair(answers.get(name, [])) for name in ASKED)] for what, answers in rows.items()]


def _values(found: Results) -> dict[str, float]:
    values: dict[str, float] = {'count': found.count}
    for name, shape in found.shapes.items():
        prefix = name.replace('-', '_')
        values[f'{prefix}_times'] = found.times(name)
        for what, samples in (('heat', shape.containers), ('floor', shape.nothing)):
            values |= {f'{prefix}_{what}_up_s': figures.median(samples.up),
                       f'{prefix}_{what}_down_s': figures.median(samples.down),
                       f'{prefix}_{what}_answer_s': figures.median(_all(samples.answers)),
                       f'{prefix}_{what}_answer_s_max': max(_all(samples.answers))}
    return values | {'sdk_up_s': figures.median(found.script.up), 'sdk_down_s': figures.median(found.script.down)}


def _all(answers: Latencies) -> list[float]:
    return [seconds for series in answers.values() for seconds in series]


def _pair(samples: Sequence[float]) -> str:
    return f'{figures.median(samples):.2f} / {max(samples):.2f}' if samples else 'none'
