# SPDX-License-Identifier: Apache-2.0
"""A host whose engine does not answer gets no new servers, and gets them again once it answers.

What an operator disabled by hand stays so: only our own word is taken back.
"""

import time
from collections.abc import Callable
from typing import Any

from nova import context, exception
from nova.objects import service as service_object
from oslo_log import log as logging

LOG = logging.getLogger(__name__)
_OURS = 'AUTO: '                                        # libvirt's driver marks its own reasons so too


class Availability:
    """The compute service of this host, as far as the engine decides on it. For one thread."""

    def __init__(self, virtapi: Any, host: str, *, grace_s: float = 10.0,
                 clock: Callable[[], float] = time.monotonic) -> None:
        """:param grace_s: how long the engine may be away, as for a restart, before it counts."""
        self._virtapi, self._host, self._grace_s, self._clock = virtapi, host, grace_s, clock
        self._enabled: bool | None = None
        self._lost_at: float | None = None

    def found(self) -> None:
        """The engine answers."""
        self._lost_at = None
        if self._enabled is not True:
            self._set(enabled=True, reason=None)

    def lost(self, reason: Exception) -> None:
        """The engine does not answer, or still does not."""
        now = self._clock()
        self._lost_at = now if self._lost_at is None else self._lost_at
        if self._enabled is not False and now - self._lost_at >= self._grace_s:
            self._set(enabled=False, reason=reason)

    def _set(self, *, enabled: bool, reason: Exception | None) -> None:
        try:
            self._update(enabled, reason)
        except exception.ComputeHostNotFound:
            return                                      # the first start: Nova registers the host a moment later
        except Exception as error:
            LOG.warning('The compute service could not be %s: %s', 'enabled' if enabled else 'disabled', error)
            return
        self._enabled = enabled

    def _update(self, enabled: bool, reason: Exception | None) -> None:
        admin = context.get_admin_context()
        service = service_object.Service.get_by_compute_host(admin, self._host)
        by_hand = service.disabled and not (service.disabled_reason or '').startswith(_OURS)
        if by_hand or service.disabled is not enabled:
            return
        service.disabled = not enabled
        service.disabled_reason = None if enabled else f'{_OURS}the container engine does not answer'
        service.save()
        self._virtapi.update_compute_provider_status(admin, service.compute_node.uuid, enabled=enabled)
        if enabled:
            LOG.info('The container engine answers again, host enabled')
        else:
            LOG.warning('The container engine does not answer, host disabled until it does: %s', reason)
