# SPDX-License-Identifier: Apache-2.0
"""MariaDB from Debian on a socket of the folder, without the host's settings."""

from tools.minicloud import instance
from tools.minicloud import probes
from tools.minicloud import processes
from tools.minicloud import service

DATABASES = ('keystone', 'placement', 'glance', 'neutron', 'nova_api',
             'nova', 'nova_cell0', 'heat')


def server(cloud: instance.Instance) -> service.Service:
    """A database server on a socket only; its data may be thrown away."""
    data = cloud.path('data', 'mysql')
    return service.Service('mariadb', service.Command((
        'mariadbd', '--no-defaults', '--user=root', f'--datadir={data}',
        '--skip-networking', f'--socket={cloud.path("run", "mysql.sock")}',
        f'--pid-file={cloud.path("run", "mysql.pid")}',
        f'--tmpdir={cloud.path("tmp")}', '--performance-schema=0',
        '--innodb-flush-log-at-trx-commit=0', '--innodb-doublewrite=0',
        '--innodb-flush-method=nosync', '--innodb-buffer-pool-size=128M',
        '--innodb-stats-persistent=0', '--max-connections=1000',
        '--character-set-server=utf8mb4')), probes.database_answers)


def install(cloud: instance.Instance) -> None:
    """Create the system tables unless they are there."""
    data = cloud.path('data', 'mysql')
    if (data / 'mysql').is_dir():
        return
    data.mkdir(parents=True, exist_ok=True)
    processes.run((
        'mariadb-install-db', '--no-defaults', '--user=root',
        f'--datadir={data}', '--skip-test-db', '--skip-name-resolve',
        '--auth-root-authentication-method=normal'), home=cloud.home)


def create_databases(cloud: instance.Instance) -> None:
    """Create an empty database a project unless it is there."""
    sql = ''.join(f'CREATE DATABASE IF NOT EXISTS {name} '
                  'CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;'
                  for name in DATABASES)
    processes.run(_client(cloud, 'mariadb'), home=cloud.home, text=sql)


def copy_database(cloud: instance.Instance, source: str, target: str) -> None:
    """Copy a freshly migrated database; quicker than migrating again."""
    dump = processes.run((*_client(cloud, 'mariadb-dump'), source),
                         home=cloud.home)
    processes.run((*_client(cloud, 'mariadb'), target), home=cloud.home,
                  text=dump)


def _client(cloud: instance.Instance, tool: str) -> tuple[str, ...]:
    return (tool, '--no-defaults', '--user=root',
            f'--socket={cloud.path("run", "mysql.sock")}')
