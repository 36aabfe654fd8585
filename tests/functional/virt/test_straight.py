# SPDX-License-Identifier: Apache-2.0
"""Images of the container store reach the engine by their layers, and through Glance where that does not work."""

import gzip
import hashlib
import uuid

import pytest

from glance_store_container.remote import Remote
from nova_container import errors
from nova_container.registry import RegistrySettings
from nova_container.virt import images
from nova_container.virt.straight import StorePlace, Straight
from nova_container.virt.translate.image import GlanceImage
from tests.conformance.builtin import opened_engine
from tests.fixtures import busybox_image, image_store
from tests.fixtures.registry import running_registry

pytestmark = pytest.mark.root
QUICK = RegistrySettings(attempts=2, backoff_s=0.01, connect_s=2.0, idle_s=5.0)


class Glance:
    """What the driver asks Nova's client of Glance, and what Glance tells services of where images are."""

    def __init__(self):
        self.images, self.data, self.downloads, self.places = {}, {}, [], {}

    def get(self, context, image_id):
        return self.images[image_id]

    def locate(self, image_id):
        return self.places[image_id]

    def download(self, context, image_id, data, trusted_certs=None):
        self.downloads.append(image_id)
        data.write(self.data[image_id])


class Watched:
    """An engine that remembers what it said while it pulled."""

    def __init__(self, engine):
        self._engine, self.lines = engine, []

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def pull(self, reference, **options):
        for line in self._engine.pull(reference, **options):
            self.lines.append(line)
            yield line


@pytest.fixture(scope='module')
def registry():
    with running_registry() as domain:
        yield domain


@pytest.fixture(scope='module')
def engine():
    with opened_engine() as (made, _):
        yield made


@pytest.fixture
def store(registry, tmp_path):
    return Remote(registry, f'glance/{uuid.uuid4().hex}', QUICK, None, tmp_path / 'spool', 1 << 20)


@pytest.fixture
def cloud(engine, store, tmp_path):
    """An image in store and Glance: ``add(files)`` gives its id."""
    glance = Glance()

    def add(files=None, packed=lambda data: data):
        image_id, path = str(uuid.uuid4()), tmp_path / 'image.tar'
        busybox_image.build(path, f'evil/{image_id}:latest', files=files)
        data = packed(path.read_bytes())
        place = image_store.add(store, data, image_id)
        glance.data[image_id], glance.places[image_id] = data, [place.uri]
        glance.images[image_id] = {
            'id': image_id, 'container_format': 'docker', 'disk_format': 'raw',
            'os_hash_algo': 'sha512', 'os_hash_value': hashlib.sha512(data).hexdigest()}
        return image_id

    watched = Watched(engine)
    straight = Straight(watched, glance.locate, StorePlace(domain=store.domain, path=store.path, settings=QUICK))
    made = images.Images(watched, glance, straight=straight)
    yield glance, watched, made, add
    for image in engine.list_images():
        engine.remove_image(image.id, force=True)


def test_only_what_is_missing_is_fetched(cloud, engine):
    glance, watched, made, add = cloud
    first, second = add(), add(files={'/etc/motd': 'new'})
    assert made.cache(None, first) and glance.downloads == []
    watched.lines.clear()
    assert made.cache(None, second) and glance.downloads == []
    statuses = [line.status for line in watched.lines if line.id]
    assert statuses.count('Already exists') == 1 and statuses.count('Pull complete') == 1
    assert not made.cache(None, second)
    names = {name for image in engine.list_images() for name in image.references}
    assert names and all(name.startswith('glance/') for name in names), 'no name of the registry stays'


def test_what_is_no_image_of_layers_comes_through_glance(cloud):
    glance, _, made, add = cloud
    packed = add(packed=lambda data: gzip.compress(data, 1, mtime=0))
    assert made.cache(None, packed) and glance.downloads == [packed]


@pytest.mark.parametrize('urls', [[], ['file:///var/lib/glance/images/x'], ['container://nonsense']])
def test_an_image_that_lies_elsewhere_comes_through_glance(cloud, urls):
    glance, watched, made, add = cloud
    image_id = add()
    glance.places[image_id] = urls
    assert made.cache(None, image_id) and glance.downloads == [image_id] and watched.lines == []


def test_a_location_of_another_image_is_not_followed(cloud):
    glance, watched, made, add = cloud
    mine, other = add(), add(files={'/secret': 'of others'})
    [stolen] = glance.places[other]
    for url in (stolen, stolen.replace(other, mine)):
        glance.places[mine] = [url]
        straight = made._straight
        try:
            assert not straight.take(GlanceImage(id=mine, hash_value='0' * 32))
        except errors.Corrupt as error:
            assert 'of another image' in str(error)
    assert made.cache(None, mine) and glance.downloads == [mine] and watched.lines == []


def test_a_registry_that_is_away_costs_nothing_but_time(cloud, engine):
    glance, _, _, add = cloud
    image_id = add()
    away = Straight(engine, glance.locate, StorePlace(domain='127.0.0.1:1', path='glance', settings=QUICK))
    assert images.Images(engine, glance, straight=away).cache(None, image_id) and glance.downloads == [image_id]


def test_a_signature_asks_for_the_stream(cloud):
    glance, watched, made, add = cloud
    image_id = add()
    found = GlanceImage(id=image_id, hash_algorithm='sha512', hash_value=glance.images[image_id]['os_hash_value'])
    assert made._fetch(None, found, ['certificate']) and glance.downloads == [image_id] and watched.lines == []
