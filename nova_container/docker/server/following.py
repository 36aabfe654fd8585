# SPDX-License-Identifier: Apache-2.0
"""A log that is followed in slices: an engine's iterator cannot be stopped while it waits for output.

A client that went away would keep a thread until the container says something; so it keeps it for a slice.
"""

import dataclasses
import time
from collections.abc import Iterator

from nova_container.docker.server.message import Call
from nova_container.engine import LogChunk, LogQuery


def chunks(call: Call, container_id: str, query: LogQuery) -> Iterator[LogChunk]:
    """The chunks a query asks for; while following, until the container ends or the client is gone."""
    if not query.follow:
        yield from call.engine.logs(container_id, query)
        return
    seen = _Seen()
    while not call.client.is_gone():
        end = time.time() + call.context.limits.follow_slice_s
        end = end if query.until is None else min(end, query.until)
        for chunk in seen.unseen(call.engine.logs(container_id, dataclasses.replace(query, until=end))):
            seen.add(chunk)
            yield chunk
        if time.time() < end or end == query.until:
            return
        since = query.since if seen.time is None else seen.time
        query = dataclasses.replace(query, since=since, tail=None if seen.time is not None else query.tail)


class _Seen:
    """The last chunks that were passed on, all of one time."""

    def __init__(self) -> None:
        self.time: float | None = None
        self._chunks: list[LogChunk] = []

    def add(self, chunk: LogChunk) -> None:
        if chunk.time != self.time:
            self.time, self._chunks = chunk.time, []
        self._chunks.append(chunk)

    def unseen(self, again: Iterator[LogChunk]) -> Iterator[LogChunk]:
        """What follows the seen ones in a log read again from their time on."""
        last, seen, group = self.time, list(self._chunks), list[LogChunk]()
        for chunk in again:
            if chunk.time == last:
                group.append(chunk)
                continue
            yield from _after(group, seen)
            group = []
            yield chunk
        yield from _after(group, seen)


def _after(group: list[LogChunk], seen: list[LogChunk]) -> list[LogChunk]:
    """The rest of a group behind what was seen of it; a tail may have cut off its begin."""
    for start in range(len(group) - len(seen), -1, -1):
        if group[start:start + len(seen)] == seen:
            return group[start + len(seen):]
    return group
