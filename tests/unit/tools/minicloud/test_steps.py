# SPDX-License-Identifier: Apache-2.0
"""The order of steps and what a failure does."""

import threading

import pytest

from tools.minicloud import steps


def run(*given):
    done = []
    steps.run(given, lambda step, seconds: done.append(step.name))
    return done


def step(name, *needs, act=lambda cancelled: None):
    return steps.Step(name, act, needs)


def test_a_step_waits_for_what_it_needs():
    assert run(step('c', 'b'), step('b', 'a'), step('a')) == ['a', 'b', 'c']


def test_a_need_nobody_provides_is_met():
    assert run(step('a', 'schemas')) == ['a']


def test_independent_steps_run_together():
    meeting = threading.Barrier(2, timeout=5)
    run(step('a', act=lambda _: meeting.wait()),
        step('b', act=lambda _: meeting.wait()))


def test_a_failure_cancels_the_others_and_is_raised():
    def fail(_):
        raise ValueError('broken')

    seen = []
    with pytest.raises(ValueError, match='broken'):
        run(step('a', act=fail),
            step('b', act=lambda cancelled: seen.append(cancelled.wait(5))),
            step('c', 'a', act=lambda _: seen.append('never')))
    assert seen == [True]


def test_a_circle_is_an_error_not_a_hang():
    with pytest.raises(ValueError, match='need each other'):
        run(step('a', 'b'), step('b', 'a'))
