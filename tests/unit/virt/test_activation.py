# SPDX-License-Identifier: Apache-2.0
"""Glance is told where the data of an image is, and takes it, or does not, or has not said yet."""

import unittest
from unittest import mock

import glanceclient.exc
from nova import exception

from nova_container import errors
from nova_container.virt import activation

IMAGE = '961973d8-3360-4364-919e-2c197825dbb4'
URI = f'container://{IMAGE}/{"0" * 64}'
WORKING, IDLE = {'os_glance_import_task': 'one'}, {}


class Glance:
    """Shows one state of the image after the other, the last one for ever."""

    def __init__(self, *states, failure=None):
        self.states, self.failure, self.updates = list(states), failure, []

    def update(self, context, image_id, fields, purge_props):
        self.updates.append((image_id, fields, purge_props))
        if self.failure is not None:
            raise self.failure

    def get(self, context, image_id):
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(state, Exception):
            raise state
        status, properties = state
        return {'id': image_id, 'status': status, 'properties': properties}


class ActivateTest(unittest.TestCase):

    def setUp(self):
        pause = mock.patch.object(activation, '_PAUSE_S', 0)
        pause.start()
        self.addCleanup(pause.stop)

    def activate(self, *states, failure=None, **options):
        self.glance = Glance(*states, failure=failure)
        return activation.activate(self.glance, None, IMAGE, {'disk_format': 'raw'}, URI, **options)

    def test_it_is_told_fields_and_location_at_once(self):
        self.assertTrue(self.activate(('active', WORKING)))
        self.assertEqual([(IMAGE, {'disk_format': 'raw', 'location': URI}, False)], self.glance.updates)

    def test_it_is_awaited_while_glance_works_on_it(self):
        self.assertTrue(self.activate(*[('queued', WORKING)] * 5, ('active', WORKING)))

    def test_what_glance_works_on_no_more_was_not_taken(self):
        self.assertFalse(self.activate(('queued', WORKING), ('queued', IDLE)))

    def test_a_task_that_ends_between_two_reads_is_seen(self):
        self.assertTrue(self.activate(('queued', IDLE), ('active', IDLE)))

    def test_a_refusal_is_no(self):
        for failure in (exception.ImageNotAuthorized(image_id=IMAGE), glanceclient.exc.HTTPConflict(),
                        exception.ImageBadRequest(image_id=IMAGE, response='no')):
            with self.subTest(failure=failure):
                self.assertFalse(self.activate(('queued', IDLE), failure=failure))

    def test_an_answer_that_was_lost_may_have_been_yes(self):
        lost = exception.GlanceConnectionFailed(server='g', reason='broke off')
        self.assertTrue(self.activate(('queued', WORKING), ('active', IDLE), failure=lost))

    def test_a_deleted_image_is_not_found(self):
        gone = exception.ImageNotFound(image_id=IMAGE)
        for states, failure in (((gone,), None), ((('queued', WORKING), gone), None), ((('queued', IDLE),), gone)):
            with self.assertRaises(exception.ImageNotFound):
                self.activate(*states, failure=failure)

    def test_a_task_without_end_is_not_waited_for(self):
        with self.assertRaisesRegex(errors.Unavailable, 'within 0 s'):
            self.activate(('queued', WORKING), timeout_s=0)
