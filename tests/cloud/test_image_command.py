# SPDX-License-Identifier: Apache-2.0
"""``nova-container-image`` takes images from a registry and a Dockerfile into Glance, where they boot, and back."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from tests.cloud import host as hosts
from tests.conformance import presence
from tests.fixtures.registry import running_registry

COMMAND = pathlib.Path(sys.executable).with_name('nova-container-image')


@pytest.fixture(scope='module')
def registry():
    with running_registry() as place:
        yield place


@pytest.fixture
def image_command(host, shared, request):
    """Run it as the demo user; images that it makes in Glance are gone afterwards."""
    environment = {**os.environ, 'OS_CLIENT_CONFIG_FILE': str(host.clouds_yaml), 'OS_CLOUD': 'minicloud',
                   'PYTHONPATH': str(hosts.TOP)}

    def run(*argv, code=0):
        done = subprocess.run([sys.executable, COMMAND, *argv], env=environment, capture_output=True, text=True,
                              timeout=120, check=False)
        assert done.returncode == code, done.stderr
        if code == 0 and argv[0] in ('pull', 'build'):
            request.addfinalizer(lambda: shared.image.delete_image(done.stdout.strip()))
        return done

    return run


@pytest.fixture(scope='module')
def pushed(registry, shared, host, tmp_path_factory):
    """The demo image in the registry, by skopeo, which is not ours."""
    skopeo, archive = presence.require_program('skopeo'), tmp_path_factory.mktemp('demo') / 'demo.tar'
    with contextlib.closing(shared.image.download_image(shared.id_of('image', 'demo-httpd'), stream=True)) as data, \
            archive.open('wb') as file:
        shutil.copyfileobj(data.raw, file)
    subprocess.run([skopeo, 'copy', '--insecure-policy', '--dest-tls-verify=false', f'docker-archive:{archive}',
                    f'docker://{registry}/demo/web:1'], check=True, capture_output=True)
    return f'{registry}/demo/web:1'


def test_an_image_of_a_registry_boots_and_goes_back(image_command, pushed, registry, shared, project):
    pulled = image_command('pull', pushed, '--name', 'pulled', '--property', 'colour=blue')
    found = shared.image.get_image(pulled.stdout.strip())
    assert (found.name, found.container_format, found.disk_format) == ('pulled', 'docker', 'raw')
    assert found.properties['colour'] == 'blue' and found.properties['container_reference'] == pushed
    assert 'upload to Glance: ' in pulled.stderr
    assert project.boot(found.id).status == 'ACTIVE'
    digest = image_command('push', found.id, f'{registry}/demo/back:2').stdout.strip()
    seen = subprocess.run(
        [presence.require_program('skopeo'), 'inspect', '--tls-verify=false', '--format', '{{.Digest}}',
         f'docker://{registry}/demo/back:2'], check=True, capture_output=True, text=True)
    assert seen.stdout.strip() == digest


def test_a_dockerfile_becomes_an_image_and_shares_layers(image_command, pushed, host, tmp_path):
    (tmp_path / 'Dockerfile').write_text(f'FROM {pushed}\nARG WORD\nCOPY page /www/page\nENV WORD=$WORD\n')
    (tmp_path / 'page').write_text('built')
    built = image_command('build', str(tmp_path), '--name', 'built', '--build-arg', 'WORD=hello',
                          '--engine', f'unix://{host.engine_socket}').stdout.strip()
    pulled = image_command('pull', pushed, '--name', 'base').stdout.strip()
    text = image_command('layers', built, pulled).stdout
    assert 'built' in text and 'together' in text
    assert len(text.splitlines()) >= 4


def test_what_is_not_there_is_told_and_leaves_nothing(image_command, registry, shared):
    before = {image.id for image in shared.image.images()}
    assert 'web:9' in image_command('pull', f'{registry}/demo/web:9', code=1).stderr
    assert 'There is no image nothing' in image_command('push', 'nothing', f'{registry}/demo/web:9', code=1).stderr
    assert {image.id for image in shared.image.images()} == before
