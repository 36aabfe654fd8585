# SPDX-License-Identifier: Apache-2.0
"""Networks of an engine, and the part of a container in them. Servers of Nova never use these: Neutron wires them."""

import abc
import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Subnet:
    """One address range: ``subnet`` and ``ip_range`` as CIDR, of which addresses are given out; others are taken."""

    subnet: str
    gateway: str | None = None
    ip_range: str | None = None
    taken: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network to make. ``driver`` is bridge, macvlan, host or none; without subnets the engine chooses one.

    ``options`` are the driver's, by Docker's names (``com.docker.network.bridge.name``, ``parent``).

    With ``config_only`` nothing is made, and no container can be in it: it is a configuration that others name by
    ``config_from``, whose subnets, IPv6, options and labels are then those of it.
    """

    name: str
    driver: str = 'bridge'
    subnets: tuple[Subnet, ...] = ()
    internal: bool = False
    ipv6: bool = False
    attachable: bool = False
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    config_only: bool = False
    config_from: str = ''


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What a container wants in a network: other names, fixed addresses. None and () leave it to the engine.

    ``link_local`` are addresses of 169.254.0.0/16 and fe80::/10 that its interface has beside the ordinary ones.
    The endpoint of the highest ``priority`` is the one by which a container reaches the world.
    """

    network: str
    aliases: tuple[str, ...] = ()
    ipv4: str | None = None
    ipv6: str | None = None
    mac: str | None = None
    link_local: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)
    priority: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EndpointInfo:
    """What a container has in a network; addresses with their prefix length, '' while it does not run."""

    network_id: str
    network: str
    id: str = ''
    container_id: str = ''
    container_name: str = ''
    interface: str = ''
    mac: str = ''
    ipv4: str = ''
    ipv6: str = ''
    gateway: str = ''
    gateway6: str = ''
    aliases: tuple[str, ...] = ()
    wanted: Endpoint | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port of a container shown on the host. ``host_port`` 0 is any free one; ``protocol`` tcp, udp or sctp."""

    container_port: int
    protocol: str = 'tcp'
    host_ip: str = ''
    host_port: int = 0
    host_port_end: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NetworkInfo:
    """A network as it is; ``spec.subnets`` with what the engine chose."""

    id: str
    spec: Network
    created_at: float
    endpoints: tuple[EndpointInfo, ...] = ()


class NetworkOps(abc.ABC):
    """Verbs over networks. ``network`` is an id, a unique prefix of one, or a name."""

    @abc.abstractmethod
    def create_network(self, network: Network) -> str:
        """Make a network and return its id.

        :raises AlreadyExists: the name.  :raises InvalidSpec: a subnet overlaps.  :raises NotFound: its configuration.
        """

    @abc.abstractmethod
    def inspect_network(self, network: str) -> NetworkInfo:
        """One network. :raises NetworkNotFound:"""

    @abc.abstractmethod
    def list_networks(self) -> tuple[NetworkInfo, ...]:
        """All networks, the built-in bridge, host and none included."""

    @abc.abstractmethod
    def remove_network(self, network: str) -> None:
        """Remove it; silent if there is none.

        :raises WrongState: containers are in it, or another is made from it.  :raises Denied: built in.
        """

    @abc.abstractmethod
    def connect(self, container: str, endpoint: Endpoint) -> None:
        """Put a container into a network, live if it runs. :raises AlreadyExists: it is in it."""

    @abc.abstractmethod
    def disconnect(self, container: str, network: str, *, force: bool = False) -> None:
        """Take it out, live if it runs. :raises NotFound: it is not in it, or one of the two is not there."""

    @abc.abstractmethod
    def prune_networks(self) -> tuple[str, ...]:
        """Remove networks that no container is in, but no configurations; returns their names."""
