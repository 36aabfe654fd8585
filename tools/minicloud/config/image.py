# SPDX-License-Identifier: Apache-2.0
"""glance-api.conf."""

from tools.minicloud import instance
from tools.minicloud import registry
from tools.minicloud.config import ini
from tools.minicloud.config import shared


def glance(cloud: instance.Instance) -> ini.Sections:
    """A container store and a file store, and the two reserved ones."""
    data = cloud.path('data', 'glance')
    return ini.merge(
        shared.logging(), shared.database(cloud, 'glance'),
        shared.authtoken(cloud, 'glance'), shared.locking(cloud),
        {'DEFAULT': {'enabled_backends': 'layers:container,local:file',
                     'transport_url': shared.transport_url(cloud),
                     'node_staging_uri': f'file://{data}/staging'},
         'oslo_messaging_notifications': {'driver': 'noop'},
         'glance_store': {'default_backend': 'layers'},
         'layers': registry.store_options(cloud),
         'local': {'filesystem_store_datadir': data / 'images'},
         'os_glance_staging_store': {
             'filesystem_store_datadir': data / 'staging'},
         'os_glance_tasks_store': {
             'filesystem_store_datadir': data / 'tasks'},
         'paste_deploy': {
             'flavor': 'keystone',
             'config_file': shared.package_etc(
                 'glance', 'glance-api-paste.ini')}})
