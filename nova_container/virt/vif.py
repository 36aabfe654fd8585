# SPDX-License-Identifier: Apache-2.0
"""Interfaces of servers: the pair, os-vif's part, and what the container sees. All of it may be repeated."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import os_vif
from nova import exception
from nova.network import model, os_vif_util
from os_vif import exception as os_vif_exception
from os_vif import objects as os_vif_objects
from oslo_log import log as logging

from nova_container import errors
from nova_container.virt import privsep
from nova_container.virt.translate import network

LOG = logging.getLogger(__name__)
_UNBOUND = (model.VIF_TYPE_BINDING_FAILED, model.VIF_TYPE_UNBOUND)


class Vifs:
    """Wires ports of Neutron to network namespaces."""

    def __init__(self, *, tx_offload: bool = False) -> None:
        self._tx_offload = tx_offload

    def plug(self, instance: Any, network_info: Sequence[Any], namespace: str) -> None:
        """Wire every port, in order. What is wired already stays.

        :raises LinkFailed: the kernel or os-vif refuses.
        :raises VirtualInterfacePlugException: a port is not bound to this host.
        :raises InvalidSpec: a port is of a kind that containers cannot have.
        """
        for vif, interface in zip(network_info, network.interfaces(network_info), strict=True):
            self._plug(instance, vif, interface, namespace)

    def attach(self, instance: Any, vif: Any, namespace: str) -> None:
        """Wire one more port, under the first free name. Raises as ``plug``."""
        added = dataclasses.replace(network.interface(vif, 'eth0'), yields_default=True)
        self._plug(instance, vif, added, namespace)

    def unplug(self, instance: Any, network_info: Sequence[Any]) -> None:
        """Take every port away. Silent if there is none; a failure is logged and the next is done."""
        for vif in network_info:
            try:
                self.detach(instance, vif)
            except (errors.LinkFailed, exception.NovaException) as error:
                LOG.warning('Port %s could not be unplugged: %s', vif['id'], error, instance=instance)

    def detach(self, instance: Any, vif: Any) -> None:
        """Take one port away. Silent if it is not there. :raises LinkFailed:"""
        interface = network.interface(vif, '')
        try:
            if vif['type'] not in _UNBOUND:
                _ask_os_vif(os_vif.unplug, instance, _os_vif_object(vif))
        finally:
            privsep.unwire(interface.host_name)

    def counters(self, namespace: str) -> Sequence[dict[str, Any]]:
        """What went through each interface: mac, rx_bytes, ... as ``links.Counters`` has it. :raises LinkFailed:"""
        return privsep.counters(namespace)

    def _plug(self, instance: Any, vif: Any, interface: network.Interface, namespace: str) -> None:
        check(vif)
        described = _os_vif_object(vif)
        name = privsep.wire(dataclasses.asdict(interface), namespace, self._tx_offload)
        _ask_os_vif(os_vif.plug, instance, described)
        if isinstance(described, os_vif_objects.vif.VIFBridge):
            privsep.join_bridge(interface.host_name, described.bridge_name)
        LOG.debug('Plugged port %s as %s', vif['id'], name, instance=instance)


def check(vif: Any) -> None:
    """:raises VirtualInterfacePlugException: not bound.  :raises InvalidSpec: not of a kind we can plug."""
    if vif['type'] in _UNBOUND:
        raise exception.VirtualInterfacePlugException(f'Port {vif["id"]} is not bound to this host')
    if vif['vnic_type'] != model.VNIC_TYPE_NORMAL:
        raise errors.InvalidSpec(f'port {vif["id"]} has VNIC type {vif["vnic_type"]}; containers take normal')


def _os_vif_object(vif: Any) -> Any:
    """os-vif's view of the port, told not to make a device: the pair is it."""
    described = os_vif_util.nova_to_osvif_vif(vif)
    if described is None:
        raise errors.InvalidSpec(f'port {vif["id"]} has type {vif["type"]}, which os-vif does not know')
    profile = described.port_profile if 'port_profile' in described else None
    if profile is not None and 'create_tap' in profile.fields:
        profile.create_tap = False
    return described


def _ask_os_vif(action: Callable[[Any, Any], None], instance: Any, described: Any) -> None:
    try:
        action(described, os_vif_util.nova_to_osvif_instance(instance))
    except os_vif_exception.ExceptionBase as error:
        raise errors.LinkFailed(f'os-vif: {error}') from error
