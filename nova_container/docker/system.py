# SPDX-License-Identifier: Apache-2.0
"""Verbs over the Docker Engine API: the engine itself."""

import dataclasses
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from nova_container.docker.base import Verbs
from nova_container.docker.log_stream import moment
from nova_container.docker.sandbox import INFRA_LABEL
from nova_container.docker.wire import events as wire_events
from nova_container.docker.wire import system as wire
from nova_container.docker.wire import units
from nova_container.engine import EngineInfo, Event, Feature, SystemOps


class SystemVerbs(Verbs, SystemOps):
    """The engine and its events."""

    def ping(self, *, timeout_s: float | None = None) -> None:
        self.transport.do('GET', '/_ping', timeout_s=timeout_s)

    def info(self) -> EngineInfo:
        if self.is_ours:
            return wire.engine_info_of(self.get('/info'))
        body = self.get('/info')
        info = wire.engine_info_of(body, self.get('/version'))
        return dataclasses.replace(info, features=_features(body),
                                   containers=self._without_infra(info.containers))

    def _without_infra(self, counts: Mapping[str, int]) -> dict[str, int]:
        rows = self.get('/containers/json', query={'filters': json.dumps({'label': [INFRA_LABEL]})})
        return {**counts, 'running': counts.get('running', 0) - len(rows)}

    def events(self, *, since: float | None = None, until: float | None = None) -> Iterator[Event]:
        """The head of the answer says that we are subscribed."""
        if until is not None and since is None and not self.is_ours:
            since = self._now()
        answer = self.ask('GET', '/events', query={'since': moment(since), 'until': moment(until)}, timeout_s=0)
        return _told(answer.documents())

    def _now(self) -> float:
        """The engine's own time: asked for an end only, Docker would begin with all it remembers."""
        return units.seconds_of(self.get('/info').get('SystemTime', '')) or time.time()

    def close(self) -> None:
        self.transport.close()


def _features(info: Any) -> frozenset[Feature]:
    """Docker bounds the size of a root on XFS only."""
    lacking = {Feature.REAPER}
    if ['Backing Filesystem', 'xfs'] not in (info.get('DriverStatus') or []):
        lacking.add(Feature.ROOT_SIZE)
    return frozenset(Feature) - lacking


def _told(documents: Iterator[Any]) -> Iterator[Event]:
    """Events of what the contract knows; of infra containers nobody needs to know."""
    for document in documents:
        event = wire_events.event_of(document)
        if event.type in ('container', 'image', 'network', 'volume') and INFRA_LABEL not in event.attributes:
            yield event
