# SPDX-License-Identifier: Apache-2.0
"""Links and namespaces of a real kernel; every test checks that nothing is left."""

import os
import statistics
import tempfile
import threading
import time
import unittest
from concurrent import futures
from pathlib import Path

import pytest

from nova_container import errors
from nova_container.host import links, netlink, netns

MAC = 'fa:16:3e:00:00:01'


def mounts_below(folder: Path) -> list[str]:
    return [line for line in Path('/proc/self/mounts').read_text().splitlines() if str(folder) in line]


@pytest.mark.root
@unittest.skipUnless(os.geteuid() == 0, 'only root makes namespaces')
class KernelTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir='/run')
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.addCleanup(self.check_nothing_is_left)
        self.space = self.folder / 'a'
        self.host_name = f'tap{os.getpid() % 0xffffff:x}'

    def check_nothing_is_left(self):
        with links.Links() as here:
            here.delete(self.host_name)
        for path in self.folder.iterdir():
            netns.remove(path)
        self.assertEqual([], mounts_below(self.folder))
        self.assertEqual([], list(self.folder.iterdir()))
        self.assertFalse([one for one in threading.enumerate() if one.name == 'netns'])

    def plug(self):
        netns.create(self.space)
        with links.Links() as here:
            here.create_veth(self.host_name, peer_name='eth0', peer_namespace=self.space, mac=MAC, mtu=1450)


class NamespaceTest(KernelTest):

    def test_a_new_namespace_holds_loopback_up_and_nothing_else(self):
        netns.create(self.space)
        with links.Links(self.space) as inside:
            self.assertEqual([('lo', True)], [(link.name, link.up) for link in inside.list()])
        self.assertTrue(netns.exists(self.space))

    def test_the_maker_stays_where_it_was(self):
        before = os.stat('/proc/thread-self/ns/net').st_ino
        netns.create(self.space)
        self.assertEqual(before, os.stat('/proc/thread-self/ns/net').st_ino)

    def test_a_taken_path_is_refused_and_stays(self):
        netns.create(self.space)
        with self.assertRaisesRegex(errors.LinkFailed, 'File exists'):
            netns.create(self.space)
        self.assertTrue(netns.exists(self.space))

    def test_a_failed_create_leaves_nothing(self):
        with self.assertRaises(errors.LinkFailed):
            netns.create(self.folder / 'no-such-folder' / 'a')

    def test_remove_may_be_repeated(self):
        netns.create(self.space)
        netns.remove(self.space)
        netns.remove(self.space)
        self.assertFalse(self.space.exists())

    def test_a_plain_file_that_a_reboot_left_is_no_namespace_and_can_be_removed(self):
        self.space.touch()
        self.assertFalse(netns.exists(self.space))
        with self.assertRaises(netlink.Missing):
            netns.run_in(self.space, lambda: None)
        netns.remove(self.space)
        self.assertFalse(self.space.exists())

    def test_an_action_runs_inside_and_its_error_comes_out(self):
        netns.create(self.space)
        inside = netns.run_in(self.space, lambda: os.stat('/proc/thread-self/ns/net').st_ino)
        self.assertEqual(os.stat(self.space).st_ino, inside)
        with self.assertRaises(ZeroDivisionError):
            netns.run_in(self.space, lambda: 1 // 0)

    def test_sysctls_are_set_inside_only(self):
        netns.create(self.space)
        before = Path('/proc/sys/net/ipv4/ip_forward').read_text()
        netns.write_sysctls(self.space, {'net/ipv4/ip_forward': '1', 'net/no/such': '1'})
        read = netns.run_in(self.space, lambda: Path('/proc/sys/net/ipv4/ip_forward').read_text())
        self.assertEqual(('1\n', before), (read, Path('/proc/sys/net/ipv4/ip_forward').read_text()))

    def test_many_threads_make_namespaces_at_once(self):
        paths = [self.folder / str(number) for number in range(40)]
        with futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(netns.create, paths))
            self.assertEqual(40, len({os.stat(path).st_ino for path in paths}))
            list(pool.map(netns.remove, paths))

    def test_create_takes_milliseconds_at_most(self):
        times = []
        for _ in range(15):
            start = time.perf_counter()
            netns.create(self.space)
            times.append(time.perf_counter() - start)
            netns.remove(self.space)
        self.assertLess(statistics.median(times), 0.02)        # 0.001 on an idle machine


class LinkTest(KernelTest):

    def test_a_pair_has_its_name_address_and_mtu_on_both_sides(self):
        self.plug()
        with links.Links() as here, links.Links(self.space) as inside:
            self.assertEqual((1450, True), (here.find(self.host_name).mtu, here.find(self.host_name).up))
            found = inside.find('eth0')
            self.assertEqual((MAC, 1450, False), (found.mac, found.mtu, found.up))

    def test_a_name_that_is_taken_is_told_apart(self):
        self.plug()
        with links.Links() as here, self.assertRaises(netlink.Exists):
            here.create_veth(self.host_name, peer_name='eth1', peer_namespace=self.space, mac=MAC, mtu=1450)

    def test_addresses_and_routes_of_both_families_may_be_added_twice(self):
        self.plug()
        with links.Links(self.space) as inside:
            inside.set_up('eth0')
            for _ in range(2):
                inside.add_address('eth0', '192.0.2.5/24')
                inside.add_address('eth0', '2001:db8::5/64')
                inside.add_route('eth0', '0.0.0.0/0', '192.0.2.1')
                inside.add_route('eth0', '::/0', 'fe80::1')
                inside.add_route('eth0', '169.254.169.254/32', '198.51.100.1')
            self.assertEqual({'192.0.2.5/24', '2001:db8::5/64'},
                             {one for one in inside.addresses('eth0') if not one.startswith('fe80')})
        routes = netns.run_in(self.space, lambda: Path('/proc/thread-self/net/route').read_text())
        self.assertEqual(4, len(routes.splitlines()))           # heading, default, metadata, subnet

    def test_mtu_name_mac_and_namespace_can_change(self):
        self.plug()
        with links.Links(self.space) as inside:
            inside.set_mtu('eth0', 1400)
            inside.set_mac('eth0', 'fa:16:3e:00:00:02')
            inside.rename('eth0', 'eth7')
            found = inside.find('eth7')
            self.assertEqual(('fa:16:3e:00:00:02', 1400), (found.mac, found.mtu))
            other = self.folder / 'b'
            netns.create(other)
            inside.move('eth7', other)
            self.assertFalse(inside.exists('eth7'))

    def test_delete_takes_both_ends_and_may_be_repeated(self):
        self.plug()
        with links.Links() as here, links.Links(self.space) as inside:
            here.delete(self.host_name)
            here.delete(self.host_name)
            self.assertFalse(inside.exists('eth0'))

    def test_counters_leave_out_loopback(self):
        self.plug()
        with links.Links(self.space) as inside:
            self.assertEqual(['eth0'], [one.name for one in inside.counters()])

    def test_transmit_offload_is_turned_off(self):
        self.plug()
        with links.Links(self.space) as inside:
            inside.disable_tx_offload('eth0')
            with self.assertRaisesRegex(errors.LinkFailed, 'No such device'):
                inside.disable_tx_offload('eth9')

    def test_a_change_to_a_missing_link_says_so(self):
        with links.Links() as here, self.assertRaisesRegex(netlink.Missing, 'There is no link nosuch'):
            here.set_up('nosuch')
