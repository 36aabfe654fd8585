# SPDX-License-Identifier: Apache-2.0
"""Properties and attributes of OS::Docker::Network and OS::Docker::NetworkAttachment."""

from heat.common.i18n import _
from heat.engine import attributes, constraints, properties

NAME, DRIVER, INTERNAL, ATTACHABLE, IPV6 = 'name', 'driver', 'internal', 'attachable', 'enable_ipv6'
IPAM, POOLS, OPTIONS, LABELS = 'ipam', 'pools', 'options', 'labels'
SUBNET, IP_RANGE, GATEWAY, TAKEN = 'subnet', 'ip_range', 'gateway', 'aux_addresses'
NAMES = r'[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}'
_MANY = 128
_POOLS = 16


def _cidr(description: str, *, required: bool = False) -> properties.Schema:
    return properties.Schema(properties.Schema.STRING, description, required=required,
                             constraints=[constraints.CustomConstraint('net_cidr')])


def _address(description: str, *, update_allowed: bool = False) -> properties.Schema:
    return properties.Schema(properties.Schema.STRING, description, update_allowed=update_allowed,
                             constraints=[constraints.CustomConstraint('ip_addr')])


PROPERTIES = {
    NAME: properties.Schema(
        properties.Schema.STRING,
        _('The name of the network on the engine. Without it, one that is made of those of stack and resource.'),
        constraints=[constraints.AllowedPattern(NAMES)]),
    DRIVER: properties.Schema(
        properties.Schema.STRING, _('The driver. All but bridge need the rule docker:create:network_driver.'),
        default='bridge', constraints=[constraints.AllowedValues(['bridge', 'macvlan', 'ipvlan', 'overlay'])]),
    INTERNAL: properties.Schema(
        properties.Schema.BOOLEAN, _('Whether containers reach nothing outside of it.'), default=False),
    ATTACHABLE: properties.Schema(
        properties.Schema.BOOLEAN, _('Whether containers that are of no service may join an overlay.'), default=False),
    IPV6: properties.Schema(properties.Schema.BOOLEAN, _('Whether it has IPv6.'), default=False),
    IPAM: properties.Schema(
        properties.Schema.MAP, _('Its addresses. Without it the engine chooses them.'), schema={
            POOLS: properties.Schema(
                properties.Schema.LIST, _('Ranges of addresses.'), constraints=[constraints.Length(max=_POOLS)],
                schema=properties.Schema(properties.Schema.MAP, _('One range.'), schema={
                    SUBNET: _cidr(_('The subnet, like 192.0.2.0/24.'), required=True),
                    IP_RANGE: _cidr(_('The part of the subnet of which addresses are given out.')),
                    GATEWAY: _address(_('The address of the gateway.')),
                    TAKEN: properties.Schema(
                        properties.Schema.MAP, _('Addresses that are given to no container, by any names.'),
                        constraints=[constraints.Length(max=_MANY)]),
                })),
        }),
    OPTIONS: properties.Schema(
        properties.Schema.MAP,
        _("Options of the driver. Those of Docker's bridge that need no rule: com.docker.network.driver.mtu, "
          'com.docker.network.bridge.enable_icc, com.docker.network.bridge.enable_ip_masquerade.'),
        constraints=[constraints.Length(max=_MANY)]),
    LABELS: properties.Schema(
        properties.Schema.MAP, _('Labels, beside those that Heat sets.'), constraints=[constraints.Length(max=_MANY)]),
}

ID, SUBNETS, SCOPE, CONTAINERS = 'id', 'subnets', 'scope', 'containers'


def _told(kind: str, description: str) -> attributes.Schema:
    return attributes.Schema(description, type=kind)


def _live(kind: str, description: str) -> attributes.Schema:
    return attributes.Schema(description, type=kind, cache_mode=attributes.Schema.CACHE_NONE)


ATTRIBUTES = {
    ID: _told(attributes.Schema.STRING, _('Its id on the engine.')),
    NAME: _told(attributes.Schema.STRING, _('Its name on the engine.')),
    DRIVER: _told(attributes.Schema.STRING, _('Its driver.')),
    SUBNETS: _told(attributes.Schema.LIST, _('Its subnets, those that the engine chose too, as CIDR.')),
    GATEWAY: _told(attributes.Schema.STRING, _('The address of the gateway of its first subnet.')),
    SCOPE: _told(attributes.Schema.STRING, _('How far it reaches: local is one host.')),
    CONTAINERS: _live(attributes.Schema.LIST, _('Who is in it: maps of id, name, ip_address, ipv6_address and '
                                                'mac_address.')),
}

# NetworkAttachment
CONTAINER, NETWORK, IPV4, IPV6_ADDRESS, MAC = 'container', 'network', 'ipv4_address', 'ipv6_address', 'mac_address'
LINK_LOCAL, ALIASES, LINKS, PRIORITY = 'link_local_ips', 'aliases', 'links', 'gateway_priority'
_LIST_OF_NAMES = properties.Schema(properties.Schema.STRING, _('A name.'), constraints=[constraints.Length(max=255)])

ATTACHMENT_PROPERTIES = {
    CONTAINER: properties.Schema(
        properties.Schema.STRING, _('The container, by a reference to it, its id or its name.'), required=True,
        update_allowed=True, constraints=[constraints.CustomConstraint('docker.container')]),
    NETWORK: properties.Schema(
        properties.Schema.STRING, _('The network, by a reference to it, its id or its name.'), required=True,
        update_allowed=True, constraints=[constraints.Length(min=1, max=255)]),
    IPV4: _address(_('A fixed address of IPv4.'), update_allowed=True),
    IPV6_ADDRESS: _address(_('A fixed address of IPv6.'), update_allowed=True),
    MAC: properties.Schema(
        properties.Schema.STRING, _('A fixed MAC address.'), update_allowed=True,
        constraints=[constraints.CustomConstraint('mac_addr')]),
    LINK_LOCAL: properties.Schema(
        properties.Schema.LIST, _('Link-local addresses beside the ordinary ones, of 169.254.0.0/16 or fe80::/10. They '
                                  'need the rule docker:create:link_local.'),
        schema=_address(_('An address.')), default=[], update_allowed=True,
        constraints=[constraints.Length(max=_MANY)]),
    ALIASES: properties.Schema(
        properties.Schema.LIST, _('Further names of the container in this network.'), schema=_LIST_OF_NAMES,
        default=[], update_allowed=True, constraints=[constraints.Length(max=_MANY)]),
    LINKS: properties.Schema(
        properties.Schema.LIST, _('Other containers and their names here, as CONTAINER:ALIAS.'),
        schema=_LIST_OF_NAMES, default=[], update_allowed=True, constraints=[constraints.Length(max=_MANY)]),
    PRIORITY: properties.Schema(
        properties.Schema.INTEGER,
        _('Whether the container reaches the world by this network: by that of the highest priority. By default 0. For '
          'engines of API 1.48 or later.'), update_allowed=True),
}
IP, ENDPOINT_ID = 'ip_address', 'endpoint_id'
ATTACHMENT_ATTRIBUTES = {
    IP: _live(attributes.Schema.STRING, _('The address of IPv4.')),
    IPV6_ADDRESS: _live(attributes.Schema.STRING, _('The address of IPv6.')),
    MAC: _live(attributes.Schema.STRING, _('The MAC address.')),
    GATEWAY: _live(attributes.Schema.STRING, _('The gateway.')),
    ENDPOINT_ID: _live(attributes.Schema.STRING, _('The id of the attachment on the engine.')),
}
