# SPDX-License-Identifier: Apache-2.0
"""What Nova is told when containers change by themselves."""

import time
import unittest
from unittest import mock

from nova.virt import event

from nova_container import errors
from nova_container.virt import lifecycle
from tests.unit.virt import servers


class LifecycleTest(unittest.TestCase):

    def setUp(self):
        self.cloud = servers.Cloud()
        self.told = []
        self.lifecycle = self.start(self.cloud.engine)
        self.instance = self.cloud.spawn()

    def start(self, engine, settle_s=0.05):
        found = lifecycle.Lifecycle(engine, self.told.append, 'compute-1', mock.Mock(), settle_s=settle_s, pause_s=0.02)
        found.start()
        self.addCleanup(found.stop)
        self.addCleanup(engine.close)
        time.sleep(0.05)
        return found

    def assert_told(self, *transitions):
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline and len(self.told) < len(transitions):
            time.sleep(0.01)
        time.sleep(0.1)
        self.assertEqual([(self.instance.uuid, one) for one in transitions],
                         [(one.uuid, one.transition) for one in self.told])

    def forget(self, *transitions):
        self.assert_told(*transitions)
        self.told.clear()

    def test_a_process_that_ends_by_itself_is_told_at_once(self):
        self.forget(event.EVENT_LIFECYCLE_STARTED)
        self.cloud.engine.exit(self.instance.uuid, 1)
        self.assert_told(event.EVENT_LIFECYCLE_STOPPED)

    def test_pause_and_unpause_are_told(self):
        self.forget(event.EVENT_LIFECYCLE_STARTED)
        self.cloud.engine.pause(self.instance.uuid)
        self.forget(event.EVENT_LIFECYCLE_PAUSED)
        self.cloud.engine.unpause(self.instance.uuid)
        self.assert_told(event.EVENT_LIFECYCLE_RESUMED)

    def test_a_reboot_is_no_stop(self):
        self.forget(event.EVENT_LIFECYCLE_STARTED)
        self.cloud.driver.reboot(servers.CONTEXT, self.instance, None, 'HARD')
        self.assert_told(event.EVENT_LIFECYCLE_STARTED)

    def test_a_server_that_was_destroyed_is_not_told_of(self):
        self.forget(event.EVENT_LIFECYCLE_STARTED)
        self.cloud.driver.destroy(servers.CONTEXT, self.instance, None)
        self.assert_told()

    def test_containers_of_others_are_not_told_of(self):
        self.forget(event.EVENT_LIFECYCLE_STARTED)
        self.cloud.engine.start(self.cloud.add_stranger())
        self.assert_told()

    def test_an_engine_that_was_away_is_followed_again(self):
        engine = servers.fake.FakeEngine()
        engine.fail('events', errors.Unavailable('restarting'), times=3)
        cloud = servers.Cloud(engine=engine)
        self.start(engine)
        self.forget(event.EVENT_LIFECYCLE_STARTED)
        self.instance = cloud.spawn()
        self.assert_told(event.EVENT_LIFECYCLE_STARTED)

    def test_a_listener_that_fails_does_not_end_the_telling(self):
        self.forget(event.EVENT_LIFECYCLE_STARTED)
        failures = [RuntimeError('a bug in a listener')]
        told = self.told.append

        def emit(one):
            if failures:
                raise failures.pop()
            told(one)
        self.lifecycle._emit = emit
        self.cloud.engine.pause(self.instance.uuid)
        time.sleep(0.2)
        self.cloud.engine.unpause(self.instance.uuid)
        self.assert_told(event.EVENT_LIFECYCLE_RESUMED)
