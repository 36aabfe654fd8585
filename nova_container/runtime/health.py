# SPDX-License-Identifier: Apache-2.0
"""Health checks of running containers: one thread tells when, a small pool runs the probes."""

import concurrent.futures
import contextlib
import dataclasses
import logging
import secrets
import time

from nova_container import errors
from nova_container.engine import health as rules
from nova_container.engine.spec import ExecSpec, HealthCheck
from nova_container.engine.state import Health, Probe, Status
from nova_container.runtime.container import Container
from nova_container.runtime.execution import Execution
from nova_container.runtime.parts import Parts
from nova_container.runtime.schedule import Schedule
from nova_container.runtime.verbs import execute

LOG = logging.getLogger(__name__)

_AT_A_TIME = 8
_TIMED_OUT = -1
_CANNOT_RUN = 126


@dataclasses.dataclass(frozen=True, slots=True)
class _Watched:
    """A run of a container; ``run`` tells it from the next one."""

    container: Container
    check: HealthCheck
    run: int

    @property
    def is_over(self) -> bool:
        return self.container.runs != self.run or not self.container.status.alive


class HealthMonitor:
    """Watches containers from their start to their end."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._schedule = Schedule('health')
        self._pool = concurrent.futures.ThreadPoolExecutor(_AT_A_TIME, 'health')

    def begin(self, container: Container, *, known: Health | None = None) -> None:
        """Watch a container that has just been started, or that ran on without us with a ``known`` health."""
        check = container.record.spec.health
        if check is None or not check.test:
            return
        container.health = known or Health(status=rules.STARTING)
        self._wait(_Watched(container, check, container.runs))

    def _wait(self, watched: _Watched) -> None:
        health = watched.container.health
        if health is not None and not watched.is_over:
            age_s = time.time() - (watched.container.record.started_at or 0)
            self._schedule.later(rules.pause_s(watched.check, health, age_s), lambda: self._submit(watched))

    def _submit(self, watched: _Watched) -> None:
        with contextlib.suppress(RuntimeError):  # the pool is shut at close
            self._pool.submit(self._probe, watched)

    def _probe(self, watched: _Watched) -> None:
        """Run the check once, unless the container is frozen, and wait for the next time."""
        try:
            if watched.container.status is Status.RUNNING:
                self._take(watched, self._run(watched))
        except Exception:
            LOG.exception('The health of container %s could not be told', watched.container.id)
        self._wait(watched)

    def _run(self, watched: _Watched) -> Probe:
        container, check = watched.container, watched.check
        began, image = time.time(), self._parts.images.config_of(container.record.image_id)
        spec = ExecSpec(command=rules.argv(check, image))
        execution = Execution(secrets.token_hex(32), container.id, spec, self._parts.bundle(container))
        said, late = bytearray(), []
        try:
            with execute.begin(self._parts, container, execution) as session:
                self._schedule.later(check.timeout_s or 0, lambda: late.append(execution.kill()))
                while (piece := session.read()) is not None:
                    said += piece[1][:max(rules.OUTPUT_BYTES - len(said), 0)]
            code = execution.wait(check.timeout_s or 0)
        except errors.ContainerError as error:
            return Probe(started_at=began, ended_at=time.time(), exit_code=_CANNOT_RUN, output=str(error))
        if code is None or True in late:
            return Probe(started_at=began, ended_at=time.time(), exit_code=_TIMED_OUT, output=rules.too_late(check))
        return Probe(started_at=began, ended_at=time.time(), exit_code=code, output=said.decode('utf-8', 'replace'))

    def _take(self, watched: _Watched, probe: Probe) -> None:
        container = watched.container
        with container.ending:  # so that none is taken after the end of its run
            before = container.health
            if watched.is_over or before is None:
                return
            now = rules.after(before, watched.check, probe, container.record.started_at or 0)
            container.health = now
            if now.status != before.status:
                container.save(health=now)
                self._parts.publish(container, f'health_status: {now.status}')

    def close(self) -> None:
        """Watch no more; probes that run are cut. Repeatable."""
        self._schedule.close()
        self._pool.shutdown(wait=False, cancel_futures=True)
