# SPDX-License-Identifier: Apache-2.0
"""The table, the targets and the JSON of the bench."""

import json
from collections.abc import Sequence

from bench import figures, table
from bench.engine.row import Measured

_GROWTH = 'ps-500 over ps-125: times as long for four times as many'
_GROWTH_LIMIT = 4.8  # linear is 4; a fifth more is noise


def show(measured: Sequence[Measured]) -> None:
    """Print both tables, then the figures as one line of JSON."""
    rows = [[each.row.what, each.row.unit, *(_cell(each.samples[name]) for name in ('ours', 'dockerd')),
             figures.short(each.ratio)] for each in measured]
    print('\n' + table.render(('median / p90', 'unit', 'ours', 'dockerd', 'ratio'), rows))
    print('\n' + table.render(('target', 'measured', 'wanted', ''), [each.cells() for each in targets(measured)]))
    print('\n' + json.dumps(document(measured)))


def targets(measured: Sequence[Measured]) -> tuple[figures.Target, ...]:
    """What the project promised of these figures, as far as they were measured."""
    ours = {each.row.name: each.samples['ours'] for each in measured}
    growth = (figures.Target(_GROWTH, figures.ratio(ours['ps-500'], ours['ps-125']), _GROWTH_LIMIT, False),) if {
        'ps-500', 'ps-125'} <= ours.keys() else ()
    return (*(each.target for each in measured), *growth)


def document(measured: Sequence[Measured]) -> dict[str, object]:
    """Every figure, by row."""
    return {each.row.name: {
        'unit': each.row.unit, 'ratio': round(each.ratio, 3), 'target': each.row.target, 'met': each.target.met,
        **{name: {'median': round(figures.median(samples), 3), 'p90': round(figures.percentile(samples, 90), 3),
                  'rounds': len(samples)} for name, samples in each.samples.items()}} for each in measured}


def _cell(samples: Sequence[float]) -> str:
    return f'{figures.short(figures.median(samples))} / {figures.short(figures.percentile(samples, 90))}'
