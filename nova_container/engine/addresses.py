# SPDX-License-Identifier: Apache-2.0
"""Which subnets and addresses are free: Docker's default pools and its way of giving addresses. Pure."""

import dataclasses
import ipaddress
from collections.abc import Collection, Iterable, Iterator

from nova_container import errors
from nova_container.engine.network import Network, Subnet

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
BRIDGE_POOL = ipaddress.IPv4Network('172.17.0.0/16')
"""Docker's subnet of the network ``bridge``."""

# moby libnetwork ipamutils: 172.17-31/16 and 192.168/20
_POOLS: tuple[IPNetwork, ...] = (
    BRIDGE_POOL, *(ipaddress.IPv4Network(f'172.{number}.0.0/16') for number in range(18, 32)),
    *ipaddress.IPv4Network('192.168.0.0/16').subnets(new_prefix=20))
_POOL6 = ipaddress.IPv6Network('fd6e:6f76:6100::/48')  # unique local (RFC 4193): "nova"


def completed(network: Network, taken: Iterable[IPNetwork], *, first: bool = False) -> tuple[Subnet, ...]:
    """The subnets of a network to be made, with what it leaves open chosen, and a gateway each.

    :param taken: of other networks, and the host's routes.
    :param first: whether 172.17.0.0/16, which is kept for ``bridge``, may be chosen.
    :raises InvalidSpec: one overlaps what is taken.  :raises Exhausted: no pool is free.
    """
    used = list(taken)
    subnets = [_normal(each) for each in network.subnets]
    if not any(version_of(each) == 4 for each in subnets):
        subnets.insert(0, Subnet(subnet=str(_free(_POOLS if first else _POOLS[1:], used))))
    if network.ipv6 and not any(version_of(each) == 6 for each in subnets):
        subnets.append(Subnet(subnet=str(_free(_POOL6.subnets(new_prefix=64), used))))
    for each in subnets:
        own = ipaddress.ip_network(each.subnet)
        for other in used:
            if own.version == other.version and own.overlaps(other):
                raise errors.InvalidSpec(f'Pool overlaps with other one on this address space: {own} and {other}')
        used.append(own)
    return tuple(each if each.gateway else dataclasses.replace(each, gateway=_gateway(each)) for each in subnets)


def _normal(subnet: Subnet) -> Subnet:
    """The subnet with every address written the one way by which they are compared."""
    return Subnet(
        subnet=str(ipaddress.ip_network(subnet.subnet)),
        gateway=subnet.gateway and str(ipaddress.ip_address(subnet.gateway)),
        ip_range=subnet.ip_range and str(ipaddress.ip_network(subnet.ip_range)),
        taken={name: str(ipaddress.ip_address(address)) for name, address in subnet.taken.items()})


def _free(pools: Iterable[IPNetwork], used: Iterable[IPNetwork]) -> IPNetwork:
    busy = tuple(used)
    for pool in pools:
        if not any(pool.version == other.version and pool.overlaps(other) for other in busy):
            return pool
    raise errors.Exhausted('All predefined address pools are in use: give the network a subnet of its own')


def _gateway(subnet: Subnet) -> str:
    """The first address that is nobody's, of the range if there is one (as Docker). :raises InvalidSpec: none is."""
    taken = set(subnet.taken.values())
    for address in _hosts(subnet):
        if str(address) not in taken:
            return str(address)
    raise errors.InvalidSpec(f'subnets: {subnet.ip_range or subnet.subnet} has no address for a gateway: name one')


def version_of(subnet: Subnet) -> int:
    """4 or 6."""
    return ipaddress.ip_network(subnet.subnet).version


def give(subnet: Subnet, used: Collection[str], wanted: str | None = None) -> str:
    """An address with its prefix length: the wanted one, or the lowest that is free.

    :param used: addresses, without prefix length, that others have.
    :raises InvalidSpec: the wanted one is not of the subnet.  :raises AlreadyExists: it is taken.
    :raises Exhausted: there is none left.
    """
    network = ipaddress.ip_network(subnet.subnet)
    kept = {subnet.gateway, *subnet.taken.values()}
    if wanted is not None:
        return _wanted(network, str(ipaddress.ip_address(wanted)), used, kept)
    for address in _hosts(subnet):
        if str(address) not in kept and str(address) not in used:
            return f'{address}/{network.prefixlen}'
    raise errors.Exhausted(f'No address is left in {subnet.ip_range or subnet.subnet}: remove or disconnect containers')


def _wanted(network: IPNetwork, wanted: str, used: Collection[str], kept: Collection[str | None]) -> str:
    address = ipaddress.ip_address(wanted)
    if address not in network or address in _ends(network):
        raise errors.InvalidSpec(f'The address {wanted} is not one of a host in {network}')
    if wanted in used or wanted in kept:
        raise errors.AlreadyExists(f'Address already in use: {wanted}')
    return f'{wanted}/{network.prefixlen}'


def _hosts(subnet: Subnet) -> Iterator[IPAddress]:
    """Addresses that a host may have, lowest first, of the range if there is one."""
    ends = _ends(ipaddress.ip_network(subnet.subnet))
    for address in _counted(ipaddress.ip_network(subnet.ip_range or subnet.subnet)):
        if address not in ends:
            yield address


def _ends(network: IPNetwork) -> Collection[IPAddress]:
    """Addresses that no host may have: the first, which in IPv6 is any router's, and the broadcast address of IPv4."""
    if network.num_addresses <= 2:
        return ()
    return (network.network_address,) if network.version == 6 else (network.network_address, network.broadcast_address)


def _counted(network: IPNetwork) -> Iterator[IPAddress]:
    """One by one, as a list of an IPv6 network would have no end."""
    make = ipaddress.IPv4Address if network.version == 4 else ipaddress.IPv6Address
    return (make(number) for number in range(int(network.network_address), int(network.broadcast_address) + 1))


def mac_of(address: str) -> str:
    """Docker's MAC address of an IPv4 one: 02:42 and its four bytes, so that a reused address is no stranger."""
    packed = ipaddress.ip_interface(address).ip.packed[-4:]
    return '02:42:' + ':'.join(f'{byte:02x}' for byte in packed)
