# SPDX-License-Identifier: Apache-2.0
"""A server's files as an image in Glance."""

import unittest

from nova import exception

from nova_container import errors
from nova_container.engine import state
from tests.unit.virt import servers

SNAPSHOT_ID = 'aaaaaaaa-1111-4222-8333-444444444444'


class SnapshotTest(unittest.TestCase):

    def setUp(self):
        self.cloud = servers.Cloud()
        self.instance = self.cloud.spawn()
        self.states = []

    def snapshot(self):
        self.cloud.driver.snapshot(servers.CONTEXT, self.instance, SNAPSHOT_ID, self.update_task_state)

    def update_task_state(self, task_state, expected_state='image_snapshot'):
        self.states.append((expected_state, task_state))

    def assert_only_the_servers_image_is_here(self):
        names = [image.references for image in self.cloud.engine.list_images()]
        self.assertEqual(1, len(names))

    def test_the_image_is_uploaded_and_boots(self):
        self.snapshot()
        description, data, purge = self.cloud.glance.uploads[SNAPSHOT_ID]
        self.assertEqual(('docker', 'raw', False),
                         (description['container_format'], description['disk_format'], purge))
        self.cloud.engine.load(servers.a_stream(data), reference='again')
        self.cloud.engine.start(self.cloud.engine.create(servers.specs.ContainerSpec(name='again', image='again')))

    def test_nova_is_told_the_steps_in_its_order(self):
        self.snapshot()
        self.assertEqual([('image_snapshot', 'image_pending_upload'), ('image_pending_upload', 'image_uploading')],
                         self.states)

    def test_the_server_runs_on_and_nothing_stays_in_the_engine(self):
        self.snapshot()
        self.assertIs(state.Status.RUNNING, self.cloud.status(self.instance))
        self.assert_only_the_servers_image_is_here()

    def test_a_stopped_server_can_be_taken_too(self):
        self.cloud.driver.power_off(self.instance)
        self.snapshot()
        self.assertIn(SNAPSHOT_ID, self.cloud.glance.uploads)
        self.assertIs(state.Status.STOPPED, self.cloud.status(self.instance))

    def test_an_upload_that_fails_leaves_nothing_in_the_engine(self):
        def refuse(*args, **kwargs):
            raise exception.ImageQuotaExceeded(image_id=SNAPSHOT_ID)
        self.cloud.glance.update = refuse
        with self.assertRaises(exception.ImageQuotaExceeded):
            self.snapshot()
        self.assert_only_the_servers_image_is_here()

    def test_a_server_deleted_meanwhile_leaves_nothing(self):
        def deleted(task_state, **kwargs):
            if task_state == 'image_uploading':
                raise exception.InstanceNotFound(instance_id=self.instance.uuid)
        self.update_task_state = deleted
        with self.assertRaises(exception.InstanceNotFound):
            self.snapshot()
        self.assert_only_the_servers_image_is_here()

    def test_a_commit_that_fails_is_novas_exception_and_the_server_runs_on(self):
        self.cloud.engine.fail('commit', errors.Exhausted('disk full'))
        with self.assertRaises(exception.ComputeResourcesUnavailable):
            self.snapshot()
        self.assertIs(state.Status.RUNNING, self.cloud.status(self.instance))

    def test_a_missing_server_is_not_found(self):
        self.instance = servers.an_instance()
        with self.assertRaises(exception.InstanceNotFound):
            self.snapshot()
