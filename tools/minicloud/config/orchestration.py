# SPDX-License-Identifier: Apache-2.0
"""heat.conf."""

import pathlib

from tools.minicloud import instance
from tools.minicloud.config import ini
from tools.minicloud.config import shared

_PLUGIN = pathlib.Path(__file__).parents[3] / 'heat_container' / 'plugin'


def heat(cloud: instance.Instance) -> ini.Sections:
    """One engine worker, trusts, and this checkout's plug-in if it has one."""
    plugins = [_PLUGIN] if _PLUGIN.is_dir() else []
    return ini.merge(
        shared.logging(), shared.messaging(cloud), shared.locking(cloud),
        shared.database(cloud, 'heat'), shared.authtoken(cloud, 'heat'),
        {'DEFAULT': {
            'host': cloud.host, 'num_engine_workers': 1,
            'auth_encryption_key': cloud.secret('heat encryption'),
            'stack_user_domain_name': 'heat',
            'stack_domain_admin': 'heat_domain_admin',
            'stack_domain_admin_password': cloud.secret('heat_domain_admin'),
            'heat_metadata_server_url': cloud.url('heat-api-cfn'),
            'heat_waitcondition_server_url': cloud.url(
                'heat-api-cfn', '/v1/waitcondition'),
            'region_name_for_services': shared.REGION,
            'environment_dir': shared.package_etc('heat', 'environment.d'),
            'template_dir': shared.package_etc('heat', 'templates'),
            'plugin_dirs': plugins or None,
            'max_stacks_per_tenant': 1000, 'max_resources_per_stack': -1},
         'trustee': _trustee(cloud),
         'clients_keystone': {'auth_uri': cloud.url('keystone')},
         'paste_deploy': {'api_paste_config': shared.package_etc(
             'heat', 'api-paste.ini')}})


def _trustee(cloud: instance.Instance) -> dict[str, object]:
    wanted = ('auth_type', 'auth_url', 'username', 'password',
              'user_domain_name')
    return {name: value
            for name, value in shared.credentials(cloud, 'heat').items()
            if name in wanted}
