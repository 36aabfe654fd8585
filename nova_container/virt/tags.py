# SPDX-License-Identifier: Apache-2.0
"""Tags that a tenant gave to ports, for the metadata service to show with the MAC address."""

from typing import Any

from nova.objects import virt_device_metadata as objects
from nova.objects import virtual_interface


def device_metadata(context: Any, instance: Any) -> objects.InstanceDeviceMetadata | None:
    """The tagged ports of a server; None if there are none. Veth interfaces sit on no bus."""
    ports = virtual_interface.VirtualInterfaceList.get_by_instance_uuid(context, instance.uuid)
    tagged = [objects.NetworkInterfaceMetadata(mac=_mac(port.address), tags=[port.tag])
              for port in ports if 'tag' in port and port.tag]
    return objects.InstanceDeviceMetadata(devices=tagged) if tagged else None


def _mac(address: str) -> str:
    """Nova keeps ``MAC/port id`` in that field."""
    return address.partition('/')[0]
