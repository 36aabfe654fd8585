# SPDX-License-Identifier: Apache-2.0
"""What runs now."""

import configparser
import dataclasses

import requests

from tools.minicloud import api
from tools.minicloud import catalog
from tools.minicloud import errors
from tools.minicloud import instance
from tools.minicloud import records
from tools.minicloud import service
from tools.minicloud import tenancy

_PLUGIN = 'OS::Docker::'


@dataclasses.dataclass(frozen=True)
class Line:
    """One service; ``state`` is running, dead or stopped."""

    service: str
    state: str
    pid: int | None
    port: int | None
    log: str


def lines(cloud: instance.Instance) -> list[Line]:
    """Return a line a service, asked of the kernel now."""
    return [_line(cloud, name)
            for name in catalog.services(cloud, cloud.driver)]


def table(found: list[Line]) -> str:
    """Return the lines for a person."""
    rows = [f'  {"service":<26} {"state":<8} {"pid":>7} {"port":>6}']
    rows += [f'  {line.service:<26} {line.state:<8} {line.pid or "-":>7} '
             f'{line.port or "-":>6}' for line in found]
    return '\n'.join(rows)


def heat(cloud: instance.Instance) -> str:
    """Return what Heat offers of containers, asked of its API now."""
    config = configparser.RawConfigParser(strict=False)
    config.read(cloud.path('etc', 'heat', 'heat.conf'))
    engines = [f'{group.partition(":")[2]} ({config[group]["policy_level"]})'
               for group in config.sections()
               if group.startswith('docker_endpoint:')]
    convergence = config.getboolean('DEFAULT', 'convergence_engine',
                                    fallback=False)
    return (f'  heat: convergence {"on" if convergence else "off"}, '
            f'{_types(cloud)}, endpoints {", ".join(engines) or "none"}')


def _types(cloud: instance.Instance) -> str:
    try:
        user = api.Api(cloud, tenancy.DEMO, tenancy.DEMO)
        user.get('keystone', '/v3')
        found = user.get('heat-api', f'/v1/{user.project_id}/resource_types')
    except (errors.MinicloudError, requests.RequestException):
        return 'resource types unknown: its API does not answer'
    return (f'{sum(name.startswith(_PLUGIN) for name in found["resource_types"])}'
            f' types {_PLUGIN}*')


def _line(cloud: instance.Instance, name: str) -> Line:
    record = records.load(service.records_folder(cloud), name)
    if record is None:
        return Line(name, 'stopped', None, None,
                    str(service.log_path(cloud, name)))
    state = 'running' if record.is_alive() else 'dead'
    return Line(name, state, record.pid, record.port, record.log)
