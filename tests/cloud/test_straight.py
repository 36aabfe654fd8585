# SPDX-License-Identifier: Apache-2.0
"""Images and snapshots move only what is missing, as the registry that Glance's store is in saw it."""

import hashlib
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud import host as hosts
from tests.cloud.project import Project, wait_for
from tests.fixtures import busybox_image

BLOB = re.compile(r'"(GET|HEAD|PUT) /v2/glance/blobs/(?:uploads/\S*digest=)?(sha256(?::|%3A)[0-9a-f]{64})\S* HTTP/1.1" '
                  r'(\d+) (\d+)')
FILLING_BYTES = 3_000_000


@pytest.fixture(scope='module', autouse=True)
def _in_a_registry(host: hosts.Host) -> None:
    if host.image_store != 'registry':
        pytest.skip('this minicloud keeps its images in a directory: MINICLOUD_IMAGE_STORE=registry has the registry')


class Seen:
    """What the registry logged after it was made."""

    def __init__(self, host: hosts.Host) -> None:
        self._host, self._offset = host, host.log('registry').stat().st_size
        self._compute = host.log('nova-compute').stat().st_size

    def blobs(self, method: str) -> dict[str, int]:
        """Digests of the blobs that were fetched (GET) or kept (PUT), with the bytes of the answers."""
        found = BLOB.findall(self._host.log_since('registry', self._offset))
        return {digest.replace('%3A', ':'): int(size) for verb, digest, status, size in found
                if verb == method and status[0] == '2'}

    def said(self, text: str) -> bool:
        """Whether nova-compute said it."""
        return text in self._host.log_since('nova-compute', self._compute)


def base_digest() -> str:
    return f'sha256:{hashlib.sha256(busybox_image.base_layer()).hexdigest()}'


def an_archive(folder: pathlib.Path, **files: str) -> bytes:
    path = folder / 'box.tar'
    busybox_image.build(path, 'box:1', config={'Entrypoint': None, 'Cmd': ['sleep', '1000']},
                        files={f'/{name}': text for name, text in files.items()})
    return path.read_bytes()


def own_layer(archive: bytes) -> str:
    """The digest of the upper layer."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        listing = json.load(tar.extractfile('manifest.json'))  # type: ignore[arg-type]
        return f'sha256:{hashlib.sha256(tar.extractfile(listing[0]["Layers"][1]).read()).hexdigest()}'  # type: ignore[union-attr]


def snapshot(project: Project, server: Any) -> Any:
    """A snapshot that is active."""
    image = project.compute.create_server_image(server.id, project.name('snapshot'))
    project.afterwards(lambda: project.image.delete_image(image.id, ignore_missing=True))
    return wait_for('the snapshot is active', lambda: (
        found := project.image.get_image(image.id)).status == 'active' and found, 90, 0.1)


def stored_bytes(host: hosts.Host) -> int:
    return sum(path.stat().st_size for path in (host.home / 'data/registry/docker/registry/v2/blobs').rglob('data'))


@pytest.fixture(scope='module')
def box(shared: Project, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server of an image that has the base alone; the base is cached from here on."""
    return shared.boot(shared.upload(an_archive(tmp_path_factory.mktemp('box'))))


def test_of_an_image_whose_base_is_cached_only_the_missing_layer_is_fetched(host, box, project, tmp_path):
    archive = an_archive(tmp_path, mark=uuid.uuid4().hex)
    image = project.upload(archive)
    seen = Seen(host)
    project.boot(image)
    fetched = seen.blobs('GET')
    assert own_layer(archive) in fetched and base_digest() not in fetched
    assert sum(fetched.values()) < 30_000 < len(archive)
    assert len(fetched) == 3, 'recipe, configuration and layer'


def test_a_snapshot_sends_its_own_layer_and_is_an_image_like_any(host, box, project, containers, tmp_path):
    filled = project.boot(project.upload(an_archive(tmp_path, filling=os.urandom(FILLING_BYTES // 2).hex())))
    containers.sh(filled.id, 'echo changed > /root/mark')
    seen, before = Seen(host), stored_bytes(host)
    image = snapshot(project, filled)
    wait_for('nova-compute says how', lambda: seen.said(f'Snapshot {image.id} sent by its layers'), 10)
    assert stored_bytes(host) - before < 100_000 < FILLING_BYTES
    assert base_digest() not in seen.blobs('PUT') and len(seen.blobs('PUT')) < 8
    copy = project.boot(image.name)
    assert containers.sh(copy.id, 'cat /root/mark') == 'changed\n'
    hashed = wait_for('Glance has its hash', lambda: (
        found := project.image.get_image(image.id)).hash_value and found, 60)
    project.image.download_image(image.id, stream=True, output=str(tmp_path / 'snapshot.tar'))
    data = (tmp_path / 'snapshot.tar').read_bytes()
    assert len(data) == image.size > FILLING_BYTES
    assert hashlib.sha512(data).hexdigest() == hashed.hash_value
    told = subprocess.run(['skopeo', 'inspect', f'docker-archive:{tmp_path}/snapshot.tar'], capture_output=True,
                          text=True, timeout=60, check=True)
    assert len(json.loads(told.stdout)['Layers']) == 3
    assert 'container://' not in json.dumps(project.image.get(f'/images/{image.id}').json())


@pytest.fixture
def _locked_out(host: hosts.Host) -> Iterator[None]:
    """The registry lets Glance in, and nova-compute no more: it reads the file anew when it changed."""
    users = host.home / 'etc/registry/htpasswd'
    text = users.read_text()
    users.write_text(''.join(line for line in text.splitlines(keepends=True) if not line.startswith('nova:')))
    yield
    users.write_text(text)


def test_where_the_registry_refuses_everything_goes_through_glance(
        host, box, project, containers, tmp_path, _locked_out):
    image = project.upload(an_archive(tmp_path, mark=uuid.uuid4().hex))
    seen = Seen(host)
    server = project.boot(image)
    assert seen.said('could not be fetched by its layers, so it is downloaded')
    assert base_digest() in seen.blobs('GET'), 'Glance reads all of it'
    containers.sh(server.id, 'echo changed > /root/mark')
    taken = snapshot(project, server)
    assert seen.said(f'Snapshot {taken.id} could not be sent by its layers, so all of it is uploaded')
    copy = project.boot(taken.name)
    assert containers.sh(copy.id, 'cat /root/mark') == 'changed\n'


def test_without_its_registry_glance_still_gives_out_what_is_elsewhere(host, box, project, tmp_path):
    archive = an_archive(tmp_path, mark=uuid.uuid4().hex)
    answer = project.image.post('/images', json={'name': project.name('image'), 'container_format': 'docker',
                                                 'disk_format': 'raw'}).json()
    project.afterwards(lambda: project.image.delete_image(answer['id']))
    stopped = project.boot(project.upload(an_archive(tmp_path, mark=uuid.uuid4().hex)))
    host.kill('registry')
    try:
        project.image.put(f'/images/{answer["id"]}/file', data=archive, headers={
            'Content-Type': 'application/octet-stream', 'X-Image-Meta-Store': 'local'})
        assert project.boot(answer['id']).status == 'ACTIVE'
        image = project.compute.create_server_image(stopped.id, project.name('snapshot'))
        project.afterwards(lambda: project.image.delete_image(image.id, ignore_missing=True))
        assert project.await_status(stopped.id).status == 'ACTIVE', 'a snapshot that failed is no harm to its server'
    finally:
        host.restart('registry')
    snapshot(project, stopped)


def test_a_snapshot_deleted_at_once_leaves_nothing_in_the_store(host, box, project, containers):
    containers.sh(box.id, 'dd if=/dev/urandom of=/root/bulk bs=1M count=20 2>/dev/null')
    image = snapshot(project, box)
    project.image.delete_image(image.id)
    wait_for('it is gone from the store', lambda: image.id not in listed(host), 30)
    assert project.await_status(box.id).status == 'ACTIVE'


def test_a_snapshot_deleted_while_it_is_sent_leaves_nothing_that_is_not_found(host, box, project, containers):
    containers.sh(box.id, 'dd if=/dev/urandom of=/root/bulk bs=1M count=60 2>/dev/null')
    seen = Seen(host)
    image = project.compute.create_server_image(box.id, project.name('snapshot'))
    wait_for('it is being sent', lambda: '/blobs/uploads/' in host.log_since('registry', seen._offset), 60, 0.01)
    project.image.delete_image(image.id)
    project.await_status(box.id)
    assert image.id not in listed(host)


def test_a_compute_service_killed_while_it_sends_leaves_what_is_found(host, box, project, admin, containers):
    containers.sh(box.id, 'dd if=/dev/urandom of=/root/bulk bs=1M count=60 2>/dev/null')
    seen = Seen(host)
    image = project.compute.create_server_image(box.id, project.name('snapshot'))
    wait_for('it is being sent', lambda: '/blobs/uploads/' in host.log_since('registry', seen._offset), 60, 0.01)
    host.kill('nova-compute')
    host.restart('nova-compute')
    assert project.await_status(box.id, timeout_s=120).status == 'ACTIVE'
    assert not [tag for found in containers.client.images.list() for tag in found.tags if image.id in tag]
    project.image.delete_image(image.id)
    known = '\n'.join(one.id for one in admin.image.images())
    host_said = store_command(host, 'gc', '--known', '-', '--min-age', '0', given=known)
    assert image.id not in listed(host), host_said
    assert '0 problems' in store_command(host, 'check')
    assert store_command(host, 'gc').startswith('0 things done')
    snapshot(project, box)


def listed(host: hosts.Host) -> str:
    """What nova-container-store lists."""
    return store_command(host, 'list')


def store_command(host: hosts.Host, *arguments: str, given: str = '') -> str:
    """What nova-container-store says."""
    return subprocess.run(
        [sys.executable, '-W', 'ignore', '-m', 'glance_store_container.command', '--config-file',
         host.home / 'etc/glance/glance-api.conf', '--store', 'layers', *arguments], cwd=hosts.TOP, text=True,
        input=given, capture_output=True, check=True, timeout=120).stdout
