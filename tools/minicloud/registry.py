# SPDX-License-Identifier: Apache-2.0
"""Debian's docker-registry as the back end of Glance's container store."""

import os
import pathlib
import shutil

from tools.minicloud import errors
from tools.minicloud import instance
from tools.minicloud import probes
from tools.minicloud import service

REPOSITORY = 'glance'
BACK_ENDS = ('registry', 'directory')


def choose_store(cloud: instance.Instance) -> str:
    """Return where Glance keeps images: MINICLOUD_IMAGE_STORE, `registry`.

    It stays what it was when the folder was first brought up.
    """
    chosen = os.environ.get('MINICLOUD_IMAGE_STORE', '')
    if chosen and chosen not in BACK_ENDS:
        raise errors.MinicloudError(
            f'MINICLOUD_IMAGE_STORE is `{chosen}`; set it to `registry` or '
            '`directory`, or leave it unset.')
    known = cloud.image_store or ('directory' if cloud.provisioned else '')
    if chosen and known and chosen != known:
        raise errors.MinicloudError(
            f'The images of this cloud are in the store `{known}`; run '
            f'`minicloud wipe` first for MINICLOUD_IMAGE_STORE={chosen}.')
    return known or chosen or BACK_ENDS[0]


def server(cloud: instance.Instance) -> service.Service:
    """A registry that lets in two users, and nobody else."""
    return service.Service(
        'registry', service.Command((
            'docker-registry', 'serve', str(config_file(cloud)))),
        probes.answers('registry', '/v2/'), port_name='registry')


def config_file(cloud: instance.Instance) -> pathlib.Path:
    """Return where its configuration is."""
    return cloud.path('etc', 'registry', 'config.yml')


def domain(cloud: instance.Instance) -> str:
    """Return the `host:port` by which images of it are named."""
    return f'127.0.0.1:{cloud.ports.port("registry")}'


def options(cloud: instance.Instance) -> dict[str, object]:
    """Return what nova-compute is told of it."""
    if cloud.image_store != 'registry':
        return {}
    return {'image_registry': f'{domain(cloud)}/{REPOSITORY}',
            'image_registry_username': 'nova',
            'image_registry_password': cloud.secret('registry nova')}


def store_options(cloud: instance.Instance) -> dict[str, object]:
    """Return the back end of Glance's container store."""
    directory = {'container_store_directory':
                 cloud.path('data', 'glance', 'layers')}
    if cloud.image_store != 'registry':
        return directory
    return {**directory, 'container_store_registry': domain(cloud),
            'container_store_repository': REPOSITORY,
            'container_store_username': 'glance',
            'container_store_password': cloud.secret('registry glance')}


def prepare(cloud: instance.Instance) -> None:
    """Write its configuration and its users."""
    folder = config_file(cloud).parent
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    config_file(cloud).write_text(
        'version: 0.1\n'
        'log: {level: error}\n'
        'storage:\n'
        f'  filesystem: {{rootdirectory: "{cloud.path("data", "registry")}"}}\n'
        '  delete: {enabled: true}\n'
        f'http: {{addr: "{domain(cloud)}", '
        f'secret: "{cloud.secret("registry uploads")}"}}\n'
        f'auth: {{htpasswd: {{realm: minicloud, path: "{folder}/htpasswd"}}}}\n')
    (folder / 'htpasswd').write_text(''.join(
        _user(cloud, name) for name in ('glance', 'nova')))


def _user(cloud: instance.Instance, name: str) -> str:
    import bcrypt  # Keystone brings it; `status` needs none
    salt = bcrypt.gensalt(4)  # it is asked at every request
    hashed = bcrypt.hashpw(cloud.secret(f'registry {name}').encode(), salt)
    return f'{name}:{hashed.decode()}\n'
