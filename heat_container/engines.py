# SPDX-License-Identifier: Apache-2.0
"""One client of each engine for all threads of the process, forgotten when it was not used for a while."""

import dataclasses
import threading
import time

from oslo_config import cfg

from heat_container import conf, reach
from heat_container.endpoints import Endpoint
from heat_container.tls import Material
from nova_container.connect import connect
from nova_container.engine import Engine

CONF = cfg.CONF
conf.register(CONF)
_KEPT_S = 600.0


@dataclasses.dataclass(slots=True)
class _Kept:
    engine: Engine
    used_at: float


class Engines:
    """Safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[object, ...], _Kept] = {}

    def of(self, endpoint: Endpoint) -> Engine:
        """The client of an endpoint; it connects when used. :raises InvalidRequest: a URL or certificate is wrong."""
        key = (endpoint.url, endpoint.tls, endpoint.server_name, endpoint.shared)
        with self._lock:
            self._forget()
            kept = self._kept.get(key)
            if kept is None:
                kept = self._kept[key] = _Kept(_connected(endpoint), 0.0)
            kept.used_at = time.monotonic()
            return kept.engine

    def _forget(self) -> None:
        """Not closed: a thread may still be reading from one; its connections end with it."""
        too_old = time.monotonic() - _KEPT_S
        self._kept = {key: kept for key, kept in self._kept.items() if kept.used_at > too_old}


def _connected(endpoint: Endpoint) -> Engine:
    """What a tenant named is judged at each connection."""
    tls = endpoint.tls.context() if isinstance(endpoint.tls, Material) else endpoint.tls
    return connect(endpoint.url, tls=tls, server_name=endpoint.server_name, timeout_s=CONF.docker.timeout,
                   judge=None if endpoint.shared else reach.judge)
