# SPDX-License-Identifier: Apache-2.0
"""Glance tells the service user of nova-compute where an image is, and tenants not."""

import json
import subprocess
import sys

import pytest
from openstack import exceptions

from nova_container.image import stored

ASK = """
import json, sys
from nova import config
from nova.conf import CONF
config.parse_args(["nova-compute", *(f"--config-file={name}" for name in sys.argv[2:])])
from nova_container.virt.locations import Locations
print(json.dumps(Locations(CONF)(sys.argv[1])))
"""


def test_the_driver_is_told_the_place_in_the_store(host, shared):
    files = [host.home / 'etc/nova' / name for name in ('nova.conf', 'nova-compute.conf')]
    image_id = shared.id_of('image', 'demo-httpd')
    said = subprocess.run([sys.executable, '-W', 'ignore', '-c', ASK, image_id, *files], capture_output=True, text=True,
                          check=True, timeout=60)
    [url] = json.loads(said.stdout.splitlines()[-1])
    assert stored.Place.parse(url).image_id == image_id


def test_a_tenant_is_not_told(shared):
    image_id = shared.id_of('image', 'demo-httpd')
    with pytest.raises(exceptions.ForbiddenException):
        exceptions.raise_from_response(shared.image.get(f'/images/{image_id}/locations'))
    assert 'container://' not in json.dumps(shared.image.get(f'/images/{image_id}').json())


def test_a_tenant_cannot_name_the_blobs_of_another(shared, project, admin):
    """Nor his own: only services give Glance a location of this store."""
    with_record = f'container://{shared.id_of("image", "demo-httpd")}/{"0" * 64}'
    mine = project.image.post('/images', json={'name': project.name('image'), 'container_format': 'docker',
                                               'disk_format': 'raw'}).json()['id']
    project.afterwards(lambda: project.image.delete_image(mine))
    with pytest.raises(exceptions.ForbiddenException):
        exceptions.raise_from_response(project.image.post(
            f'/images/{mine}/locations', json={'url': with_record, 'validation_data': {}}))
    with pytest.raises(exceptions.ForbiddenException):
        exceptions.raise_from_response(project.image.patch(
            f'/images/{mine}',
            json=[{'op': 'add', 'path': '/locations/-', 'value': {'url': with_record, 'metadata': {}}}],
            headers={'Content-Type': 'application/openstack-images-v2.1-json-patch'}))
    assert project.image.get(f'/images/{mine}').json()['status'] == 'queued'
