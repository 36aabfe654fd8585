# SPDX-License-Identifier: Apache-2.0
"""Which addresses a tenant may make heat-engine connect to: judged after the name is looked up, at each connection.

Never: this host, its links, what the operator lists in ``denied_networks``, and addresses that are not of one host.
"""

import hashlib
import ipaddress
import socket
from urllib.parse import urlsplit

from oslo_config import cfg

from heat_container import conf
from nova_container import errors
from nova_container.docker import dialing

CONF = cfg.CONF
conf.register(CONF)
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network('64:ff9b::/96')
# fd00:ec2::254 and fd00:a9fe:a9fe::/48 are metadata services of clouds; 100.100.100.200 is one too
_METADATA = tuple(map(ipaddress.ip_network, ('fd00:ec2::/32', 'fd00:a9fe:a9fe::/48', '100.100.100.200/32',
                                             '192.0.0.0/24', '0.0.0.0/8')))


def check_url(url: str) -> None:
    """Whether a tenant may name this as its engine; the address is judged later. :raises InvalidRequest:"""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise errors.InvalidRequest('The URL of an endpoint is tcp://host:port') from None
    if parts.scheme not in ('tcp', 'https') or not host:
        raise errors.InvalidRequest(f'An endpoint of a project is tcp://host:port with TLS, not {parts.scheme}:')
    if parts.username or parts.password or parts.path.strip('/') or parts.query or parts.fragment:
        raise errors.InvalidRequest('The URL of an endpoint is tcp://host:port, without a user, a path or a query')
    if port == 0:
        raise errors.InvalidRequest('The port of an endpoint is 1 to 65535')


def host_of(url: str) -> str:
    """The host in a URL, '' of a unix socket."""
    return urlsplit(url).hostname or ''


def host_id(project_id: str, host: str) -> str:
    """How Nova shows a host to those who may not know its name (nova/utils.py, generate_hostid)."""
    return hashlib.sha224((project_id + host).encode()).hexdigest()


def judge(address: str) -> None:
    """:raises Denied: no tenant may reach this address."""
    for found in _all_meanings(ipaddress.ip_address(address.partition('%')[0])):
        if _is_denied(found):
            raise errors.Denied(f'{address}: heat-engine connects to no such address for a project')


def address_for_tenant(host: str, port: int) -> str:
    """The address to connect to. :raises Denied: one of the host's is not allowed. :raises Unavailable: no such."""
    return dialing.addresses(host, port, judge)[0]


def _all_meanings(address: _Address) -> list[_Address]:
    """The address, and those of IPv4 that one of IPv6 carries in it."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64 or int(address) >> 32 == 0:  # the latter: IPv4-compatible
        inner.append(ipaddress.IPv4Address(int(address) & 0xffffffff))
    return [address, *(each for each in inner if each is not None)]


def _is_denied(address: _Address) -> bool:
    return (address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified
            or address.is_reserved or getattr(address, 'is_site_local', False)
            or any(address in network for network in (*_METADATA, *_denied_networks())) or _is_of_this_host(address))


def _denied_networks() -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [ipaddress.ip_network(text, strict=False) for text in CONF.docker.denied_networks]


def _is_of_this_host(address: _Address) -> bool:
    """The kernel binds a socket to addresses of this host only."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True
