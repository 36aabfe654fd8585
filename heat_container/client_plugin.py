# SPDX-License-Identifier: Apache-2.0
"""The client ``docker`` of heat: engines, what their errors mean to heat, and work beside its threads."""

import contextlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from heat.common import exception
from heat.engine.clients import client_plugin
from oslo_config import cfg

from heat_container import background, conf, endpoints, engines
from nova_container import errors
from nova_container.engine import Engine

T = TypeVar('T')
CLIENT_NAME = 'docker'
CONF = cfg.CONF
conf.register(CONF)
_ENGINES = engines.Engines()
_lock = threading.Lock()
_pools: list[background.Pool] = []


class DockerClientPlugin(client_plugin.ClientPlugin):
    """One for each request; the engines and the threads are of the process."""

    exceptions_module = errors
    service_types: list[str] = []

    def _create(self, version: str | None = None) -> engines.Engines:
        return _ENGINES

    def engine(self, endpoint: endpoints.Endpoint) -> Engine:
        """The whole engine, without guard."""
        return self.client().of(endpoint)

    def begin(self, work: Callable[[threading.Event], T], owner: str = '') -> str:
        """See ``background.Pool``."""
        return _pool().begin(work, owner)

    def attempt(self, owner: str) -> contextlib.AbstractContextManager[threading.Event]:
        return _pool().attempt(owner)

    def call_off(self, owner: str) -> None:
        _pool().call_off(owner)

    def outcome(self, token: str) -> Any:
        return _pool().outcome(token)

    def cancel(self, token: str) -> None:
        _pool().cancel(token)

    def is_not_found(self, ex: BaseException) -> bool:
        return isinstance(ex, (errors.NotFound, exception.EntityNotFound))

    def is_conflict(self, ex: BaseException) -> bool:
        """WrongState only: heat makes a new one up to five times, and a name that is taken stays taken."""
        return isinstance(ex, errors.WrongState)

    def is_over_limit(self, ex: BaseException) -> bool:
        return isinstance(ex, errors.Exhausted)


def _pool() -> background.Pool:
    with _lock:
        if not _pools:
            _pools.append(background.Pool(CONF.docker.workers))
        return _pools[0]
