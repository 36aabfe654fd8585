# SPDX-License-Identifier: Apache-2.0
"""Images from Glance: verified, downloaded once, and gone when nobody needs them."""

import threading
import time
import unittest
from concurrent import futures
from unittest import mock

from nova import exception

from nova_container import errors
from nova_container.virt import imagecache, images
from tests.unit.virt import servers


class ImagesTest(unittest.TestCase):

    def setUp(self):
        self.engine, self.glance = servers.fake.FakeEngine(), servers.FakeGlance()
        self.glance.add()
        self.images = images.Images(self.engine, self.glance)
        pause = mock.patch.object(images, '_PAUSE_S', 0)
        pause.start()
        self.addCleanup(pause.stop)

    def ensure(self, image_meta=None, **kwargs):
        return self.images.ensure(servers.CONTEXT, image_meta or servers.an_image_meta(), **kwargs)


class EnsureTest(ImagesTest):

    def test_an_image_is_downloaded_once(self):
        self.assertEqual(self.ensure(), self.ensure())
        self.assertEqual(1, len(self.glance.downloads))

    def test_glance_is_asked_once_for_the_hash_of_an_image(self):
        self.ensure()
        self.ensure()
        self.assertEqual([servers.IMAGE_ID], self.glance.gets)

    def test_an_id_that_was_given_to_other_bytes_is_another_image(self):
        first = self.ensure()
        self.glance.add(data=servers.an_archive(Cmd=['other']))
        changed = servers.an_image_meta()
        changed.checksum = '0' * 32
        self.assertNotEqual(first, self.ensure(changed))

    def test_twenty_servers_at_once_share_one_download(self):
        self.glance.slow = threading.Event()
        with futures.ThreadPoolExecutor(20) as pool:
            waiting = [pool.submit(self.ensure) for _ in range(20)]
            time.sleep(0.1)
            self.glance.slow.set()
            self.assertEqual(1, len({one.result() for one in waiting}))
        self.assertEqual(1, len(self.glance.downloads))

    def test_a_failure_of_one_does_not_fail_those_that_wait(self):
        self.engine.fail('load', errors.Exhausted('disk full'))
        with futures.ThreadPoolExecutor(5) as pool:
            ended = [pool.submit(self.ensure) for _ in range(5)]
            failed = [one for one in ended if one.exception()]
        self.assertEqual(1, len(failed))
        self.assertEqual({}, self.images._flights._locks)

    def test_a_download_that_breaks_off_is_begun_anew(self):
        self.glance.breaks = 2
        self.ensure()
        self.assertEqual(3, len(self.glance.downloads))

    def test_a_download_that_always_breaks_off_fails_and_another_host_may_try(self):
        self.glance.breaks = 99
        with self.assertRaisesRegex(errors.Unavailable, 'connection reset'):
            self.ensure()
        self.assertEqual(4, len(self.glance.downloads))
        self.assertEqual((), self.engine.list_images())

    def test_bytes_that_are_not_those_promised_are_never_taken_in(self):
        self.glance.data[servers.IMAGE_ID] = servers.an_archive(Cmd=['evil'])
        with self.assertRaises(errors.DigestMismatch):
            self.ensure()
        self.assertEqual((), self.engine.list_images())

    def test_an_image_without_hash_is_refused_unless_the_operator_allows_it(self):
        self.glance.add(hashed=False)
        with self.assertRaisesRegex(errors.UnacceptableImage, 'os_hash_value'):
            self.ensure()
        lenient = images.Images(self.engine, self.glance, require_hash=False)
        self.assertTrue(lenient.ensure(servers.CONTEXT, servers.an_image_meta()))

    def test_a_hash_that_glance_still_computes_is_awaited(self):
        whole = self.glance.images[servers.IMAGE_ID]
        half = {**whole, 'os_hash_value': None}
        shown = iter([half, half])
        self.glance.get = lambda context, image_id: next(shown, whole)
        self.assertTrue(self.ensure())
        self.assertEqual(1, len(self.glance.downloads))
        self.glance.get = lambda context, image_id: half
        self.images = images.Images(servers.fake.FakeEngine(), self.glance)
        with mock.patch.object(images, '_HASHING_S', 0), self.assertRaises(errors.UnacceptableImage):
            self.ensure()

    def test_what_comes_by_its_layers_needs_no_hash(self):
        self.glance.add(hashed=False)
        straight = mock.Mock()
        self.assertTrue(images.Images(self.engine, self.glance, straight=straight).ensure(
            servers.CONTEXT, servers.an_image_meta()))
        self.assertEqual((1, []), (straight.take.call_count, self.glance.downloads))

    def test_an_archive_without_end_is_cut_off(self):
        self.images = images.Images(self.engine, self.glance, max_bytes=100)
        with self.assertRaisesRegex(errors.UnacceptableImage, 'image_max_size_gb'):
            self.ensure()
        self.assertEqual(1, len(self.glance.downloads))

    def test_trusted_certificates_reach_glance(self):
        self.ensure(trusted_certs='certificates')
        self.assertEqual([(servers.IMAGE_ID, 'certificates')], self.glance.downloads)

    def test_a_wrong_signature_is_novas_to_report(self):
        self.glance.download = mock.Mock(side_effect=exception.CertificateValidationFailed(cert_uuid='x', reason='y'))
        with self.assertRaises(exception.CertificateValidationFailed):
            self.ensure()

    def test_an_archive_that_the_engine_refuses_is_the_tenants_fault(self):
        cloud = servers.Cloud()
        cloud.glance.add(data=b'this is no archive')
        with self.assertRaises(exception.ImageUnacceptable):
            cloud.spawn()

    def test_names_inside_an_archive_mean_nothing(self):
        reference = self.ensure()
        names = {name for image in self.engine.list_images() for name in image.references}
        self.assertEqual({reference}, names)

    def test_an_image_is_taken_in_before_a_server_needs_it(self):
        self.assertTrue(self.images.cache(servers.CONTEXT, servers.IMAGE_ID))
        self.assertFalse(self.images.cache(servers.CONTEXT, servers.IMAGE_ID))
        self.ensure()
        self.assertEqual(1, len(self.glance.downloads))


class CacheTest(ImagesTest):

    def setUp(self):
        super().setUp()
        self.now = 1000.0
        self.cache = imagecache.ImageCache(self.engine, clock=lambda: self.now)
        self.reference = self.ensure()

    def prune(self, *used, age=100):
        return self.cache.prune(used, minimum_age_s=age)

    def test_an_unused_image_goes_when_it_is_old_enough(self):
        self.assertEqual((), self.prune())
        self.now += 99
        self.assertEqual((), self.prune())
        self.now += 1
        self.assertEqual((self.reference,), self.prune())
        self.assertEqual((), self.engine.list_images())

    def test_an_image_of_a_server_stays_and_its_age_begins_anew(self):
        self.prune()
        self.now += 200
        self.assertEqual((), self.prune(servers.IMAGE_ID))
        self.assertEqual((), self.prune())

    def test_images_of_others_stay(self):
        self.engine.add_image('debian:12')
        self.prune()
        self.now += 200
        self.assertEqual((self.reference,), self.prune())
        self.assertEqual(1, len(self.engine.list_images()))

    def test_an_image_that_a_container_uses_stays(self):
        self.engine.create(servers.specs.ContainerSpec(name='one', image=self.reference))
        self.prune()
        self.now += 200
        self.assertEqual((), self.prune())

    def test_nova_prunes_by_its_own_options(self):
        cloud = servers.Cloud()
        instance = cloud.spawn()
        servers.CONF.set_override('remove_unused_original_minimum_age_seconds', 0, group='image_cache')
        self.addCleanup(servers.CONF.clear_override, 'remove_unused_original_minimum_age_seconds', group='image_cache')
        cloud.driver.manage_image_cache(servers.CONTEXT, [instance])
        self.assertEqual(1, len(cloud.engine.list_images()))
        cloud.driver.destroy(servers.CONTEXT, instance, None)
        cloud.driver.manage_image_cache(servers.CONTEXT, [])
        self.assertEqual((), cloud.engine.list_images())
