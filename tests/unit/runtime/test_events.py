# SPDX-License-Identifier: Apache-2.0
"""Events: remembered, told to each, and no subscriber that sleeps costs more than a bounded queue."""

import threading
import time

import pytest

from nova_container.runtime import events
from nova_container.runtime.events import EventLog


def told(log, **query):
    return [event.action for event in log.follow(query.get('since'), query.get('until', time.time()))]


def test_past_events_are_told_from_a_moment_on():
    log = EventLog()
    log.publish('container', 'create', 'c', {'name': 'n'})
    between = time.time()
    log.publish('container', 'start', 'c', {})
    assert told(log, since=0) == ['create', 'start']
    assert told(log, since=between) == ['start']
    assert told(log, since=0, until=between) == ['create']
    assert told(log) == []


def test_new_events_come_to_every_subscriber_in_order():
    log = EventLog()
    streams = [log.follow(None, None) for _ in range(3)]
    for number in range(5):
        log.publish('container', str(number), 'c', {})
    for stream in streams:
        assert [next(stream).action for _ in range(5)] == list('01234')


def test_a_subscriber_misses_nothing_between_past_and_present():
    log = EventLog()
    publisher = threading.Thread(target=lambda: [log.publish('c', str(number), 'c', {}) for number in range(500)])
    publisher.start()
    stream = log.follow(0, None)
    assert [next(stream).action for _ in range(500)] == [str(number) for number in range(500)]
    publisher.join()


def test_one_that_does_not_read_loses_the_oldest_and_holds_up_none(monkeypatch):
    monkeypatch.setattr(events, '_PENDING', 10)
    log = EventLog()
    sleeping = log.follow(None, None)
    for number in range(25):
        log.publish('container', str(number), 'c', {})
    log.close()
    assert [event.action for event in sleeping] == [str(number) for number in range(16, 25)]


def test_only_the_last_ones_are_remembered(monkeypatch):
    log = EventLog()
    for number in range(events._REMEMBERED + 5):
        log.publish('container', str(number), 'c', {})
    assert (len(told(log, since=0)), told(log, since=0)[0]) == (events._REMEMBERED, '5')


def test_a_stream_ends_at_its_moment():
    log, began = EventLog(), time.monotonic()
    assert told(log, until=time.time() + 0.05) == []
    assert time.monotonic() - began < 5


def test_who_leaves_is_forgotten():
    log = EventLog()
    stream = log.follow(0, None)
    log.publish('container', 'create', 'c', {})
    next(stream)
    stream.close()
    assert log._subscribers == set()


@pytest.mark.parametrize('late', [False, True])
def test_close_ends_every_stream(late):
    log = EventLog()
    early = log.follow(None, None)
    log.close()
    log.close()
    assert list(log.follow(None, None) if late else early) == []
