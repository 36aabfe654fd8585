# SPDX-License-Identifier: Apache-2.0
"""A host without an engine gets no servers."""

import unittest
from unittest import mock

from nova import exception
from nova.objects import service as service_object

from nova_container import errors
from nova_container.virt import availability

GONE = errors.Unavailable('no socket')


class AvailabilityTest(unittest.TestCase):

    def setUp(self):
        self.service = mock.Mock(disabled=False, disabled_reason=None)
        self.virtapi, self.now = mock.Mock(), 0.0
        found = mock.patch.object(service_object.Service, 'get_by_compute_host', return_value=self.service)
        self.asked = found.start()
        self.addCleanup(found.stop)
        self.availability = availability.Availability(self.virtapi, 'compute-1', clock=lambda: self.now)

    def lose(self, *seconds):
        for self.now in seconds:
            self.availability.lost(GONE)

    def test_an_engine_that_is_away_for_long_disables_the_host_once(self):
        self.lose(0, 9)
        self.assertFalse(self.service.disabled)
        self.lose(10, 20, 30)
        self.assertEqual((True, 'AUTO: the container engine does not answer'),
                         (self.service.disabled, self.service.disabled_reason))
        self.service.save.assert_called_once_with()
        self.virtapi.update_compute_provider_status.assert_called_once_with(
            mock.ANY, self.service.compute_node.uuid, enabled=False)

    def test_it_is_enabled_when_the_engine_answers_again(self):
        self.lose(0, 10)
        self.availability.found()
        self.assertEqual((False, None), (self.service.disabled, self.service.disabled_reason))

    def test_what_the_nova_compute_before_this_one_disabled_is_enabled(self):
        self.service.disabled, self.service.disabled_reason = True, 'AUTO: the container engine does not answer'
        self.availability.found()
        self.assertFalse(self.service.disabled)

    def test_what_an_operator_disabled_stays_so(self):
        self.service.disabled, self.service.disabled_reason = True, 'maintenance'
        self.lose(0, 10)
        self.availability.found()
        self.assertEqual((True, 'maintenance'), (self.service.disabled, self.service.disabled_reason))
        self.service.save.assert_not_called()

    def test_a_restart_of_the_engine_does_not_count(self):
        self.lose(0, 5)
        self.availability.found()
        self.lose(12, 20)
        self.assertFalse(self.service.disabled)

    def test_a_host_that_is_not_registered_yet_is_asked_for_again(self):
        self.asked.side_effect = exception.ComputeHostNotFound(host='compute-1')
        self.availability.found()
        self.asked.side_effect = RuntimeError('no conductor')
        self.availability.found()
        self.assertEqual(2, self.asked.call_count)
