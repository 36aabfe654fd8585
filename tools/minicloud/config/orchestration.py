# SPDX-License-Identifier: Apache-2.0
"""heat.conf."""

import pathlib

from tools.minicloud import instance
from tools.minicloud.config import ini
from tools.minicloud.config import shared

_PLUGIN = pathlib.Path(__file__).parents[3] / 'heat_container' / 'plugin'


ENDPOINTS = (
    # name, policy level, project, socket
    ('local', 'baseline', 'demo', 'engine.sock'),
    ('edge', 'privileged', 'admin', 'engine.sock'),
    ('dockerd', 'baseline', 'demo', 'docker.sock'),  # if somebody puts one there
)


def heat(cloud: instance.Instance, driver: str) -> ini.Sections:
    """One engine worker, trusts, convergence, and this checkout's plug-in."""
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
            'convergence_engine': True,
            'enable_stack_abandon': True, 'enable_stack_adopt': True,
            'max_stacks_per_tenant': 1000, 'max_resources_per_stack': -1},
         **(_docker(cloud) if driver == 'container' else {}),
         'trustee': _trustee(cloud),
         'clients_keystone': {'auth_uri': cloud.url('keystone')},
         'paste_deploy': {'api_paste_config': shared.package_etc(
             'heat', 'api-paste.ini')}})


def _docker(cloud: instance.Instance) -> ini.Sections:
    """The engine as an endpoint of each project; ids are known after the first
    start of keystone only."""
    known = [one for one in ENDPOINTS if one[2] in cloud.projects]
    return {'docker': {'endpoints': [name for name, _, _, _ in known]}, **{
        f'docker_endpoint:{name}': {
            'url': f'unix://{cloud.path("run", socket)}', 'address': '127.0.0.1',
            'policy_level': level, 'internal_registries': ['127.0.0.1', 'localhost'],
            'projects': cloud.projects[project],
            'compute_host': cloud.host if socket == 'engine.sock' else None}
        for name, level, project, socket in known}}


def _trustee(cloud: instance.Instance) -> dict[str, object]:
    wanted = ('auth_type', 'auth_url', 'username', 'password',
              'user_domain_name')
    return {name: value
            for name, value in shared.credentials(cloud, 'heat').items()
            if name in wanted}
