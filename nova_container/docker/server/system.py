# SPDX-License-Identifier: Apache-2.0
"""Handlers: the engine itself, and its events."""

import time
from collections.abc import Iterator

from nova_container import errors
from nova_container.docker.server import filters
from nova_container.docker.server.feed import Subscription
from nova_container.docker.server.message import Answer, Call, Reply, Stream, line, of_json
from nova_container.docker.wire import events as wire_events
from nova_container.docker.wire import system as wire
from nova_container.docker.wire import units, versions

_PONG = Reply(200, b'OK', 'text/plain; charset=utf-8',
              (('Builder-Version', '1'), ('Cache-Control', 'no-cache, no-store, must-revalidate'),
               ('Pragma', 'no-cache'), ('Swarm', 'inactive')))


def ping(call: Call) -> Answer:
    return _PONG


def version(call: Call) -> Answer:
    return of_json(wire.version_body(call.engine.info()))


def info(call: Call) -> Answer:
    return of_json(versions.info(wire.info_body(call.engine.info(), time.time()), call.version))


def no_plugins(call: Call) -> Answer:
    return of_json([])


def no_plugin(call: Call) -> Answer:
    raise errors.NotFound(f'plugin "{call.params["id"][:128]}" not found')


def events(call: Call) -> Answer:
    wanted, now = filters.of(call, filters.EVENT), time.time()
    since = units.moment_of(call.query.text('since'), now)
    until = units.moment_of(call.query.text('until'), now)
    return Stream(_lines(call, call.context.feed.subscribe(), since, until, wanted))


def _lines(call: Call, subscription: Subscription, since: float | None, until: float | None,
           wanted: filters.Filters) -> Iterator[bytes]:
    """The first piece is empty: the head of the answer tells the client that it is subscribed."""
    feed, slice_s = call.context.feed, call.context.limits.slice_s
    try:
        yield b''
        for event in feed.follow(subscription, since, until, slice_s, call.client.is_gone):
            if filters.wants(event, wanted):
                yield line(wire_events.event_body(event))
    finally:
        feed.unsubscribe(subscription)
