# SPDX-License-Identifier: Apache-2.0
"""One minicloud: its folder, its ports, its secrets, its names on the host."""

import dataclasses
import hashlib
import hmac
import json
import os
import pathlib
import secrets

from tools.minicloud import errors
from tools.minicloud import ports

_RECORD = 'instance.json'
_LONGEST_HOME = 70  # bytes; sun_path holds 108 and our sockets are below it


@dataclasses.dataclass
class Instance:
    """What is decided once and kept in ``instance.json``."""

    home: pathlib.Path
    ports: ports.PortPlan
    master_secret: str
    migrated: str = ''       # the package versions the schemas were made for
    provisioned: bool = False
    driver: str = 'fake'     # what nova-compute drives: fake or container
    datapath: str = 'netdev'
    image_store: str = ''    # of Glance: registry, directory, or not chosen yet
    projects: dict[str, str] = dataclasses.field(default_factory=dict)  # ids

    @property
    def id(self) -> str:
        """Four hex digits that tell two checkouts apart."""
        return hashlib.sha256(str(self.home).encode()).hexdigest()[:4]

    @property
    def host(self) -> str:
        """The host name Nova and Neutron know this machine by."""
        return f'minicloud-{self.id}'

    @property
    def integration_bridge(self) -> str:
        """Name of br-int, unique on the host."""
        return f'bi{self.id}'

    @property
    def external_bridge(self) -> str:
        """Name of br-ex, unique on the host."""
        return f'be{self.id}'

    @property
    def tunnel_bridge(self) -> str:
        """Name of br-tun, unique on the host."""
        return f'bt{self.id}'

    def path(self, *parts: str) -> pathlib.Path:
        """Return a path below the folder."""
        return self.home.joinpath(*parts)

    def secret(self, purpose: str) -> str:
        """Return 32 hex digits, the same ones whenever asked."""
        return hmac.new(self.master_secret.encode(), purpose.encode(),
                        'sha256').hexdigest()[:32]

    def url(self, service: str, path: str = '') -> str:
        """Return the HTTP address of a service."""
        return f'http://127.0.0.1:{self.ports.port(service)}{path}'

    def save(self) -> None:
        """Write the record, whole or not at all."""
        record = {'port_base': self.ports.base,
                  'master_secret': self.master_secret,
                  'migrated': self.migrated,
                  'provisioned': self.provisioned,
                  'driver': self.driver, 'datapath': self.datapath,
                  'image_store': self.image_store,
                  'projects': self.projects}
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        staged = self.path(_RECORD + '.new')
        staged.touch(mode=0o600)
        staged.write_text(json.dumps(record, indent=1) + '\n')
        staged.rename(self.path(_RECORD))


def find_home() -> pathlib.Path:
    """Return the folder in force: MINICLOUD_HOME, or one in the checkout."""
    chosen = os.environ.get('MINICLOUD_HOME')
    home = (pathlib.Path(chosen) if chosen
            else pathlib.Path(__file__).parents[2] / '.minicloud').resolve()
    if len(str(home)) > _LONGEST_HOME:
        raise errors.MinicloudError(
            f'The folder {home} has too long a name for unix sockets below '
            f'it; set MINICLOUD_HOME to one of at most {_LONGEST_HOME} bytes.')
    return home


def load(home: pathlib.Path) -> Instance | None:
    """Return the instance of a folder, or None if it holds none."""
    try:
        record = json.loads((home / _RECORD).read_text())
    except FileNotFoundError:
        return None
    except ValueError:
        raise errors.MinicloudError(
            f'{home / _RECORD} is damaged; run `minicloud wipe`.') from None
    base = record.pop('port_base')
    return Instance(home, ports.PortPlan(base), **record)


def create(home: pathlib.Path) -> Instance:
    """Choose ports and secrets for a new instance and record them."""
    instance = Instance(home, _choose_ports(home), secrets.token_hex(32))
    instance.save()
    return instance


def _choose_ports(home: pathlib.Path) -> ports.PortPlan:
    base = os.environ.get('MINICLOUD_PORT_BASE')
    if base:
        return ports.PortPlan(int(base))
    for plan in ports.candidates(str(home)):
        if not ports.taken(plan):
            return plan
    raise errors.MinicloudError(
        'No block of ports is free; set MINICLOUD_PORT_BASE to one that is.')
