# SPDX-License-Identifier: Apache-2.0
"""Keeps the logs of running containers within their limits."""

import logging
import threading

from nova_container import errors
from nova_container.runtime import logs
from nova_container.runtime.container import Container
from nova_container.runtime.parts import Parts

LOG = logging.getLogger(__name__)

_PERIOD_S = 1.0


class Rotation:
    """A thread that looks at each log once a second."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name='rotation', daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._closed.wait(_PERIOD_S):
            for container in self._parts.register.all():
                if container.status.alive:
                    self._rotate(container)

    def _rotate(self, container: Container) -> None:
        log = self._parts.folder(container).log
        bundle = self._parts.bundle(container)
        try:
            logs.rotate(log, container.record.spec.log, lambda: self._parts.monitor.reopen_log(bundle))
        except (errors.HostFailure, OSError) as error:
            LOG.warning('The log of container %s was not rotated: %s', container.id, error)

    def close(self) -> None:
        """Stop looking. Repeatable."""
        self._closed.set()
        self._thread.join()
