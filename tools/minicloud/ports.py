# SPDX-License-Identifier: Apache-2.0
"""The block of loopback ports one minicloud owns."""

import collections.abc
import dataclasses
import hashlib
import socket

FIRST_PORT = 19500
BLOCK_PORTS = 40
BLOCKS = 200

NAMES = (
    'keystone', 'placement', 'glance', 'neutron', 'nova-api',
    'nova-metadata', 'nova-serialproxy', 'heat-api', 'heat-api-cfn',
    'rabbitmq', 'rabbitmq-dist', 'epmd', 'openflow', 'registry')


@dataclasses.dataclass(frozen=True)
class PortPlan:
    """A block of ports, and the number of the external network it implies."""

    base: int

    def port(self, name: str) -> int:
        """Return the port of a service; KeyError if it has none."""
        try:
            return self.base + NAMES.index(name)
        except ValueError:
            raise KeyError(name) from None

    def all(self) -> dict[str, int]:
        """Return every port by service name."""
        return {name: self.port(name) for name in NAMES}

    @property
    def external_prefix(self) -> str:
        """First three octets of the external network, unique to the block."""
        return f'172.24.{(self.base - FIRST_PORT) // BLOCK_PORTS % 250}'


def candidates(home: str) -> collections.abc.Iterator[PortPlan]:
    """Every block once, starting where the hash of the folder says.

    Two checkouts thus start at different blocks even if only one runs.
    """
    digest = hashlib.sha256(home.encode()).digest()
    start = int.from_bytes(digest[:4], 'big') % BLOCKS
    for step in range(BLOCKS):
        yield PortPlan(FIRST_PORT + (start + step) % BLOCKS * BLOCK_PORTS)


def is_free(port: int) -> bool:
    """Whether a listener could be opened on 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(('127.0.0.1', port))
        except OSError:
            return False
    return True


def taken(plan: PortPlan) -> dict[str, int]:
    """Return the ports of the plan somebody listens on already."""
    return {name: port for name, port in plan.all().items()
            if not is_free(port)}
