# SPDX-License-Identifier: Apache-2.0
"""A server's files as an image in Glance."""

import unittest
from unittest import mock

from nova import exception

from nova_container import errors
from nova_container.engine import state
from nova_container.image.stored import Place
from nova_container.virt import activation
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

    def test_what_a_killed_compute_service_left_goes_when_it_starts(self):
        engine = self.cloud.engine
        for name in (f'snapshot/{SNAPSHOT_ID}:latest', 'snapshot/mine:latest', 'registry.example/snapshot/x:1'):
            engine.add_image(name, config={'Labels': {'of': name}})
        self.cloud.driver.init_host('compute-1')
        self.addCleanup(self.cloud.driver.cleanup_host, 'compute-1')
        left = {name for image in engine.list_images() for name in image.references if 'snapshot' in name}
        self.assertEqual({'snapshot/mine:latest', 'registry.example/snapshot/x:1'}, left)

    def test_a_missing_server_is_not_found(self):
        self.instance = servers.an_instance()
        with self.assertRaises(exception.InstanceNotFound):
            self.snapshot()


class Giving:
    """Remembers what was given and taken back; fails as told."""

    def __init__(self, failure=None):
        self.failure, self.kept = failure, []

    def give(self, image, image_id, reference):
        if self.failure is not None:
            raise self.failure
        self.kept.append(Place(image_id, f'sha256:{"0" * 64}'))
        return self.kept[-1]

    def take_back(self, place):
        self.kept.remove(place)


class ByLayersTest(SnapshotTest):
    """All of it holds when the registry is away, too; and this when it is there."""

    def setUp(self):
        super().setUp()
        self.cloud.driver._giving = Giving(errors.Unavailable('no registry'))

    def given(self, outcome):
        """A snapshot that reaches the registry; ``outcome`` is what Glance makes of the location, or an error."""
        self.cloud.driver._giving = Giving()
        with mock.patch.object(activation, 'activate', side_effect=[outcome]) as activate:
            self.snapshot()
        return activate

    def test_nothing_is_uploaded_when_glance_takes_the_location(self):
        activate = self.given(True)
        [place] = self.cloud.driver._giving.kept
        image_id, fields, uri = activate.call_args.args[2:]
        self.assertEqual((SNAPSHOT_ID, 'docker', 'raw', place.uri),
                         (image_id, fields['container_format'], fields['disk_format'], uri))
        self.assertEqual({}, self.cloud.glance.uploads)
        self.assert_only_the_servers_image_is_here()

    def test_all_is_uploaded_when_it_does_not(self):
        self.given(False)
        self.assertIn(SNAPSHOT_ID, self.cloud.glance.uploads)
        self.assertEqual([], self.cloud.driver._giving.kept)

    def test_an_image_deleted_meanwhile_leaves_nothing(self):
        with self.assertRaises(exception.ImageNotFound):
            self.given(exception.ImageNotFound(image_id=SNAPSHOT_ID))
        self.assertEqual(({}, []), (self.cloud.glance.uploads, self.cloud.driver._giving.kept))
        self.assert_only_the_servers_image_is_here()

    def test_what_glance_may_yet_take_stays(self):
        with self.assertRaises(exception.NovaException):
            self.given(errors.Unavailable('slow'))
        self.assertEqual(({}, 1), (self.cloud.glance.uploads, len(self.cloud.driver._giving.kept)))
