# SPDX-License-Identifier: Apache-2.0
"""The container store on the real docker-registry: TLS and passwords, chunks, sharing, refusals, and its own tools."""

import io
import json
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import glance_store
import pytest
from glance_store import exceptions, location
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oslo_config import cfg

from glance_store_container import command
from glance_store_container.layout import Layout
from glance_store_container.remote import Remote
from glance_store_container.store import Store
from nova_container import errors
from nova_container.registry import RegistrySettings, Repository
from tests.conformance import presence
from tests.fixtures import image_archives, image_store
from tests.fixtures.nasty_registry import break_off, nasty_registry, redirect
from tests.fixtures.registry import PASSWORD, make_certificates, running_registry
from tests.fixtures.registry_process import RegistryProcess

BASE = image_archives.noise(900_000, 'base')
QUICK = RegistrySettings(attempts=3, backoff_s=0.01, connect_s=2.0, idle_s=5.0)


def archive(seed):
    return image_archives.docker_save(BASE, image_archives.noise(70_000, seed))


@pytest.fixture(scope='module')
def registry(tmp_path_factory):
    process = RegistryProcess(tmp_path_factory.mktemp('registry'))
    yield process
    process.kill()


@pytest.fixture
def remote(registry, tmp_path):
    return Remote(registry.domain, f'glance/{uuid.uuid4().hex}', QUICK, None, tmp_path / 'spool', 100_000)


@pytest.fixture
def secured(tmp_path):
    """A registry with TLS and a password: its domain, and the folder that trusts it."""
    certificates = make_certificates(tmp_path / 'made')
    with running_registry(password=True, certificates=certificates) as domain:
        trusted = tmp_path / 'certs.d' / domain
        trusted.mkdir(parents=True)
        shutil.copy(certificates / 'ca.crt', trusted)
        yield domain, tmp_path / 'certs.d'


def opened(folder, domain, **options):
    """A driver, and how it reads a URI."""
    conf = cfg.ConfigOpts()
    conf(args=[])
    glance_store.register_opts(conf)
    store = Store(conf)
    chosen = {'directory': str(folder / 'spool'), 'registry': domain, 'timeout': 5, **options}
    for name, value in chosen.items():
        conf.set_override(f'container_store_{name}', value, 'glance_store')
    store.configure()
    return store, lambda uri: location.Location('container', store.store_location_class, conf, uri=uri)


def test_images_share_the_layers_that_are_there(remote, registry, monkeypatch):
    image_store.add(remote, archive(0))
    sent, real = [], Repository.send_chunk

    def counted(self, where, body, start, size):
        sent.append(size)
        return real(self, where, body, start, size)
    monkeypatch.setattr(Repository, 'send_chunk', counted)
    place = image_store.add(remote, archive(1))
    assert sum(sent) < 100_000
    assert image_store.read(remote, place) == archive(1)


def test_a_blob_is_sent_in_chunks_and_taken_up_where_it_broke_off(remote, monkeypatch):
    sent, real = [], Repository.send_chunk

    def breaking(self, where, body, start, size):
        sent.append(start)
        if sent.count(300_000) == 1 and start == 300_000:
            raise errors.Unavailable('it broke off')
        return real(self, where, body, start, size)
    monkeypatch.setattr(Repository, 'send_chunk', breaking)
    content = image_archives.noise(1_000_000, 'one blob')
    place = image_store.add(remote, content)
    assert image_store.read(remote, place) == content
    assert sorted(start for start in sent if start) == sorted([300_000, *range(100_000, 1_000_000, 100_000)])
    assert sent.count(0) == 2  # of the data, and of the recipe


def test_an_image_is_pulled_by_its_manifest(remote, registry, tmp_path):
    presence.require_program('skopeo')
    manifest = image_store.manifest_of(remote, image_store.add(remote, archive(0)))
    subprocess.run(['skopeo', 'copy', '--src-tls-verify=false', '--insecure-policy',
                    f'docker://{registry.domain}/{remote.path}@{manifest}', f'dir:{tmp_path}/pulled'],
                   check=True, capture_output=True, timeout=60)
    listed = json.loads((tmp_path / 'pulled/manifest.json').read_text())
    assert [(tmp_path / 'pulled' / layer['digest'].partition(':')[2]).read_bytes() for layer in listed['layers']] == [
        BASE, image_archives.noise(70_000, 0)]


def test_equal_images_keep_their_manifest_until_the_last_goes(remote):
    first, second = image_store.add(remote, archive(0)), image_store.add(remote, archive(0))
    manifest = image_store.manifest_of(remote, second)
    remote.remove(first)
    assert remote.document(manifest)
    assert image_store.read(remote, second) == archive(0)
    remote.remove(second)
    with pytest.raises(errors.ImageNotFound):
        remote.document(manifest)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(0, 250_000), min_size=1, max_size=3), st.booleans(), st.binary(max_size=50),
       st.integers(0, 300_000), st.integers(1, 300_000))
def test_bytes_and_ranges_come_back(remote, sizes, by_digest, more, start, length):
    content = image_archives.docker_save(*(image_archives.noise(size, size) for size in sizes),
                                         by_digest=by_digest) + more
    place = image_store.add(remote, content)
    assert image_store.read(remote, place) == content
    assert image_store.read(remote, place, start, length) == content[start:start + length]
    remote.remove(place)


def test_a_registry_with_tls_and_a_password(secured, tmp_path):
    domain, trusted = secured
    store, at = opened(tmp_path, domain, username=PASSWORD[0], password=PASSWORD[1], certificates=[str(trusted)])
    uri, *_, metadata = store.add(str(uuid.uuid4()), io.BytesIO(archive(0)), 0, 'sha512')
    assert b''.join(store.get(at(uri))[0]) == archive(0)
    assert (metadata['registry'], metadata['repository']) == (domain, 'glance')
    assert PASSWORD[1] not in f'{uri}{metadata}'


@pytest.mark.parametrize(('wrong', 'told'), [
    ({'password': 'guessed'}, exceptions.Forbidden), ({'username': None}, exceptions.Forbidden),
    ({'certificates': []}, exceptions.RemoteServiceUnavailable)])
def test_who_is_not_trusted_is_told(secured, tmp_path, wrong, told):
    domain, trusted = secured
    options = {'username': PASSWORD[0], 'password': PASSWORD[1], 'certificates': [str(trusted)], **wrong}
    if 'certificates' in wrong:
        (tmp_path / 'empty' / domain).mkdir(parents=True)
        options['certificates'] = [str(tmp_path / 'empty')]
    store, _ = opened(tmp_path, domain, **options)
    with pytest.raises(told):
        store.add(str(uuid.uuid4()), io.BytesIO(archive(0)), 0, 'sha512')
    assert list((tmp_path / 'spool').glob('upload-*')) == []


def test_no_registry_at_all_is_told(tmp_path):
    store, at = opened(tmp_path, '127.0.0.1:1')
    with pytest.raises(exceptions.RemoteServiceUnavailable):
        store.add(str(uuid.uuid4()), io.BytesIO(b'x'), 1, 'sha512')
    with pytest.raises(exceptions.RemoteServiceUnavailable):
        store.get(at(f'container://{uuid.uuid4()}/{"0" * 64}'))


class TestCommand:
    """nova-container-store, on the configuration of Glance."""

    @pytest.fixture(params=['directory', 'registry'], autouse=True)
    def prepare(self, request, registry, tmp_path, capsys):
        self.backend_options = f'container_store_directory = {tmp_path}/images\n'
        if request.param == 'registry':
            self.path = f'glance/{uuid.uuid4().hex}'
            self.backend_options += (f'container_store_registry = {registry.domain}\n'
                                     f'container_store_repository = {self.path}\n')
        (tmp_path / 'images').mkdir()
        self.config = Path(tmp_path, 'glance-api.conf')
        self.config.write_text(f'[DEFAULT]\nenabled_backends = layers:container\n[layers]\n{self.backend_options}')
        asked = command._parser().parse_args(['--config-file', str(self.config), '--store', 'layers', 'list'])
        self.backend, self._capsys = command._opened(asked), capsys

    def run(self, *words):
        code = command.main(['--config-file', str(self.config), '--store', 'layers', *words])
        return code, self._capsys.readouterr()

    def test_list_shows_every_image(self):
        place = image_store.add(self.backend, archive(0))
        code, told = self.run('list')
        assert (code, told.out.split()[:2]) == (0, [place.image_id, str(len(archive(0)))])
        assert image_store.manifest_of(self.backend, place) in told.out

    def test_check_finds_nothing_wrong(self):
        image_store.add(self.backend, archive(0))
        for words in (('check',), ('check', '--quick')):
            code, told = self.run(*words)
            assert (code, told.out.splitlines()[-1]) == (0, '1 images checked, 0 problems')

    def test_gc_removes_what_glance_does_not_know_if_it_is_old_enough(self, tmp_path):
        kept, gone = image_store.add(self.backend, archive(0)), image_store.add(self.backend, archive(1))
        (tmp_path / 'known').write_text(f'{kept.image_id}\n')
        self.run('gc', '--known', str(tmp_path / 'known'))
        assert len(self.backend.places()) == 2
        code, told = self.run('gc', '--known', str(tmp_path / 'known'), '--min-age', '0')
        assert code == 0 and gone.image_id in told.out
        assert [place.image_id for place in self.backend.places()] == [kept.image_id]
        assert image_store.read(self.backend, kept) == archive(0)

    def test_an_empty_list_removes_nothing(self, tmp_path):
        image_store.add(self.backend, archive(0))
        (tmp_path / 'known').write_text('')
        code, told = self.run('gc', '--known', str(tmp_path / 'known'), '--min-age', '0')
        assert code == 2 and 'would remove every image' in told.err
        assert len(self.backend.places()) == 1


def test_root_leaves_all_to_the_user_of_glance(tmp_path):
    for folder in (tmp_path, *tmp_path.parents):
        if folder.is_relative_to('/tmp/pytest-of-root'):
            folder.chmod(0o711)
    layout = Layout(tmp_path / 'images')
    image_store.add(layout, archive(0))
    (layout.root / 'blobs/sha256' / ('0' * 64)).write_bytes(b'left')
    for path in (layout.root, *layout.root.rglob('*')):
        os.chown(path, 65534, 65534)
    config = tmp_path / 'glance-api.conf'
    config.write_text(f'[layers]\ncontainer_store_directory = {layout.root}\n')
    told = subprocess.run([sys.executable, '-m', 'glance_store_container.command', '--config-file', config,
                           '--store', 'layers', 'gc'], check=True, capture_output=True, timeout=60, text=True)
    assert '4 bytes freed' in told.stdout
    assert {path.stat().st_uid for path in layout.root.rglob('*')} == {65534}
    image_store.check_clean(layout)


class TestNastyRegistry:
    """Where a registry sends us, and what it gives, is judged on every request."""

    @pytest.fixture(autouse=True)
    def prepare(self, tmp_path):
        with nasty_registry() as self.nasty:
            self.remote = Remote(self.nasty.place, 'one', QUICK, None, tmp_path / 'spool', 100_000)
            self.content = self.nasty.blobs[self.nasty.layer]
            yield

    def read(self):
        size = len(self.content)
        return b''.join(self.remote.read(self.nasty.layer, size, 0, size))

    @pytest.mark.parametrize('url', ['http://169.254.169.254/latest/meta-data', 'http://2852039166/', 'ftp://127.0.0.1/x',
                                     'http://10.1.2.3/', 'http://[::ffff:10.0.0.1]/', 'file:///etc/passwd'])
    def test_a_redirect_into_the_inside_is_refused(self, url):
        self.nasty.behave[self.nasty.blob_path] = redirect(url)
        with pytest.raises(errors.Denied):
            self.read()

    def test_other_bytes_are_not_served(self):
        self.nasty.blobs[self.nasty.layer] = b'!' + self.content[1:]
        with pytest.raises(errors.DigestMismatch):
            self.read()

    def test_what_breaks_off_is_taken_up(self):
        self.nasty.behave[self.nasty.blob_path] = break_off(self.content, 2, 300_000)
        assert self.read() == self.content
