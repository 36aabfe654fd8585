# SPDX-License-Identifier: Apache-2.0
"""What happens to containers, told to Nova when it has settled.

An event only says which server to look at. A moment later its state is asked for, and that is what Nova is
told: a reboot, which ends one process and starts another, is thus no stop, and a container that ended by
itself is seen within a second or two, not after Nova's ten minutes.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from nova.virt import event as virt_event
from oslo_log import log as logging

from nova_container import errors
from nova_container.engine import state
from nova_container.virt.translate import container as translate

LOG = logging.getLogger(__name__)
_WATCHED = ('start', 'die', 'pause', 'unpause')
_TRANSITIONS: Mapping[state.Status, int] = {
    state.Status.RUNNING: virt_event.EVENT_LIFECYCLE_STARTED,
    state.Status.PAUSED: virt_event.EVENT_LIFECYCLE_PAUSED,
    state.Status.STOPPED: virt_event.EVENT_LIFECYCLE_STOPPED,
}
_LONGEST_PAUSE_S = 10.0


class Lifecycle:
    """Two daemon threads: one follows the engine's events, one reports what has settled."""

    def __init__(self, engine: Any, emit: Callable[[virt_event.LifecycleEvent], None], host: str, availability: Any, *,
                 settle_s: float = 1.0, pause_s: float = 1.0) -> None:
        """
        :param emit: the driver's ``emit_event``.
        :param host: only containers labelled with it are reported.
        :param availability: is told whether the engine answers.
        :param settle_s: how long after an event a state is asked for.
        :param pause_s: the first pause before events are asked for again; it doubles while the engine is away.
        """
        self._engine, self._emit, self._host, self._availability = engine, emit, host, availability
        self._settle_s, self._pause_s = settle_s, pause_s
        self._due: dict[str, tuple[float, bool]] = {}
        self._changed = threading.Condition()
        self._stopping = False

    def start(self) -> None:
        """Begin to follow."""
        for act, name in ((self._follow, 'container-events'), (self._report, 'container-states')):
            threading.Thread(target=act, name=name, daemon=True).start()

    def stop(self) -> None:
        """Report no more. Containers are not touched. Repeatable."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def _follow(self) -> None:
        pause_s, since = self._pause_s, time.time()
        while not self._stopping:
            try:
                self._engine.info()
                self._availability.found()
                for event in self._engine.events(since=since):
                    pause_s, since = self._pause_s, event.time_ns / 1e9 + 1e-6
                    if self._stopping:
                        return
                    self._note(event)
            except errors.ContainerError as error:
                LOG.info('Events of the container engine broke off, asking again in %.0f s: %s', pause_s, error)
                self._availability.lost(error)
            except Exception:
                LOG.exception('Events of the container engine broke off')
            with self._changed:
                self._changed.wait_for(lambda: self._stopping, pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    def _note(self, event: state.Event) -> None:
        uuid = event.attributes.get(translate.UUID)
        ours = event.type == 'container' and event.attributes.get(translate.HOST) == self._host
        if not ours or not uuid or event.action not in _WATCHED:
            return
        with self._changed:
            _, thawed = self._due.get(uuid, (0.0, False))
            self._due[uuid] = (time.monotonic() + self._settle_s, event.action == 'unpause' or thawed)
            self._changed.notify_all()

    def _report(self) -> None:
        while (found := self._next_due()) is not None:
            try:
                self._report_one(*found)
            except Exception:
                LOG.exception('The state of server %s could not be reported', found[0])

    def _next_due(self) -> tuple[str, bool] | None:
        """Wait for a server whose state has settled, and whether it was thawed; None at the end."""
        with self._changed:
            while not self._stopping:
                now = time.monotonic()
                when, uuid, thawed = min(((when, uuid, thawed) for uuid, (when, thawed) in self._due.items()),
                                         default=(now + 60, '', False))
                if uuid and when <= now:
                    del self._due[uuid]
                    return uuid, thawed
                self._changed.wait(when - now)
        return None

    def _report_one(self, uuid: str, thawed: bool) -> None:
        try:
            status = self._engine.inspect(uuid).status
        except errors.ContainerNotFound:
            return
        except errors.ContainerError as error:
            LOG.warning('The state of server %s is not known: %s', uuid, error)
            return
        transition = _TRANSITIONS.get(status)
        if status is state.Status.RUNNING and thawed:
            transition = virt_event.EVENT_LIFECYCLE_RESUMED
        if transition is not None:
            self._emit(virt_event.LifecycleEvent(uuid, transition))
