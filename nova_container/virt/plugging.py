# SPDX-License-Identifier: Apache-2.0
"""Wait for Neutron's word that a port works, around the plugging of it."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from nova import exception
from nova.network import model
from oslo_log import log as logging

LOG = logging.getLogger(__name__)


@contextlib.contextmanager
def waited_for(virtapi: Any, instance: Any, network_info: Sequence[Any], *, timeout_s: int,
               is_fatal: bool) -> Iterator[None]:
    """Run the block, then wait until every port that was down has come up.

    :raises VirtualInterfaceCreateException: Neutron reports a failure or ``timeout_s`` passes, if ``is_fatal``.
    """
    def failed(event_name: str, instance: Any) -> None:
        LOG.error('Neutron reported a failure of %s', event_name, instance=instance)
        if is_fatal:
            raise exception.VirtualInterfaceCreateException()

    try:
        with virtapi.wait_for_instance_event(instance, _events(network_info) if timeout_s else [],
                                             timeout=timeout_s, error_callback=failed):
            yield
    except exception.InstanceEventTimeout as error:
        LOG.warning('Neutron did not report every port within %d s', timeout_s, instance=instance)
        if is_fatal:
            raise exception.VirtualInterfaceCreateException() from error


def _events(network_info: Sequence[Any]) -> list[tuple[str, str]]:
    """One for each port that is down and known to be."""
    return [('network-vif-plugged', vif['id']) for vif in network_info
            if vif.get('active', True) is False and vif['vnic_type'] != model.VNIC_TYPE_REMOTE_MANAGED]
