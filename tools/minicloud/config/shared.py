# SPDX-License-Identifier: Apache-2.0
"""The sections every project has."""

import os
import pathlib
import sys

from tools.minicloud import instance
from tools.minicloud.config import ini

REGION = 'RegionOne'


def package_etc(*parts: str) -> pathlib.Path:
    """Return a path below the files the packages installed in the venv."""
    return pathlib.Path(sys.prefix, 'etc', *parts)


def logging() -> ini.Sections:
    """Log to stderr, which is the service's file in logs/."""
    return {'DEFAULT': {'use_stderr': True,
                        'debug': os.environ.get('MINICLOUD_DEBUG') == '1'}}


def database(cloud: instance.Instance, name: str,
             section: str = 'database') -> ini.Sections:
    """Connect to one database of the private MariaDB."""
    return {section: {'connection': database_url(cloud, name),
                      'max_pool_size': 10, 'max_overflow': 40}}


def database_url(cloud: instance.Instance, name: str) -> str:
    """Return the SQLAlchemy address of a database."""
    return (f'mysql+pymysql://root@localhost/{name}'
            f'?unix_socket={cloud.path("run", "mysql.sock")}&charset=utf8mb4')


def messaging(cloud: instance.Instance) -> ini.Sections:
    """Talk through the private RabbitMQ; nothing outlives it."""
    return {
        'DEFAULT': {'transport_url': transport_url(cloud)},
        'oslo_messaging_rabbit': {'rabbit_quorum_queue': False,
                                  'rabbit_transient_quorum_queue': False,
                                  'rabbit_retry_interval': 1},
        'oslo_messaging_notifications': {'driver': 'noop'},
    }


def transport_url(cloud: instance.Instance) -> str:
    """Return the oslo.messaging address of the broker."""
    return (f'rabbit://openstack:{cloud.secret("rabbitmq")}@127.0.0.1:'
            f'{cloud.ports.port("rabbitmq")}/')


def credentials(cloud: instance.Instance, user: str) -> dict[str, object]:
    """Return the options that log a service user in."""
    return {'auth_type': 'password', 'auth_url': cloud.url('keystone', '/v3'),
            'username': user, 'password': cloud.secret(user),
            'user_domain_name': 'Default', 'project_name': 'service',
            'project_domain_name': 'Default', 'region_name': REGION}


def authtoken(cloud: instance.Instance, user: str) -> ini.Sections:
    """Validate tokens against the private keystone."""
    return {'keystone_authtoken': {
        **credentials(cloud, user), 'interface': 'public',
        'www_authenticate_uri': cloud.url('keystone', '/v3'),
        'service_token_roles': 'service',
        'service_token_roles_required': True}}


def locking(cloud: instance.Instance) -> ini.Sections:
    """Keep lock files in the folder."""
    return {'oslo_concurrency': {'lock_path': cloud.path('run', 'locks')}}
