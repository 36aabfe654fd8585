# SPDX-License-Identifier: Apache-2.0
"""The network of our engine's containers in a bench: what dockerd and podman do for theirs, by hand.

The engine leaves the wiring of a namespace to its caller (nova-compute), so the bench does it and counts it.
"""

import itertools
from pathlib import Path

from bench.daemons import command
from nova_container.host.links import Links

_BRIDGE = 'bench0'
_GATEWAY = '10.214.0.1'


class Bridge:
    """A bridge with an address; each container gets a veth on it, an address and a default route."""

    def __init__(self) -> None:
        self._numbers = itertools.count(2)

    def make(self) -> None:
        """Make the bridge. It ends with the network namespace of the bench."""
        command(['ip', 'link', 'add', _BRIDGE, 'type', 'bridge'])
        command(['ip', 'address', 'add', f'{_GATEWAY}/16', 'dev', _BRIDGE])
        command(['ip', 'link', 'set', _BRIDGE, 'up'])

    def plug(self, namespace: Path) -> str:
        """Give the namespace an interface ``eth0`` on the bridge; the name of the end outside."""
        number = next(self._numbers)
        name, host = f'bv{number}', f'10.214.{number // 250}.{number % 250 + 2}'
        with Links() as outside:
            outside.create_veth(name, peer_name='eth0', peer_namespace=namespace, mtu=1500,
                                mac=f'02:42:0a:d6:{number >> 8 & 255:02x}:{number & 255:02x}')
            outside.set_master(name, _BRIDGE)
        with Links(namespace) as inside:
            inside.set_up('eth0')
            inside.add_address('eth0', f'{host}/16')
            inside.add_route('eth0', '0.0.0.0/0', _GATEWAY)
        return name

    @staticmethod
    def unplug(name: str) -> None:
        """Delete an interface, both ends. Silent if it is gone with its namespace."""
        with Links() as outside:
            outside.delete(name)
