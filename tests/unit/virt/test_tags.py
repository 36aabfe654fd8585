# SPDX-License-Identifier: Apache-2.0
"""Tags of ports, as the metadata service shows them."""

import unittest
from unittest import mock

from nova.objects import virtual_interface

from nova_container.virt import tags
from tests.unit.virt import servers


class TagsTest(unittest.TestCase):

    def found(self, *ports):
        listed = [virtual_interface.VirtualInterface(address=address, tag=tag) for address, tag in ports]
        with mock.patch.object(virtual_interface.VirtualInterfaceList, 'get_by_instance_uuid', return_value=listed):
            return tags.device_metadata(servers.CONTEXT, servers.an_instance())

    def test_a_tagged_port_is_shown_by_its_mac_address(self):
        found = self.found(('fa:16:3e:00:00:01/00000001-1111-4222-8333-444444444444', 'uplink'),
                           ('fa:16:3e:00:00:02/00000002-1111-4222-8333-444444444444', None))
        self.assertEqual([('fa:16:3e:00:00:01', ['uplink'])], [(one.mac, one.tags) for one in found.devices])

    def test_without_tags_there_is_nothing_to_show(self):
        self.assertIsNone(self.found(('fa:16:3e:00:00:01', None)))
