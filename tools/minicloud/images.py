# SPDX-License-Identifier: Apache-2.0
"""The demo images: built by tools.images if there is one, then uploaded."""

import importlib.util
import os
import pathlib
import sys

from tools.minicloud import api
from tools.minicloud import instance
from tools.minicloud import processes
from tools.minicloud import service


def build(cloud: instance.Instance) -> None:
    """Build the images of this checkout unless they are built."""
    folder = _folder(cloud)
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.glob('*.tar')) and _can_build():
        processes.run((sys.executable, '-m', 'tools.images', '--output',
                       str(folder)), home=cloud.home,
                      env={'PYTHONPATH': str(service.CHECKOUT)})


def upload(cloud: instance.Instance) -> None:
    """Upload every archive Glance does not have under its name."""
    admin = api.Api(cloud, 'admin', 'admin')
    existing = {image['name'] for image in admin.get(
        'glance', '/v2/images?limit=1000')['images']}
    for archive in sorted(_folder(cloud).glob('*.tar')):
        if archive.stem not in existing:
            _upload(admin, archive)


def _upload(admin: api.Api, archive: pathlib.Path) -> None:
    image = admin.post('glance', '/v2/images', {
        'name': archive.stem, 'container_format': 'docker',
        'disk_format': 'raw', 'visibility': 'public', 'min_disk': 0})
    with archive.open('rb') as content:
        admin.upload('glance', f'/v2/images/{image["id"]}/file', content)


def _folder(cloud: instance.Instance) -> pathlib.Path:
    chosen = os.environ.get('MINICLOUD_IMAGES')
    return pathlib.Path(chosen) if chosen else cloud.path('images')


def _can_build() -> bool:
    try:
        return importlib.util.find_spec('tools.images.__main__') is not None
    except ModuleNotFoundError:
        return False
