# SPDX-License-Identifier: Apache-2.0
"""nova.conf as plain values."""

import unittest

from nova_container import errors
from nova_container.virt import settings
from tests.unit.virt import servers

CONF = servers.CONF


class SettingsTest(unittest.TestCase):

    def setUp(self):
        servers.Cloud()                                 # registers the options

    def override(self, group, **options):
        for name, value in options.items():
            CONF.set_override(name, value, group=group)
            self.addCleanup(CONF.clear_override, name, group=group)

    def test_half_of_the_tls_files_is_no_tls(self):
        self.override('container', engine_url='tcp://192.0.2.1:2376', tls_ca_file='/ca.pem')
        with self.assertRaisesRegex(errors.InvalidRequest, 'go together'):
            settings.engine(CONF)

    def test_an_engine_is_not_asked_before_it_is_used(self):
        self.override('container', engine_url='unix:///no/such/socket')
        settings.engine(CONF).close()

    def test_a_silent_glance_is_an_error_unless_the_operator_says_otherwise(self):
        self.assertEqual(300, CONF.glance.timeout)
        self.override('glance', timeout=20)
        settings.bound_waits(CONF)
        self.assertEqual(20, CONF.glance.timeout)

    def test_snapshots_go_where_images_come_from_unless_the_operator_says_otherwise(self):
        self.assertIsNone(settings.giving(CONF, None))
        self.override('container', image_registry='192.0.2.1:5000/glance', image_registry_username='nova')
        place = settings.giving(CONF, None)._place
        self.assertEqual(('192.0.2.1:5000', 'glance', 'nova'), (place.domain, place.path, place.credentials.username))
        self.override('container', snapshot_layers=False)
        self.assertIsNone(settings.giving(CONF, None))
        self.assertIsNotNone(settings.straight(CONF, None))

    def test_servers_share_all_cpus_unless_some_are_set_apart(self):
        self.assertIsNone(settings.policy(CONF).shared_cpus)
        self.override('compute', cpu_shared_set='0-1', cpu_dedicated_set='2-3')
        self.assertEqual('0-1', settings.policy(CONF).shared_cpus)
        self.assertEqual((frozenset({2, 3}), frozenset({0, 1})),
                         (settings.reserved(CONF).dedicated_cpus, settings.reserved(CONF).shared_cpus))

    def test_where_only_dedicated_cpus_are_named_the_others_are_shared(self):
        self.override('compute', cpu_dedicated_set='0')
        shared = settings.policy(CONF).shared_cpus
        self.assertNotIn('0', (shared or '').replace('-', ',').split(','))

    def test_what_is_reserved_counts_whole_gibibytes(self):
        self.override(None, reserved_host_disk_mb=1025, reserved_host_memory_mb=512, reserved_host_cpus=1)
        found = settings.reserved(CONF)
        self.assertEqual((2, 512, 1), (found.disk_gb, found.memory_mb, found.cpus))
