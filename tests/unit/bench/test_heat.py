# SPDX-License-Identifier: Apache-2.0
"""What bench-heat asks for, and how it tells what it found."""

import time

import pytest

from bench.heat import report as heat_report
from bench.heat import templates as heat_templates
from bench.contender import BenchFailed
from bench.heat.report import Results, Samples, Shape
from bench.heat.stacks import ASKED, Visitor
from tests.unit.heat import own_conf

with own_conf.swapped():  # another project's tests may share this process
    from heat.common import template_format
    from heat.engine import template as templates

ANSWERS = {name: [0.1, 0.3] for name in ASKED}


def first_and_last(template):
    resources = dict(template['resources'])
    return resources.pop('first'), resources.pop('last'), resources


def test_a_plain_stack_is_a_list_of_the_same():
    made = heat_templates.containers(heat_templates.PLAIN, 100, 'demo:latest', 'local')['resources']
    assert len(made) == 100
    assert {str(one) for one in made.values()} == {str(
        {'type': 'OS::Docker::Container', 'properties': {'endpoint': 'local', 'image': 'demo:latest'}})}


@pytest.mark.parametrize('make', [
    lambda shape: heat_templates.containers(shape, 3, 'demo:latest', 'local'),
    lambda shape: heat_templates.nothing(shape, 3)])
def test_all_of_a_stack_that_begins_at_once_wait_for_the_first_and_the_last_waits_for_them(make):
    first, last, others = first_and_last(make(heat_templates.AT_ONCE))
    assert 'depends_on' not in first
    assert {one['depends_on'] for one in others.values()} == {'first'} and len(others) == 3
    assert last['depends_on'] == list(others)


@pytest.mark.parametrize('made', [
    heat_templates.small(), *(heat_templates.nothing(shape, 2) for shape in heat_templates.SHAPES)])
def test_heat_reads_the_templates(made):
    with own_conf.swapped():
        template_format.validate_template_limit(str(made))
        assert templates.Template(made).validate() is None


def found(containers, *, longest=0.3):
    answers = {**ANSWERS, ASKED[0]: [0.1, longest]}
    shape = Shape(containers=Samples([containers, containers], [5.0], answers),
                  nothing=Samples([10.0], [4.0], ANSWERS))
    return Results(count=100, shapes={heat_templates.AT_ONCE: shape}, script=Samples([2.0, 4.0, 6.0], [1.0]),
                   idle=ANSWERS)


def test_the_target_is_a_multiple_of_the_floor_and_the_script_together(capsys):
    assert found(21.0).times(heat_templates.AT_ONCE) == pytest.approx(1.5)
    heat_report.report(found(20.9))
    told = capsys.readouterr().out
    assert 'MISSED' not in told and ' at_once_heat_up_s=20.9 ' in told and ' sdk_up_s=4 ' in told
    heat_report.report(found(21.2))
    assert capsys.readouterr().out.count('MISSED') == 1


def test_one_long_answer_to_another_user_misses_the_target(capsys):
    heat_report.report(found(20.0, longest=6.0))
    missed = [line for line in capsys.readouterr().out.splitlines() if 'MISSED' in line]
    assert len(missed) == 1 and 'longest answer' in missed[0] and ' 6 s ' in missed[0]


class Answering:
    """Heat's API as far as another user asks it."""

    def __init__(self, codes):
        self._codes = codes

    def get(self, path, **_):
        return self._answer(path)

    def post(self, path, **_):
        return self._answer(path)

    def _answer(self, path):
        return type('Answer', (), {'status_code': self._codes.get(path, 200), 'text': 'too busy'})


@pytest.fixture
def visitor(monkeypatch):
    def made(codes):
        connection = type('Connection', (), {'orchestration': Answering(codes)})
        monkeypatch.setattr('bench.heat.stacks.connected', lambda variables: connection)
        monkeypatch.setattr('bench.heat.stacks._ASKED_EVERY_S', 0.001)
        return Visitor({})
    return made


def test_another_user_asks_everything_in_turns_until_the_block_ends(visitor):
    latencies = {}
    with visitor({}).asking(latencies):
        deadline = time.monotonic() + 5
        while len(latencies.get(ASKED[-1], ())) < 2 and time.monotonic() < deadline:
            time.sleep(0.005)
    counts = [len(latencies[name]) for name in ASKED]
    assert min(counts) >= 2 and max(counts) - min(counts) <= 1
    time.sleep(0.02)
    assert counts == [len(latencies[name]) for name in ASKED]


def test_a_refused_answer_fails_the_bench(visitor):
    with pytest.raises(BenchFailed, match='template-validate: 503 too busy'), \
            visitor({'/validate': 503}).asking({}):
        time.sleep(0.1)


def test_a_failure_of_the_block_is_not_hidden_by_one_of_the_answers(visitor):
    with pytest.raises(ZeroDivisionError), visitor({'/validate': 503}).asking({}):
        time.sleep(0.05)
        raise ZeroDivisionError
