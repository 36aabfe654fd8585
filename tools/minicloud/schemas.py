# SPDX-License-Identifier: Apache-2.0
"""The database schemas, keystone's first admin and nova's cells."""

import dataclasses
import importlib.metadata

from tools.minicloud import catalog
from tools.minicloud import instance
from tools.minicloud import program
from tools.minicloud.config import shared

PACKAGES = ('keystone', 'openstack-placement', 'glance', 'neutron', 'nova',
            'openstack-heat')


@dataclasses.dataclass(frozen=True)
class Task:
    """Programs to run one after the other to their end."""

    name: str
    needs: tuple[str, ...]
    programs: tuple[program.Program, ...]


def versions() -> str:
    """Return what the schemas depend on."""
    return ' '.join(f'{name}={importlib.metadata.version(name)}'
                    for name in PACKAGES)


def tasks(cloud: instance.Instance) -> list[Task]:
    """Return what must run once on empty databases, critical path first."""
    etc = cloud.path('etc')
    nova = (f'--config-file={etc / "nova" / "nova.conf"}',
            f'--config-file={etc / "nova" / "databases.conf"}')
    neutron = tuple(f'--config-file={etc / "neutron" / name}' for name in (
        'neutron.conf', 'server.conf', 'ml2_conf.ini'))
    return [
        _task('keystone schema', 'keystone', 'keystone.cmd.manage:main',
              (f'--config-file={etc / "keystone" / "keystone.conf"}',
               'db_sync')),
        _task('keystone bootstrap', 'keystone', 'keystone.cmd.manage:main',
              _bootstrap(cloud), needs=('keystone schema',)),
        _task('nova api schema', 'nova', 'nova.cmd.manage:main',
              (*nova, 'api_db', 'sync')),
        _task('nova schema', 'nova', 'nova.cmd.manage:main',
              (*nova, 'db', 'sync', '--local_cell')),
        _task('neutron schema', 'neutron', 'neutron.db.migration.cli:main',
              (*neutron, 'upgrade', 'heads')),
        _task('placement schema', 'placement', 'placement.cmd.manage:main',
              (f'--config-file={etc / "placement" / "placement.conf"}',
               'db', 'sync')),
        _task('glance schema', 'glance', 'glance.cmd.manage:main',
              (f'--config-file={etc / "glance" / "glance-api.conf"}',
               'db', 'sync')),
        _task('heat schema', 'heat', 'heat.cmd.manage:main',
              (f'--config-file={etc / "heat" / "heat.conf"}', 'db_sync')),
        _cells(cloud, nova),
    ]


def _task(name: str, project: str, entry: str, argv: tuple[str, ...],
          needs: tuple[str, ...] = ('databases',)) -> Task:
    return Task(name, needs, (_manage(project, entry, argv),))


def _manage(project: str, entry: str,
            argv: tuple[str, ...]) -> program.Program:
    env = catalog.NATIVE_THREADS if project == 'nova' else {}
    return program.Program(f'{project}-manage', project, entry, argv,
                           dict(env))


def _cells(cloud: instance.Instance, nova: tuple[str, ...]) -> Task:
    return Task('nova cells', ('nova api schema', 'nova schema'), (
        _manage('nova', 'nova.cmd.manage:main', (
            *nova, 'cell_v2', 'map_cell0', '--database_connection',
            shared.database_url(cloud, 'nova_cell0'))),
        _manage('nova', 'nova.cmd.manage:main', (
            *nova, 'cell_v2', 'create_cell', '--name', 'cell1'))))


def _bootstrap(cloud: instance.Instance) -> tuple[str, ...]:
    address = cloud.url('keystone', '/v3')
    return (f'--config-file={cloud.path("etc", "keystone", "keystone.conf")}',
            'bootstrap', '--bootstrap-password', cloud.secret('admin'),
            '--bootstrap-region-id', shared.REGION,
            '--bootstrap-public-url', address,
            '--bootstrap-internal-url', address,
            '--bootstrap-admin-url', address)
