# SPDX-License-Identifier: Apache-2.0
"""Keeps the logs of running containers within their limits."""

import logging
import threading

from nova_container import errors
from nova_container.runtime import logs
from nova_container.runtime.container import Container
from nova_container.runtime.parts import Parts

LOG = logging.getLogger(__name__)

_PERIOD_S = 0.5
_BUSY_PERIOD_S = 0.05


class Rotation:
    """A thread that looks at each log twice a second, and more often while one fills faster than that."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name='rotation', daemon=True)
        self._thread.start()

    def _run(self) -> None:
        period_s = _PERIOD_S
        while not self._closed.wait(period_s):
            alive = [container for container in self._parts.register.all() if container.status.alive]
            rotated = [container for container in alive if self._rotate(container)]
            period_s = _BUSY_PERIOD_S if rotated else min(period_s * 2, _PERIOD_S)

    def _rotate(self, container: Container) -> bool:
        log = self._parts.folder(container).log
        bundle = self._parts.bundle(container)
        try:
            return logs.rotate(log, container.record.spec.log, lambda: self._parts.monitor.reopen_log(bundle))
        except (errors.HostFailure, OSError) as error:
            LOG.warning('The log of container %s was not rotated: %s', container.id, error)
            return False

    def close(self) -> None:
        """Stop looking. Repeatable."""
        self._closed.set()
        self._thread.join()
