# SPDX-License-Identifier: Apache-2.0
"""The driver as Glance calls it: glance_store's base classes for tests, with one store and with several."""

import errno
import hashlib
import io
import uuid

import fixtures
import glance_store
import pytest
from glance_store import backend, capabilities, exceptions, location, multi_backend
from glance_store.tests import base
from glance_store.tests.unit import test_store_capabilities
from oslo_config import cfg

from glance_store_container import failures, staging
from glance_store_container.store import Store
from nova_container import errors
from tests.fixtures import image_archives

BITS = image_archives.docker_save(image_archives.noise(100_000))


class Verbs:
    """What every store promises; a test class has ``store`` and ``at(uri)``."""

    def add(self, content=BITS, size=None, **named):
        image_id = named.pop('image_id', None) or str(uuid.uuid4())
        return self.store.add(image_id, io.BytesIO(content), len(content) if size is None else size, 'sha512', **named)

    def read(self, uri, **named):
        chunks, size = self.store.get(self.at(uri), **named)
        return b''.join(chunks), size

    def test_what_is_added_is_told_and_comes_back(self):
        uri, size, checksum, multihash, metadata = self.add()
        self.assertEqual((len(BITS), hashlib.md5(BITS).hexdigest(), hashlib.sha512(BITS).hexdigest()),
                         (size, checksum, multihash))
        self.assertEqual((BITS, len(BITS)), self.read(uri))
        self.assertEqual(len(BITS), self.store.get_size(self.at(uri)))
        glance_store.check_location_metadata(metadata)
        self.assertRegex(metadata['manifest'], 'sha256:[0-9a-f]{64}')

    def test_a_range_is_read(self):
        uri = self.add()[0]
        self.assertEqual((BITS[5000:5700], 700), self.read(uri, offset=5000, chunk_size=700))
        self.assertEqual(BITS[90_000:], self.read(uri, offset=90_000)[0])
        self.assertEqual(BITS[:10], self.read(uri, chunk_size=10)[0])

    def test_a_size_that_is_not_known_is_found(self):
        self.assertEqual(len(BITS), self.add(size=0)[1])

    def test_more_or_less_than_was_promised_is_refused(self):
        for size in (len(BITS) - 1, len(BITS) + 1):
            self.assertRaises(glance_store.Invalid, self.add, size=size)

    def test_an_image_is_added_once(self):
        image_id = str(uuid.uuid4())
        self.add(image_id=image_id)
        self.assertRaises(exceptions.Duplicate, self.add, image_id=image_id)

    def test_a_deleted_image_is_gone(self):
        uri = self.add()[0]
        self.store.delete(self.at(uri))
        for verb in (self.store.delete, self.store.get, self.store.get_size):
            self.assertRaises(exceptions.NotFound, verb, self.at(uri))

    def test_the_verifier_sees_every_byte(self):
        seen = bytearray()
        self.add(verifier=type('Verifier', (), {'update': staticmethod(seen.extend)}))
        self.assertEqual(BITS, bytes(seen))

    def test_a_read_that_fails_leaves_nothing(self):
        class Broken(io.BytesIO):
            def read(self, size=-1):
                raise AttributeError('the client went away')
        image_id = str(uuid.uuid4())
        self.assertRaises(AttributeError, self.store.add, image_id, Broken(), 100, 'sha512')
        self.add(image_id=image_id)

    def test_a_full_or_read_only_disk_is_told(self):
        full, denied = exceptions.StorageFull, exceptions.StorageWriteDenied
        for number, told in ((errno.ENOSPC, full), (errno.EDQUOT, full), (errno.EROFS, denied), (errno.EACCES, denied)):
            with pytest.MonkeyPatch.context() as patched:
                def fail(*_, number=number):
                    raise OSError(number, 'for a test')
                patched.setattr(staging.Stage, '_settle', fail)
                self.assertRaises(told, self.add)

    def test_a_location_leads_nowhere_but_into_the_store(self):
        uri = self.add()[0]
        for wrong in ('container://evil.example.com/v2/glance', f'{uri}?x=1', f'{uri}/..', uri.upper(), f'{uri}\n',
                      uri.replace('://', '://user:password@'), uri.replace('://', ':///etc/'), uri[:-1], 'container://',
                      'container:///etc/passwd'):
            self.assertRaises((exceptions.BadStoreUri, exceptions.UnknownScheme), self.at, wrong)

    def test_a_location_with_another_record_is_not_found(self):
        uri = self.add()[0]
        guessed = uri[:-64] + '0' * 64
        self.assertRaises(exceptions.NotFound, self.store.get, self.at(guessed))
        self.assertRaises(exceptions.NotFound, self.store.delete, self.at(guessed))


class TestSingleStore(Verbs, base.StoreBaseTest, test_store_capabilities.TestStoreCapabilitiesChecking):
    def setUp(self):
        super().setUp()
        self.store = Store(self.conf)
        self.config(container_store_directory=f'{self.test_dir}/images')
        self.store.configure()
        self.register_store_schemes(self.store, 'container')

    def at(self, uri):
        return location.get_location_from_uri(uri, conf=self.conf)

    def test_the_older_form_of_add_returns_four_things(self):
        uri, size, checksum, metadata = self.store.add(str(uuid.uuid4()), io.BytesIO(BITS), len(BITS))
        self.assertEqual((len(BITS), hashlib.md5(BITS).hexdigest()), (size, checksum))
        self.assertNotIn('store', metadata)

    def test_a_read_only_store_reads(self):
        uri = self.add()[0]
        self.config(container_store_read_only=True)
        self.store.configure()
        self.assertEqual(BITS, self.read(uri)[0])
        self.assertRaises(exceptions.StoreAddDisabled, self.add)
        self.assertRaises(exceptions.StoreDeleteNotSupported, self.store.delete, self.at(uri))

    def test_a_wrong_option_disables_adding_and_says_why(self):
        for wrong in ({'container_store_directory': 'relative'}, {'container_store_registry': 'Not A Host'},
                      {'container_store_registry': 'busybox'}):
            self.config(**wrong)
            store = Store(self.conf)
            self.assertRaises(exceptions.BadStoreConfiguration, store.configure, re_raise_bsc=True)
            self.assertFalse(store.is_capable(capabilities.BitMasks.WRITE_ACCESS))
            self.conf.clear_override('container_store_registry', 'glance_store')

    def test_the_entry_point_loads_it(self):
        self.assertIsInstance(backend._load_store(self.conf, 'container'), Store)


class TestSeveralStores(Verbs, base.MultiStoreBaseTest):
    _CONF = cfg.ConfigOpts()

    def setUp(self):
        super().setUp()
        self.conf = self._CONF
        self.conf(args=[])
        self.conf.register_opt(cfg.DictOpt('enabled_backends'))
        self.config(enabled_backends={'fast': 'container', 'cheap': 'container'})
        glance_store.register_store_opts(self.conf)
        self.config(default_backend='fast', group='glance_store')
        location.SCHEME_TO_CLS_BACKEND_MAP = {}
        self.addCleanup(setattr, location, 'SCHEME_TO_CLS_BACKEND_MAP', {})
        folder = self.useFixture(fixtures.TempDir()).path
        for group in ('fast', 'cheap'):
            self.config(group=group, container_store_directory=f'{folder}/{group}')
        glance_store.create_multi_stores(self.conf)
        self.addCleanup(self.conf.reset)
        mapped = location.SCHEME_TO_CLS_BACKEND_MAP['container']
        self.store, self.other = mapped['fast']['store'], mapped['cheap']['store']

    def at(self, uri, store='fast'):
        return location.get_location_from_uri_and_backend(uri, store, conf=self.conf)

    def test_the_metadata_names_the_store(self):
        self.assertEqual('fast', self.add()[4]['store'])

    def test_stores_are_apart(self):
        uri = self.add()[0]
        self.assertRaises(exceptions.NotFound, self.other.get, self.at(uri, 'cheap'))

    def test_locations_begin_as_glance_is_told(self):
        self.assertTrue(self.add()[0].startswith(self.store.url_prefix))
        self.assertIs(multi_backend.location.SCHEME_TO_CLS_BACKEND_MAP['container']['fast']['store'], self.store)


def test_every_error_of_ours_has_one_of_glance_store():
    classes, waiting = [], [errors.ContainerError]
    while waiting:
        classes.append(waiting.pop())
        waiting += classes[-1].__subclasses__()
    made = [one.__new__(one) for one in classes]
    assert all(failures.of(error) is not None for error in made)
    assert isinstance(failures.of(errors.BlobNotFound('x')), exceptions.NotFound)
    assert isinstance(failures.of(errors.DigestMismatch('x', 'a', 'b')), exceptions.BackendException)
