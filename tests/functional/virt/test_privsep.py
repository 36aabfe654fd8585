# SPDX-License-Identifier: Apache-2.0
"""Wires made by a privsep helper that holds no more than the capabilities we ask for."""

import dataclasses
import os
import tempfile
import unittest
from pathlib import Path

import pytest
from oslo_privsep import priv_context

from nova_container.host import links, netlink, netns
from nova_container.virt import privsep
from nova_container.virt.translate import network
from tests.unit.virt import servers


@pytest.mark.root
@unittest.skipUnless(os.geteuid() == 0, 'only root may start a helper with capabilities')
class HelperTest(unittest.TestCase):

    def setUp(self):
        servers.CONF.set_override('user', None, group='nova_container_privileged')
        privsep.context.start(priv_context.Method.FORK)
        self.addCleanup(privsep.context.stop)
        folder = tempfile.TemporaryDirectory(dir='/run')
        self.addCleanup(folder.cleanup)
        self.space = Path(folder.name) / 'a'
        netns.create(self.space)
        self.addCleanup(netns.remove, self.space)
        self.interface = network.interface(servers.a_vif(), 'eth0')
        self.addCleanup(privsep.unwire, self.interface.host_name)

    def wire(self, namespace):
        return privsep.wire(dataclasses.asdict(self.interface), str(namespace), False)

    def test_it_wires_counts_and_unwires(self):
        self.assertEqual('eth0', self.wire(self.space))
        self.assertEqual(['fa:16:3e:00:00:01'], [one['mac'] for one in privsep.counters(str(self.space))])
        with links.Links(self.space) as inside:
            self.assertIn('192.0.2.5/24', inside.addresses('eth0'))
        privsep.unwire(self.interface.host_name)
        with links.Links() as here:
            self.assertFalse(here.exists(self.interface.host_name))

    def test_its_errors_are_ours(self):
        with self.assertRaisesRegex(netlink.Missing, 'There is no network namespace'):
            self.wire(self.space.parent / 'no-such')
