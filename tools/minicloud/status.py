# SPDX-License-Identifier: Apache-2.0
"""What runs now."""

import dataclasses

from tools.minicloud import catalog
from tools.minicloud import instance
from tools.minicloud import records
from tools.minicloud import service


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


def _line(cloud: instance.Instance, name: str) -> Line:
    record = records.load(service.records_folder(cloud), name)
    if record is None:
        return Line(name, 'stopped', None, None,
                    str(service.log_path(cloud, name)))
    state = 'running' if record.is_alive() else 'dead'
    return Line(name, state, record.pid, record.port, record.log)
