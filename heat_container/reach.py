# SPDX-License-Identifier: Apache-2.0
"""Which addresses a tenant may make heat-engine connect to: judged after the name is looked up, at each connection.

Never: this host, its links, what the operator lists in ``denied_networks``, and addresses that are not of one host.
"""

import hashlib
import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from oslo_config import cfg

from heat_container import conf
from nova_container import errors
from nova_container.docker import dialing
from nova_container.image import reference as references

CONF = cfg.CONF
conf.register(CONF)
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_HTTPS = 443
_CARRYING = tuple(map(ipaddress.ip_network, ('64:ff9b::/96', '64:ff9b:1::/48', '::ffff:0:0:0/96')))
# Of IPv6 that end in one of IPv4: NAT64 (RFC 6052, RFC 8215), and IPv4-translated ones (RFC 2765)
# fd00:ec2::254 and fd00:a9fe:a9fe::/48 are metadata services of clouds; 100.100.100.200 and
# 168.63.129.16 are too
_METADATA = tuple(map(ipaddress.ip_network, ('fd00:ec2::/32', 'fd00:a9fe:a9fe::/48', '100.100.100.200/32',
                                             '168.63.129.16/32', '192.0.0.0/24', '0.0.0.0/8')))


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


def check_registry(domain: str, internal: Collection[str]) -> None:
    """Whether a tenant may send an engine to a registry, as far as its name is known here.

    :param domain: ``host`` or ``host:port``.
    :param internal: those that the operator lets everybody use, with a port or without.
    :raises Denied: it is where nothing of tenants is.
    """
    parts = urlsplit(f'//{domain}')
    host = parts.hostname or ''
    if domain == references.DEFAULT_DOMAIN or {domain, host} & set(internal):
        return
    try:
        dialing.addresses(host, parts.port or _HTTPS, judge)
    except errors.Unavailable:
        return  # the engine may know more names, and says so if it does not
    except errors.Denied as error:
        raise errors.Denied(f'image: the registry {domain} is not for projects; the operator may list it as '
                            f'internal_registries ({error})') from None


def _all_meanings(address: _Address) -> list[_Address]:
    """The address, and those of IPv4 that one of IPv6 carries in it."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in each for each in _CARRYING) or int(address) >> 32 == 0:  # the latter: IPv4-compatible
        inner.append(ipaddress.IPv4Address(int(address) & 0xffffffff))
    return [address, *(each for each in inner if each is not None)]


def _is_denied(address: _Address) -> bool:
    return (address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified
            or address.is_reserved or getattr(address, 'is_site_local', False)
            or any(address in network for network in (*_METADATA, *_denied_networks())) or _is_of_this_host(address))


def _denied_networks() -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [ipaddress.ip_network(text, strict=False) for text in CONF.docker.denied_networks]


def _is_of_this_host(address: _Address) -> bool:
    """Only to those the kernel goes from the very same. (It binds to others too, with ip_nonlocal_bind.)"""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), _HTTPS))
            return bool(ipaddress.ip_address(probe.getsockname()[0].partition('%')[0]) == address)
    except OSError:
        return False
