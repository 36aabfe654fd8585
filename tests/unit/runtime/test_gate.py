# SPDX-License-Identifier: Apache-2.0
"""The gate: many share, one is alone, nobody starves."""

import threading

import pytest

from nova_container.runtime.gate import Gate


def started(function):
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    return thread


def test_many_share():
    gate = Gate()
    with gate.shared(), gate.shared():
        thread = started(lambda: gate.shared().__enter__())
        thread.join(10)
        assert not thread.is_alive()


def test_one_that_is_alone_keeps_out_all():
    gate, order = Gate(), []

    def enter(way, name):
        with way():
            order.append(name)

    with gate.alone():
        threads = [started(lambda: enter(gate.shared, 'shared')), started(lambda: enter(gate.alone, 'alone'))]
        for thread in threads:
            thread.join(0.05)
        order.append('first')
    for thread in threads:
        thread.join(10)
    assert order[0] == 'first' and set(order[1:]) == {'shared', 'alone'}


def test_who_waits_to_be_alone_goes_before_new_sharers():
    gate, order = Gate(), []
    inside, leave = threading.Event(), threading.Event()

    def share_first():
        with gate.shared():
            inside.set()
            leave.wait(10)

    def enter(way, name):
        with way():
            order.append(name)

    first = started(share_first)
    assert inside.wait(10)
    alone = started(lambda: enter(gate.alone, 'alone'))
    while not gate._alone_waiting:
        alone.join(0.001)
    late = started(lambda: enter(gate.shared, 'late'))
    late.join(0.05)
    assert order == []
    leave.set()
    for thread in (first, alone, late):
        thread.join(10)
    assert order == ['alone', 'late']


def test_alone_if_free_never_waits():
    gate = Gate()
    with gate.shared(), gate.alone_if_free() as alone:
        assert not alone
    with gate.alone(), gate.alone_if_free() as alone:
        assert not alone
    with gate.alone_if_free() as alone:
        assert alone
        with gate.alone_if_free() as again:
            assert not again
    with gate.shared():
        pass


@pytest.mark.parametrize('way', ['shared', 'alone', 'alone_if_free'])
def test_a_failure_inside_lets_others_in(way):
    gate = Gate()
    with pytest.raises(ZeroDivisionError), getattr(gate, way)():
        raise ZeroDivisionError
    with gate.alone():
        pass
