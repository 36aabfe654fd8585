# SPDX-License-Identifier: Apache-2.0
"""Handlers: what containers use, and their processes."""

import time
from collections.abc import Iterator

from nova_container import errors
from nova_container.docker.server.message import Answer, Call, Stream, line, of_json
from nova_container.docker.wire import processes as wire_top
from nova_container.docker.wire import stats as wire
from nova_container.engine import ContainerInfo, Usage

_INTERVAL_S = 1.0


def stats(call: Call) -> Answer:
    """A stream of samples; with ``stream=0`` the second of two; with ``one-shot=1`` too, the first at once."""
    info = call.engine.inspect(call.container)
    if call.query.flag('stream', default=True):
        return Stream(_samples(call, info))
    before = None
    if not call.query.flag('one-shot') and info.status.alive:
        before = _usage(call, info)
        time.sleep(_INTERVAL_S)
    return of_json(_sample(call, info, _usage(call, info), before))


def _samples(call: Call, info: ContainerInfo) -> Iterator[bytes]:
    before: Usage | None = None
    while not call.client.is_gone():
        try:
            usage = _usage(call, info)
        except errors.ContainerNotFound:
            return
        yield line(_sample(call, info, usage, before))
        before = usage
        time.sleep(_INTERVAL_S)


def _usage(call: Call, info: ContainerInfo) -> Usage | None:
    """Docker answers zeros for a container that is not alive."""
    try:
        return call.engine.usage(info.id)
    except errors.WrongState:
        return None


def _sample(call: Call, info: ContainerInfo, usage: Usage | None, before: Usage | None) -> object:
    if usage is None:
        return wire.idle_body(info.id, info.name)
    return wire.stats_body(info.id, info.name, usage, before, call.context.memory_bytes)


def top(call: Call) -> Answer:
    rows = call.engine.top(call.container)
    return of_json(wire_top.top_body(rows, call.query.text('ps_args'), time.time()))
