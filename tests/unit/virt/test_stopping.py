# SPDX-License-Identifier: Apache-2.0
"""How long a server is waited for."""

import os
import signal
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

from nova_container.virt import stopping
from tests.unit.virt import servers


class HearingTest(unittest.TestCase):

    def hears(self, caught=0, blocked=0, number=15):
        with TemporaryDirectory() as folder:
            (Path(folder) / '7').mkdir()
            (Path(folder) / '7' / 'status').write_text(
                f'Name:\tsleep\nSigBlk:\t{blocked:016x}\nSigIgn:\t{0:016x}\nSigCgt:\t{caught:016x}\n')
            return stopping.hears(7, number, Path(folder))

    def test_a_signal_without_handler_is_not_heard(self):
        self.assertFalse(self.hears())
        self.assertFalse(self.hears(caught=1 << 1))

    def test_one_that_is_handled_or_waited_for_is(self):
        self.assertTrue(self.hears(caught=1 << 14))
        self.assertTrue(self.hears(blocked=1 << 14))
        self.assertTrue(self.hears(caught=1 << 36, number=37))

    def test_where_it_cannot_be_told_it_is(self):
        self.assertTrue(stopping.hears(2**30, 15))
        self.assertTrue(self.hears(number=None))

    def test_the_kernel_says_it_in_these_words(self):
        before = signal.signal(signal.SIGUSR2, lambda *_: None)
        self.addCleanup(signal.signal, signal.SIGUSR2, before)
        self.assertTrue(stopping.hears(os.getpid(), int(signal.SIGUSR2)))
        self.assertFalse(stopping.hears(os.getpid(), int(signal.SIGXFSZ) + 5))

    def test_signals_have_many_names(self):
        self.assertEqual([15, 15, 15, 37, 34, 3, None, None],
                         [stopping.signal_number(one) for one in (
                             'SIGTERM', 'term', '15', 'SIGRTMIN+3', 'RTMIN', 'SIGQUIT', 'SIGNOTHING', '99')])


class GraceTest(unittest.TestCase):

    def grace_s(self, timeout_s, **metadata):
        cloud = servers.Cloud()
        instance = cloud.spawn(servers.an_instance(metadata={f'container:{key}': value
                                                             for key, value in metadata.items()}))
        return stopping.grace_s(cloud.engine, cloud.engine.inspect(instance.uuid), timeout_s)

    def test_it_is_novas_or_the_servers_own_if_shorter(self):
        self.assertEqual([60, 3, 1, 0], [self.grace_s(60), self.grace_s(60, stop_timeout='3'),
                                         self.grace_s(1, stop_timeout='3'), self.grace_s(0)])
