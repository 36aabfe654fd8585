# SPDX-License-Identifier: Apache-2.0
import json
from pathlib import Path

import pytest

from bench.engine import image_rows, network_rows, payload, report
from bench.engine.__main__ import _ROWS, main
from bench.engine.row import Measured, Row, Workshop, measure


class Counting(Row):
    name, what = 'counting', 'a row that counts'
    most_rounds = 3

    def __init__(self):
        self.said = []

    def prepare(self, shop, player):
        self.said.append(f'prepare {player.name}')

    def measure(self, player):
        self.said.append(player.name)
        return float(len(self.said))

    def finish(self, player):
        self.said.append(f'finish {player.name}')


class Player:
    def __init__(self, name):
        self.name = name


def measured(row, ours, dockerd):
    return Measured(row, {'ours': ours, 'dockerd': dockerd})


def test_engines_take_turns_and_the_first_round_is_not_counted():
    row = Counting()
    found = measure(row, Workshop(Path(), None), [Player('ours'), Player('dockerd')], 2, lambda line: None)
    assert row.said == ['prepare ours', 'prepare dockerd', 'dockerd', 'ours', 'ours', 'dockerd', 'dockerd', 'ours',
                        'finish ours', 'finish dockerd']
    assert found.samples == {'ours': [5.0, 8.0], 'dockerd': [6.0, 7.0]}


def test_a_row_is_finished_though_it_failed():
    row = Counting()
    row.measure = None
    with pytest.raises(TypeError):
        measure(row, Workshop(Path(), None), [Player('ours'), Player('dockerd')], 2, lambda line: None)
    assert row.said[-2:] == ['finish ours', 'finish dockerd']


def test_more_is_better_of_a_rate_and_less_of_a_time():
    rate = measured(network_rows.PublishedPort(), [10.0], [5.0])
    duration = measured(image_rows.Load(), [10.0], [5.0])
    assert (rate.ratio, duration.ratio) == (2.0, 0.5)
    assert (rate.target.met, duration.target.met) == (True, False)


def test_the_report_ends_with_json_and_judges_the_growth_of_ps(capsys):
    ps = {row.name: row for row in _ROWS if row.name.startswith('ps-')}
    report.show([measured(ps['ps-125'], [5.0], [6.0]), measured(ps['ps-500'], [30.0], [31.0])])
    lines = capsys.readouterr().out.splitlines()
    assert 'MISSED' in next(line for line in lines if 'as long for four times as many' in line)
    assert json.loads(lines[-1])['ps-500'] == {
        'unit': 'ms', 'ratio': 1.033, 'target': 1.0, 'met': True, 'ours': {'median': 30.0, 'p90': 30.0, 'rounds': 1},
        'dockerd': {'median': 31.0, 'p90': 31.0, 'rounds': 1}}


def test_a_row_that_is_not_there_is_refused_with_the_names_of_those_that_are(capsys):
    with pytest.raises(SystemExit):
        main(['--only', 'nothing'])
    assert 'log-read' in capsys.readouterr().err


def test_a_payload_is_the_same_each_time_and_as_large_as_wanted(tmp_path):
    (tmp_path / 'a').mkdir()
    (tmp_path / 'b').mkdir()
    first, second = (payload.make(tmp_path / name, 'p', (1, 2)) for name in 'ab')
    assert (first.config, first.digests) == (second.config, second.digests)
    assert 3 * payload.MIB < first.plain_bytes < 4 * payload.MIB
