# SPDX-License-Identifier: Apache-2.0
"""Verbs over the Docker Engine API: the engine itself."""

from collections.abc import Iterator
from typing import Any

from nova_container.docker.base import Verbs
from nova_container.docker.log_stream import moment
from nova_container.docker.sandbox import INFRA_LABEL
from nova_container.docker.wire import events as wire_events
from nova_container.docker.wire import system as wire
from nova_container.engine import EngineInfo, Event, SystemOps


class SystemVerbs(Verbs, SystemOps):
    """The engine and its events."""

    def info(self) -> EngineInfo:
        if self.is_ours:
            return wire.engine_info_of(self.get('/info'))
        return wire.engine_info_of(self.get('/info'), self.get('/version'))

    def events(self, *, since: float | None = None, until: float | None = None) -> Iterator[Event]:
        """The head of the answer says that we are subscribed."""
        answer = self.ask('GET', '/events', query={'since': moment(since), 'until': moment(until)}, timeout_s=0)
        return _told(answer.documents())

    def close(self) -> None:
        self.transport.close()


def _told(documents: Iterator[Any]) -> Iterator[Event]:
    """Events of containers and images; of infra containers nobody needs to know."""
    for document in documents:
        event = wire_events.event_of(document)
        if event.type in ('container', 'image') and INFRA_LABEL not in event.attributes:
            yield event
