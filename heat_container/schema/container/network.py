# SPDX-License-Identifier: Apache-2.0
"""Properties of a container about networks."""

from heat.common.i18n import _

from heat_container.schema.kinds import custom, flag, like, mapping, one_of, records, text, texts, whole

_MAC = '[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}'
ENDPOINT_FIELDS = {
    'network': text(_('The network: bridge, or an OS::Docker::Network.'), required=True),
    'ipv4_address': text(_('A fixed IPv4 address.'), constraints=custom('ip_addr')),
    'ipv6_address': text(_('A fixed IPv6 address.'), constraints=custom('ip_addr')),
    'mac_address': text(_('A fixed MAC address.'), constraints=like(_MAC)),
    'aliases': texts(_('Further names by which the others in the network find it.')),
    'link_local_ips': texts(_('Link-local addresses beside the ordinary ones, of 169.254.0.0/16 or fe80::/10. They '
                              'need the rule docker:create:link_local.'), item=custom('ip_addr')),
    'links': texts(_('Names for other containers, as CONTAINER:ALIAS.')),
    'driver_options': mapping(_('Options of the driver of the network.')),
    'gateway_priority': whole(_('Which of its networks leads to the world: that of the highest priority. By default '
                                '0. For engines of API 1.48 or later.')),
}
PORT_FIELDS = {
    'container_port': whole(_('The port inside.'), 1, 65535, required=True),
    'protocol': text(_('tcp, udp or sctp.'), default='tcp', constraints=one_of('tcp', 'udp', 'sctp')),
    'host_port': whole(_('The port of the host. By default any that is free; the attribute ports tells.'), 1, 65535),
    'host_port_end': whole(_('The last port of a range that begins with host_port, of which any that is free is '
                             'taken.'), 1, 65535),
    'host_ip': text(_('The address of the host. By default all.'), constraints=custom('ip_addr')),
}
NETWORK = {
    'networks': records(_('Networks to be in. By default bridge, the network that every engine has.'), ENDPOINT_FIELDS,
                        update_allowed=True),
    'network_mode': text(_('Instead of networks: none, host, or container:ID, whose network is shared.'),
                         constraints=like('none|host|container:.+')),
    'ports': records(_('Ports that the host shows.'), PORT_FIELDS),
    'publish_all_ports': flag(_('Whether the host shows every exposed port, at any that is free.'), False),
    'links': texts(_('Names for other containers of the first network, as CONTAINER:ALIAS.')),
    'dns': texts(_('Addresses of name servers.')),
    'dns_search': texts(_('Domains in which short names are looked for.')),
    'dns_options': texts(_('Options of resolv.conf.')),
    'extra_hosts': texts(_('Lines of /etc/hosts, as NAME:ADDRESS.')),
}
