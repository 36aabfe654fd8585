# SPDX-License-Identifier: Apache-2.0
"""Statistics of a bench: samples, targets and the line of names and values it ends with."""

import dataclasses
import statistics
from collections.abc import Mapping, Sequence


def median(samples: Sequence[float]) -> float:
    """The middle value. :raises ValueError: there is no sample."""
    if not samples:
        raise ValueError('A median needs at least one sample')
    return statistics.median(samples)


def percentile(samples: Sequence[float], percent: float) -> float:
    """The value that ``percent`` of the samples do not exceed, by linear interpolation between neighbours.

    :raises ValueError: there is no sample, or the percentage is not from 0 to 100.
    """
    if not samples or not 0 <= percent <= 100:
        raise ValueError(f'Cannot take percentile {percent} of {len(samples)} samples')
    ordered = sorted(samples)
    position = (len(ordered) - 1) * percent / 100
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def ratio(theirs: Sequence[float], ours: Sequence[float]) -> float:
    """How many times as long theirs takes, median over median."""
    return median(theirs) / median(ours)


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """A figure, what it is to be at least or at most, and its unit."""

    what: str
    value: float
    limit: float
    at_least: bool
    unit: str = ''

    @property
    def met(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def cells(self) -> tuple[str, str, str, str]:
        """What, the figure, the target, and whether it was met, as a row of a table."""
        bound = 'at least' if self.at_least else 'at most'
        return (self.what, f'{short(self.value)}{self.unit}', f'{bound} {short(self.limit)}{self.unit}',
                'met' if self.met else 'MISSED')


def short(value: float) -> str:
    """Three significant digits or all before the point, at most three after it; whole numbers as they are."""
    size = abs(value)
    if value == int(value) or size >= 1000:
        return f'{value:.0f}'
    decimals = 1 if size >= 10 else 2 if size >= 1 else 3
    return f'{value:.{decimals}f}'


def pairs(values: Mapping[str, float | str]) -> str:
    """``name=value name=value``, in order."""
    return ' '.join(f'{name}={value if isinstance(value, str) else short(value)}' for name, value in values.items())
