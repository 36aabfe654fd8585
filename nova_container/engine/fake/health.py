# SPDX-License-Identifier: Apache-2.0
"""Health checks of the fake: a thread for each container that has one."""

import threading
import time
from collections.abc import Callable

from nova_container import errors
from nova_container.engine import health as rules
from nova_container.engine.fake.container import Container
from nova_container.engine.fake.process import Process
from nova_container.engine.spec import ExecSpec
from nova_container.engine.state import ExecResult, Health, Probe

_TIMED_OUT, _CANNOT_RUN = -1, 126


class FakeHealth:
    """Probes one run of a container until it ends. ``run`` executes a command in it, within a time."""

    def __init__(self, container: Container, process: Process, run: Callable[[ExecSpec, float], ExecResult],
                 tell: Callable[[str], None]) -> None:
        self._container, self._process, self._run, self._tell = container, process, run, tell
        self._changed = process.changed

    def begin(self) -> None:
        """In a thread of its own."""
        self._container.health = Health(status=rules.STARTING)
        threading.Thread(target=self._watch, name='fake-health', daemon=True).start()

    def _watch(self) -> None:
        check, health = self._container.spec.health, self._container.health
        while check is not None and health is not None:
            with self._changed:
                wait_s = rules.pause_s(check, health, time.time() - self._process.started_at)
                if self._changed.wait_for(lambda: self._process.code is not None, wait_s):
                    return
            probe = self._probe()
            with self._changed:
                if self._process.code is not None:
                    return
                before, health = health, rules.after(health, check, probe, self._process.started_at)
                self._container.health = health
                if health.status != before.status:
                    self._tell(f'health_status: {health.status}')

    def _probe(self) -> Probe:
        check, began = self._container.spec.health, time.time()
        assert check is not None
        command = rules.argv(check, self._container.image.config)
        try:
            said = self._run(ExecSpec(command=command), check.timeout_s or 0)
        except errors.Unavailable:
            return Probe(started_at=began, ended_at=time.time(), exit_code=_TIMED_OUT, output=rules.too_late(check))
        except errors.ContainerError as error:
            return Probe(started_at=began, ended_at=time.time(), exit_code=_CANNOT_RUN, output=str(error))
        output = (said.stdout + said.stderr)[:rules.OUTPUT_BYTES].decode('utf-8', 'replace')
        return Probe(started_at=began, ended_at=time.time(), exit_code=said.exit_code, output=output)
