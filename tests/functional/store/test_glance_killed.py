# SPDX-License-Identifier: Apache-2.0
"""A real glance-api, and its registry, killed (SIGKILL) before each step of upload and delete, and started again.

No image that was active is lost or changed, nothing wrong is served, what is half made is not active and can be deleted
or uploaded again, and the collections end with exactly the blobs of the images that Glance has.
"""

import itertools

import pytest
from oslo_config import cfg

from glance_store_container import command, settings
from tests.fixtures import image_archives, image_store
from tests.fixtures.glance_process import GlanceProcess
from tests.fixtures.registry_process import RegistryProcess

BASE = image_archives.noise(200_000, 'base')
OTHER = image_archives.docker_save(BASE, image_archives.noise(70_000, 'other'))
SEVERAL_CHUNKS = 1_100_000
DELETED = 'deleted'
"""Glance 33 leaves a row with this status, without data and with no way to delete it again, if it dies just before the
row goes: that is not the store's doing."""


def mine(seed):
    return image_archives.docker_save(BASE, image_archives.noise(SEVERAL_CHUNKS, seed))


class Cloud:
    """Glance, its registry, and the images that were active before anything was killed."""

    def __init__(self, folder):
        self.registry = RegistryProcess(folder / 'registry')
        try:
            self.glance = GlanceProcess(folder / 'glance', self.registry.domain)
        except BaseException:
            self.registry.kill()
            raise
        self.folder = folder
        self.others = {store: self.active(OTHER, store) for store in ('directory', 'registry')}

    def active(self, content, store):
        image = self.glance.create()
        assert self.glance.upload(image, content, store)[0] == 204
        return image

    def end(self):
        self.glance.end()
        self.registry.kill()

    def backend(self, store):
        conf = cfg.ConfigOpts()
        conf.register_opts(settings.OPTIONS, group=store)
        conf(args=[], default_config_files=[str(self.glance.conf)])
        return settings.backend(getattr(conf, store))

    def check_other(self, store):
        """Glance serves only what is active."""
        assert self.glance.data(self.others[store]) == (200, OTHER)

    def is_whole(self, image, content):
        """Whether an image is active; then it has its bytes, else nothing is served."""
        status, found = self.glance.data(image)
        if self.glance.status(image) == 'active':
            assert (status, found) == (200, content)
            return True
        assert (status, found) == (204, b'')
        return False

    def collect(self, store):
        """The command's collection; afterwards there is what the images of Glance need, whole, and no more."""
        known = self.glance.known()
        (self.folder / 'known').write_text('\n'.join(known))
        assert command.main(['--config-file', str(self.glance.conf), '--store', store, 'gc', '--known',
                             str(self.folder / 'known'), '--min-age', '0']) == 0
        backend = self.backend(store)
        assert {place.image_id for place in backend.places()} <= set(known)
        if store == 'directory':
            image_store.check_clean(backend)
        assert list((self.glance.folder / 'spool').glob('upload-*')) == []
        assert [problem for place in backend.places() for problem in backend.problems(place, deep=True)] == []

    def check_all(self):
        """Nothing is left but the images from before; the registry's own collection leaves just their blobs."""
        for store, image in self.others.items():
            self.collect(store)
            assert [place.image_id for place in self.backend(store).places()] == [image]
        self.registry.collect_garbage()
        assert self.registry.blobs() == image_store.needed(self.backend('registry'))
        left = {image for image, status in self.glance.known().items() if status != DELETED}
        assert left == set(self.others.values())
        for store in self.others:
            self.check_other(store)


@pytest.fixture(scope='module')
def cloud(tmp_path_factory):
    found = Cloud(tmp_path_factory.mktemp('cloud'))
    yield found
    found.end()


def killed_at_each_step(cloud, prepare, verb, victim):
    """Ask for a verb with a kill at each step in turn; gives what was prepared, after all runs again."""
    for step in itertools.count():
        state = prepare(step)
        kill = f'{step} any' if victim == 'glance' else f'{step} network {cloud.registry.pid}'
        try:
            ended = verb(state, kill)[2]
        except ConnectionError:
            assert victim == 'glance'
            cloud.glance.wait_killed()
            cloud.glance.start()
            ended = False
        else:
            assert ended or victim == 'registry'
        if victim == 'registry' and not ended:
            cloud.registry.kill()
            cloud.registry.start()
        yield state
        if ended:
            assert step > (4 if victim == 'registry' else 8)
            return


WHO = [('directory', 'glance'), ('registry', 'glance'), ('registry', 'registry')]


@pytest.mark.parametrize(('store', 'victim'), WHO)
def test_an_upload(cloud, store, victim):
    def prepare(step):
        return cloud.glance.create(), mine(f'{store} {victim} {step}')

    def upload(state, kill):
        return cloud.glance.upload(*state, store, X_Kill=kill)

    for image, content in killed_at_each_step(cloud, prepare, upload, victim):
        cloud.check_other(store)
        if not cloud.is_whole(image, content):
            if cloud.glance.status(image) == 'queued':
                assert cloud.glance.upload(image, content, store)[0] == 204
            else:
                assert cloud.glance.status(image) == 'saving'
                assert cloud.glance.delete(image)[0] == 204
                image = cloud.active(content, store)
            assert cloud.is_whole(image, content)
        assert cloud.glance.delete(image)[0] == 204
        cloud.collect(store)
    cloud.check_all()


@pytest.mark.parametrize(('store', 'victim'), WHO)
def test_a_deletion(cloud, store, victim):
    content = mine(f'to be deleted {store} {victim}')

    def delete(image, kill):
        return cloud.glance.delete(image, X_Kill=kill)

    for image in killed_at_each_step(cloud, lambda _: cloud.active(content, store), delete, victim):
        cloud.check_other(store)
        status, found = cloud.glance.data(image)
        assert status != 200 or found == content
        if cloud.glance.status(image) not in ('', DELETED):
            assert cloud.glance.delete(image)[0] == 204
        cloud.collect(store)
    cloud.check_all()
