# SPDX-License-Identifier: Apache-2.0
"""Wait for Neutron's word that a port works, around the plugging of it.

Neutron says so when a port comes up. A port that is taken away and given back within one round of its agent,
as in a rebuild of a container, was never down, and there is no word: so after a while the port is looked at.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from nova import exception
from nova.network import model
from oslo_log import log as logging

LOG = logging.getLogger(__name__)
_SILENCE_S, _SILENCE_IN_REBUILD_S, _PAUSE_S = 15.0, 1.5, 1.0

IsActive = Callable[[str], bool]


@contextlib.contextmanager
def waited_for(virtapi: Any, instance: Any, network_info: Sequence[Any], *, is_active: IsActive, timeout_s: float,
               is_fatal: bool) -> Iterator[None]:
    """Run the block, then wait until every port that was down has come up.

    :param is_active: asks Neutron whether a port is up, by its id.
    :raises VirtualInterfaceCreateException: Neutron reports a failure or ``timeout_s`` passes, if ``is_fatal``.
    """
    def failed(event_name: str, instance: Any) -> None:
        LOG.error('Neutron reported a failure of %s', event_name, instance=instance)
        if is_fatal:
            raise exception.VirtualInterfaceCreateException()

    ports = _down(network_info)
    deadline = time.monotonic() + timeout_s
    try:
        with virtapi.wait_for_instance_event(instance, [('network-vif-plugged', port) for port in ports],
                                             timeout=min(timeout_s, _silence_s(instance)), error_callback=failed):
            yield
    except exception.InstanceEventTimeout as error:
        if _become_active(ports, is_active, deadline):
            return
        LOG.warning('Neutron did not report every port within %d s', timeout_s, instance=instance)
        if is_fatal:
            raise exception.VirtualInterfaceCreateException() from error


def _down(network_info: Sequence[Any]) -> list[str]:
    """The ports that are down and known to be."""
    return [vif['id'] for vif in network_info
            if vif.get('active', True) is False and vif['vnic_type'] != model.VNIC_TYPE_REMOTE_MANAGED]


def _silence_s(instance: Any) -> float:
    """How long no word is no news."""
    return _SILENCE_IN_REBUILD_S if (instance.task_state or '').startswith('rebuild') else _SILENCE_S


def _become_active(ports: list[str], is_active: IsActive, deadline: float) -> bool:
    waiting = list(ports)
    while waiting:
        waiting = [port for port in waiting if not is_active(port)]
        if waiting and time.monotonic() + _PAUSE_S > deadline:
            return False
        if waiting:
            time.sleep(_PAUSE_S)
    return True
