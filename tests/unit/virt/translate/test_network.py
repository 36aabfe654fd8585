# SPDX-License-Identifier: Apache-2.0
"""Ports as interfaces: addresses, routes and name servers."""

import unittest

from nova_container.virt.translate import network
from tests.unit.virt import servers


def routes(interface):
    return [(route.destination, route.gateway) for route in interface.routes]


class InterfaceTest(unittest.TestCase):

    def one(self, *subnets, **fields):
        return network.interfaces([servers.a_vif(subnets=list(subnets), **fields)])[0]

    def test_a_port_keeps_its_mac_mtu_and_the_name_that_os_vif_knows(self):
        found = self.one(servers.a_subnet(), mtu=1400)
        self.assertEqual(('tap00000001-11', 'eth0', 'fa:16:3e:00:00:01', 1400),
                         (found.host_name, found.name, found.mac, found.mtu))

    def test_all_addresses_of_both_families_are_there(self):
        found = self.one(servers.a_subnet(ips=('192.0.2.5', '192.0.2.6')),
                         servers.a_subnet('2001:db8::/64', ips=('2001:db8::5',), gateway='fe80::1'))
        self.assertEqual(('192.0.2.5/24', '192.0.2.6/24', '2001:db8::5/64'), found.addresses)
        self.assertEqual([('0.0.0.0/0', '192.0.2.1'), ('::/0', 'fe80::1')], routes(found))

    def test_host_routes_come_first_and_a_default_among_them_wins(self):
        found = self.one(servers.a_subnet(routes=[('10.0.0.0/8', '192.0.2.9'), ('0.0.0.0/0', '192.0.2.8')]))
        self.assertEqual([('10.0.0.0/8', '192.0.2.9'), ('0.0.0.0/0', '192.0.2.8')], routes(found))

    def test_the_first_port_with_a_gateway_holds_the_default_route(self):
        isolated = servers.a_vif(1, subnets=[servers.a_subnet(gateway=None)])
        outer = servers.a_vif(2, subnets=[servers.a_subnet('198.51.100.0/24', ips=('198.51.100.5',),
                                                           gateway='198.51.100.1')])
        other = servers.a_vif(3, subnets=[servers.a_subnet('203.0.113.0/24', ips=('203.0.113.5',),
                                                           gateway='203.0.113.1')])
        found = network.interfaces([isolated, outer, other])
        self.assertEqual(['eth0', 'eth1', 'eth2'], [one.name for one in found])
        self.assertEqual([[], [('0.0.0.0/0', '198.51.100.1')], []], [routes(one) for one in found])

    def test_without_a_router_the_dhcp_server_answers_for_the_metadata_service(self):
        found = self.one(servers.a_subnet(gateway=None, dhcp_server='192.0.2.2'))
        self.assertEqual([('169.254.169.254/32', '192.0.2.2')], routes(found))

    def test_a_router_anywhere_answers_for_the_metadata_service(self):
        isolated = servers.a_vif(1, subnets=[servers.a_subnet(gateway=None, dhcp_server='192.0.2.2')])
        found = network.interfaces([isolated, servers.a_vif(2)])
        self.assertEqual([[], [('0.0.0.0/0', '192.0.2.1')]], [routes(one) for one in found])

    def test_a_subnet_in_which_the_port_has_no_address_adds_no_route(self):
        found = self.one(servers.a_subnet(), servers.a_subnet('198.51.100.0/24', ips=(), gateway='198.51.100.1',
                                                              routes=[('10.0.0.0/8', '198.51.100.9')]))
        self.assertEqual([('0.0.0.0/0', '192.0.2.1')], routes(found))

    def test_a_port_without_addresses_is_just_there(self):
        found = self.one()
        self.assertEqual(((), ()), (found.addresses, found.routes))

    def test_a_network_that_tells_no_mtu_has_that_of_ethernet(self):
        self.assertEqual(1500, self.one(servers.a_subnet(), mtu=None).mtu)

    def test_name_servers_of_all_subnets_once_each(self):
        vifs = [servers.a_vif(1, subnets=[servers.a_subnet(dns=('192.0.2.2', '192.0.2.3'))]),
                servers.a_vif(2, subnets=[servers.a_subnet(dns=('192.0.2.3', '2001:db8::1'))])]
        self.assertEqual(('192.0.2.2', '192.0.2.3', '2001:db8::1'), network.name_servers(vifs))

    def test_without_name_servers_the_dhcp_server_answers(self):
        self.assertEqual(('192.0.2.2',), network.name_servers(
            [servers.a_vif(subnets=[servers.a_subnet(dhcp_server='192.0.2.2')])]))
        self.assertEqual((), network.name_servers([servers.a_vif()]))

    def test_the_first_address_of_each_family(self):
        vifs = [servers.a_vif(1, subnets=[servers.a_subnet('2001:db8::/64', ips=('2001:db8::5', '2001:db8::6'))]),
                servers.a_vif(2)]
        self.assertEqual(('192.0.2.5', '2001:db8::5'), network.first_addresses(vifs))
        self.assertEqual((), network.first_addresses([]))
