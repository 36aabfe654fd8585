# SPDX-License-Identifier: Apache-2.0
"""Docker's rules for capabilities."""

import unittest

from nova_container import errors
from nova_container.engine import grammar
from nova_container.runtime import capabilities


class EffectiveTest(unittest.TestCase):

    def test_nothing_said_gives_the_fourteen_of_docker(self):
        self.assertEqual(capabilities.DEFAULT, capabilities.effective((), (), False))
        self.assertEqual(14, len(capabilities.DEFAULT))

    def test_names_come_in_any_case_and_with_or_without_prefix(self):
        given = capabilities.effective(('net_admin', 'CAP_SYS_TIME'), ('cap_mknod', 'Kill'), False)
        self.assertEqual((capabilities.DEFAULT | {'CAP_NET_ADMIN', 'CAP_SYS_TIME'}) - {'CAP_MKNOD', 'CAP_KILL'}, given)

    def test_what_is_dropped_and_added_is_there(self):
        self.assertIn('CAP_KILL', capabilities.effective(('KILL',), ('KILL',), False))

    def test_adding_all_gives_all_that_is_not_dropped(self):
        self.assertEqual(capabilities.KNOWN - {'CAP_SYS_ADMIN'},
                         capabilities.effective(('all',), ('SYS_ADMIN',), False))

    def test_dropping_all_leaves_what_is_added(self):
        self.assertEqual({'CAP_CHOWN'}, capabilities.effective(('CHOWN',), ('ALL',), False))
        self.assertEqual(frozenset(), capabilities.effective((), ('ALL',), False))

    def test_adding_all_wins_over_dropping_all(self):
        self.assertEqual(capabilities.KNOWN, capabilities.effective(('ALL',), ('ALL',), False))

    def test_privileged_gives_all_whatever_is_dropped(self):
        self.assertEqual(capabilities.KNOWN, capabilities.effective((), ('ALL',), True))

    def test_an_unknown_name_is_refused(self):
        for add, drop in ((('ROOT',), ()), ((), ('ROOT',)), (('',), ())):
            with self.assertRaisesRegex(errors.InvalidSpec, 'Unknown capability'):
                capabilities.effective(add, drop, False)


class HostTest(unittest.TestCase):

    def test_a_host_that_lacks_one_does_not_give_it(self):
        some = capabilities.KNOWN - {'CAP_SYS_RESOURCE', 'CAP_MKNOD'}
        self.assertEqual(some, capabilities.effective((), (), True, some))
        self.assertEqual(some, capabilities.effective(('ALL',), (), False, some))
        self.assertNotIn('CAP_MKNOD', capabilities.effective((), (), False, some))

    def test_one_that_the_host_lacks_cannot_be_asked_for_by_name(self):
        with self.assertRaisesRegex(errors.InvalidSpec, 'cannot grant CAP_SYS_RESOURCE'):
            capabilities.effective(('SYS_RESOURCE',), (), False, capabilities.KNOWN - {'CAP_SYS_RESOURCE'})

    def test_this_host_has_none_that_nobody_knows(self):
        self.assertLessEqual(capabilities.of_this_host(), capabilities.KNOWN)

    def test_the_names_are_those_that_the_contract_accepts(self):
        self.assertEqual({f'CAP_{name}' for name in grammar.CAPABILITIES}, set(capabilities.KNOWN))
