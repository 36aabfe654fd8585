# SPDX-License-Identifier: Apache-2.0
"""Handlers: the engine itself, its events, and the networks and volumes that it does not have."""

import time
from collections.abc import Iterator

from nova_container import errors
from nova_container.docker.server import filters
from nova_container.docker.server.feed import Subscription
from nova_container.docker.server.message import Answer, Call, Reply, Stream, line, of_json
from nova_container.docker.wire import events as wire_events
from nova_container.docker.wire import system as wire
from nova_container.docker.wire import units

_PONG = Reply(200, b'OK', 'text/plain; charset=utf-8',
              (('Builder-Version', '1'), ('Cache-Control', 'no-cache, no-store, must-revalidate'),
               ('Pragma', 'no-cache'), ('Swarm', 'inactive')))


def ping(call: Call) -> Answer:
    return _PONG


def version(call: Call) -> Answer:
    return of_json(wire.version_body(call.engine.info()))


def info(call: Call) -> Answer:
    return of_json(wire.info_body(call.engine.info(), time.time()))


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


def networks(call: Call) -> Answer:
    wanted = filters.of(call, ('name', 'id', 'driver', 'type', 'scope', 'label', 'dangling'))
    names = [name for name in ('none', 'host')
             if all(any(part in name for part in wanted[key]) for key in wanted.keys() & {'name', 'id'})]
    return of_json([_network(name) for name in names])


def network(call: Call) -> Answer:
    name = call.params['id']
    if name not in ('none', 'host'):
        raise errors.NotFound(f'network {name[:64]} not found')
    return of_json(_network(name))


def _network(name: str) -> dict[str, object]:
    return {'Name': name, 'Id': name, 'Created': units.ZERO_TIME, 'Scope': 'local',
            'Driver': 'null' if name == 'none' else 'host', 'EnableIPv6': False,
            'IPAM': {'Driver': 'default', 'Options': None, 'Config': []}, 'Internal': False, 'Attachable': False,
            'Ingress': False, 'ConfigFrom': {'Network': ''}, 'ConfigOnly': False, 'Containers': {}, 'Options': {},
            'Labels': {}}


def nothing_to_prune(call: Call) -> Answer:
    """There are no volumes, networks or build caches that could be pruned."""
    return of_json({'VolumesDeleted': [], 'NetworksDeleted': [], 'CachesDeleted': [], 'SpaceReclaimed': 0})
