# SPDX-License-Identifier: Apache-2.0
"""Ports wired by a real kernel. Only os-vif is a fake: it needs a switch; tests/cloud has a real one."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import pytest
from nova import exception
from os_vif import exception as os_vif_exception

from nova_container import errors
from nova_container.host import links, netns
from nova_container.virt import privsep
from nova_container.virt import vif as vif_module
from tests.unit.virt import servers

NUMBERS = (1, 2, 3)


@pytest.mark.root
@unittest.skipUnless(os.geteuid() == 0, 'only root wires interfaces')
class VifsTest(unittest.TestCase):

    def setUp(self):
        mode = mock.patch.object(privsep.context, 'client_mode', False)
        mode.start()
        self.addCleanup(mode.stop)
        folder = tempfile.TemporaryDirectory(dir='/run')
        self.addCleanup(folder.cleanup)
        self.addCleanup(self.check_nothing_is_left)
        self.space = Path(folder.name) / 'a'
        netns.create(self.space)
        self.os_vif = mock.patch.multiple(vif_module.os_vif, plug=mock.DEFAULT, unplug=mock.DEFAULT)
        self.asked = self.os_vif.start()
        self.addCleanup(self.os_vif.stop)
        self.vifs, self.instance = vif_module.Vifs(), servers.an_instance()

    def check_nothing_is_left(self):
        netns.remove(self.space)
        with links.Links() as here:
            left = [number for number in NUMBERS if here.exists(servers.a_vif(number)['devname'])]
            for number in NUMBERS:
                here.delete(servers.a_vif(number)['devname'])
        self.assertEqual([], left)

    def plug(self, *vifs):
        self.vifs.plug(self.instance, servers.a_network_info(*vifs), str(self.space))

    def unplug(self, *vifs):
        self.vifs.unplug(self.instance, servers.a_network_info(*vifs))

    def inside(self):
        with links.Links(self.space) as found:
            return {link.name: (link.mac, link.mtu, link.up) for link in found.list() if link.name != 'lo'}

    def addresses(self, name):
        with links.Links(self.space) as found:
            return {one for one in found.addresses(name) if not one.startswith('fe80')}

    def read(self, path):
        return netns.run_in(self.space, lambda: Path(path).read_text())

    def defaults(self):
        lines = [line.split() for line in self.read('/proc/thread-self/net/route').splitlines()]
        return [line[0] for line in lines if line[1] == '00000000']

    def test_ports_in_order_with_both_families_and_one_default_route(self):
        first = servers.a_vif(1, subnets=[servers.a_subnet(), servers.a_subnet(
            '2001:db8::/64', ips=('2001:db8::5',), gateway='2001:db8::1')])
        second = servers.a_vif(2, mtu=1400, subnets=[servers.a_subnet(
            '198.51.100.0/24', ips=('198.51.100.5',), gateway='198.51.100.1', routes=[('10.0.0.0/8', '198.51.100.9')])])
        self.plug(first, second)
        self.assertEqual({'eth0': ('fa:16:3e:00:00:01', 1450, True), 'eth1': ('fa:16:3e:00:00:02', 1400, True)},
                         self.inside())
        self.assertEqual({'192.0.2.5/24', '2001:db8::5/64'}, self.addresses('eth0'))
        self.assertEqual(['eth0'], self.defaults())
        self.assertEqual('0\n', self.read('/proc/sys/net/ipv6/conf/eth0/accept_ra'))
        flags = [int(line.split()[4], 16) for line in self.read('/proc/thread-self/net/if_inet6').splitlines()]
        self.assertFalse([one for one in flags if one & 0x40])      # none is tentative
        self.unplug(first, second)

    def test_the_host_end_is_there_before_os_vif_is_asked(self):
        seen = []

        def plug(described, instance):
            with links.Links() as here:
                seen.append((described.vif_name, here.exists(described.vif_name), described.port_profile.create_port))
        self.asked['plug'].side_effect = plug
        self.plug(servers.a_vif())
        self.assertEqual([(servers.a_vif()['devname'], True, True)], seen)
        self.unplug(servers.a_vif())

    def test_a_hybrid_port_joins_the_bridge_that_os_vif_makes(self):
        vif, bridges = servers.a_vif(), []
        vif['details']['ovs_hybrid_plug'] = True

        def plug(described, instance):
            bridges.append(described.bridge_name)
            subprocess.run(['ip', 'link', 'add', described.bridge_name, 'type', 'bridge'], check=True)
        self.asked['plug'].side_effect = plug
        try:
            self.plug(vif)
            ports = os.listdir(f'/sys/class/net/{bridges[0]}/brif')
        finally:
            with links.Links() as here:
                for name in bridges:
                    here.delete(name)
        self.assertEqual([vif['devname']], ports)
        self.unplug(vif)

    def test_a_second_plug_changes_nothing(self):
        self.plug(servers.a_vif())
        with links.Links() as here:
            before = here.find(servers.a_vif()['devname']).index
        self.plug(servers.a_vif())
        with links.Links() as here:
            self.assertEqual(before, here.find(servers.a_vif()['devname']).index)
        self.unplug(servers.a_vif())

    def test_a_plug_that_broke_off_is_completed(self):
        self.asked['plug'].side_effect = os_vif_exception.PlugException(vif='x', err='no switch')
        with self.assertRaisesRegex(errors.LinkFailed, 'no switch'):
            self.plug(servers.a_vif())
        self.asked['plug'].side_effect = None
        self.plug(servers.a_vif())
        self.assertEqual(['eth0'], list(self.inside()))
        self.unplug(servers.a_vif())

    def test_a_port_takes_the_first_free_name_and_others_keep_theirs(self):
        self.plug(servers.a_vif(1), servers.a_vif(2))
        self.vifs.detach(self.instance, servers.a_vif(1))
        self.assertEqual(['eth1'], list(self.inside()))
        self.plug(servers.a_vif(2))
        self.assertEqual(['eth1'], list(self.inside()))
        self.vifs.attach(self.instance, servers.a_vif(3), str(self.space))
        self.assertEqual({'eth0', 'eth1'}, set(self.inside()))
        self.unplug(servers.a_vif(2), servers.a_vif(3))

    def test_an_attached_port_does_not_take_the_default_route_away(self):
        self.plug(servers.a_vif(1))
        second = servers.a_vif(2, subnets=[
            servers.a_subnet('198.51.100.0/24', ips=('198.51.100.5',), gateway='198.51.100.1'),
            servers.a_subnet('2001:db8::/64', ips=('2001:db8::5',), gateway='2001:db8::1')])
        self.vifs.attach(self.instance, second, str(self.space))
        self.vifs.attach(self.instance, second, str(self.space))
        self.assertEqual(['eth0'], self.defaults())
        self.assertIn(f'{"0" * 32} 00', self.read('/proc/thread-self/net/ipv6_route'))
        self.unplug(servers.a_vif(1), second)

    def test_a_changed_mtu_arrives_on_both_ends(self):
        self.plug(servers.a_vif(mtu=1450))
        self.plug(servers.a_vif(mtu=1300))
        with links.Links() as here:
            self.assertEqual(1300, here.find(servers.a_vif()['devname']).mtu)
        self.assertEqual(1300, self.inside()['eth0'][1])
        self.unplug(servers.a_vif())

    def test_a_port_without_addresses_is_up(self):
        self.plug(servers.a_vif(subnets=[]))
        self.assertTrue(self.inside()['eth0'][2])
        self.unplug(servers.a_vif())

    def test_a_namespace_that_was_made_anew_is_wired_anew(self):
        self.plug(servers.a_vif())
        netns.remove(self.space)
        netns.create(self.space)
        self.plug(servers.a_vif())
        self.assertEqual(['eth0'], list(self.inside()))
        self.unplug(servers.a_vif())

    def test_unplug_may_be_repeated_and_one_failure_does_not_stop_it(self):
        self.plug(servers.a_vif(1), servers.a_vif(2))
        self.asked['unplug'].side_effect = os_vif_exception.UnplugException(vif='x', err='no switch')
        with self.assertLogs('nova_container.virt.vif', 'WARNING') as logged:
            self.unplug(servers.a_vif(1), servers.a_vif(2))
        self.assertEqual(2, len(logged.output))
        self.asked['unplug'].side_effect = None
        self.unplug(servers.a_vif(1), servers.a_vif(2))
        self.assertEqual({}, self.inside())

    def test_ports_that_cannot_be_plugged_are_told_apart(self):
        with self.assertRaises(exception.VirtualInterfacePlugException):
            self.plug(servers.a_vif(kind='binding_failed'))
        with self.assertRaisesRegex(errors.InvalidSpec, 'containers take normal'):
            self.plug(servers.a_vif(vnic_type='direct'))
        self.unplug(servers.a_vif(kind='unbound'))
