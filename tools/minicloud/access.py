# SPDX-License-Identifier: Apache-2.0
"""How a user gets in: clouds.yaml, openrc, and the lines of `minicloud env`."""

import pathlib
import shlex
import sys

from tools.minicloud import instance
from tools.minicloud import tenancy
from tools.minicloud.config import shared

USER_CLOUD = 'minicloud'
ADMIN_CLOUD = 'minicloud-admin'

_CLOUD = '''\
  {name}:
    auth:
      auth_url: {url}
      username: {user}
      password: {password}
      project_name: {user}
      user_domain_name: Default
      project_domain_name: Default
    region_name: {region}
    interface: public
    identity_api_version: 3
'''


def clouds_yaml(cloud: instance.Instance) -> str:
    """Return clouds.yaml with the project user and the admin."""
    return 'clouds:\n' + ''.join(
        _CLOUD.format(name=name, user=user, password=cloud.secret(user),
                      url=cloud.url('keystone', '/v3'), region=shared.REGION)
        for name, user in ((USER_CLOUD, tenancy.DEMO),
                           (ADMIN_CLOUD, 'admin')))


def exports(cloud: instance.Instance) -> dict[str, str]:
    """Return the variables that point a shell at the cloud."""
    found = {'OS_CLOUD': USER_CLOUD,
             'OS_CLIENT_CONFIG_FILE': str(cloud.path('clouds.yaml')),
             'MINICLOUD_HOME': str(cloud.home),
             'MINICLOUD_KEY': str(cloud.path('keys', 'demo'))}
    if cloud.driver == 'container':
        found['MINICLOUD_ENGINE'] = f'unix://{cloud.path("run", "engine.sock")}'
    return found


def shell_lines(cloud: instance.Instance) -> str:
    """Return what `eval $(minicloud env)` runs; safe on one line too."""
    lines = [f'export {name}={shlex.quote(value)};'
             for name, value in exports(cloud).items()]
    venv = shlex.quote(str(pathlib.Path(sys.prefix, 'bin')))
    return '\n'.join([*lines, f'export PATH={venv}:"$PATH";'])


def write(cloud: instance.Instance) -> None:
    """Write clouds.yaml and openrc for their owner only."""
    for name, text in (('clouds.yaml', clouds_yaml(cloud)),
                       ('openrc', shell_lines(cloud) + '\n')):
        cloud.path(name).touch(mode=0o600)
        cloud.path(name).write_text(text)
