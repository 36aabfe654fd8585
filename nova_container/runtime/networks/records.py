# SPDX-License-Identifier: Apache-2.0
"""What the engine remembers of networks, of the containers in them, and of ports shown on the host."""

import dataclasses
import logging
import sqlite3
from typing import TypeVar

from nova_container import errors
from nova_container.engine.network import Endpoint, Network, Port
from nova_container.runtime import codec
from nova_container.runtime.database import Database

LOG = logging.getLogger(__name__)
Record = TypeVar('Record')


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRecord:
    """``spec.subnets`` is what was chosen; ``bridge`` the name of its link; ``foreign`` one that was there before."""

    id: str
    spec: Network
    created_at: float
    bridge: str = ''
    foreign: bool = False

    @property
    def name(self) -> str:
        return self.spec.name


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRecord:
    """One container in one network, with the addresses (and prefix lengths) that are its own until it leaves."""

    id: str
    network_id: str
    container_id: str
    interface: str
    mac: str
    ipv4: str | None
    ipv6: str | None
    wanted: Endpoint

    @property
    def host_link(self) -> str:
        """The end of the pair that is a port of the bridge."""
        return f'nv-{self.id[:12]}'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Ports of one container as they are shown on the host."""

    container_id: str
    ports: tuple[Port, ...]


class NetworkRecords:
    """The three tables of networks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_network(self, record: NetworkRecord) -> None:
        """:raises AlreadyExists: the name is taken."""
        try:
            with self._database.transaction() as connection:
                connection.execute('INSERT INTO networks VALUES (?, ?, ?)',
                                   (record.id, record.name, codec.encode(record)))
        except sqlite3.IntegrityError:
            raise errors.AlreadyExists(f'network with name {record.name} already exists') from None

    def forget_network(self, network_id: str) -> None:
        with self._database.transaction() as connection:
            connection.execute('DELETE FROM networks WHERE id = ?', (network_id,))
            connection.execute('DELETE FROM endpoints WHERE network = ?', (network_id,))

    def networks(self) -> list[NetworkRecord]:
        return self._read(NetworkRecord, 'networks')

    def add_endpoint(self, record: EndpointRecord) -> None:
        """:raises AlreadyExists: the container is in the network, or an address is taken."""
        row = (record.network_id, record.container_id, _bare(record.ipv4), _bare(record.ipv6), codec.encode(record))
        try:
            with self._database.transaction() as connection:
                connection.execute('INSERT INTO endpoints VALUES (?, ?, ?, ?, ?)', row)
        except sqlite3.IntegrityError:
            raise errors.AlreadyExists('The container is in that network, or its address is taken') from None

    def forget_endpoint(self, record: EndpointRecord) -> None:
        with self._database.transaction() as connection:
            connection.execute('DELETE FROM endpoints WHERE network = ? AND container = ?',
                               (record.network_id, record.container_id))

    def endpoints(self) -> list[EndpointRecord]:
        return self._read(EndpointRecord, 'endpoints')

    def save_published(self, published: Published) -> None:
        with self._database.transaction() as connection:
            connection.execute('INSERT OR REPLACE INTO published VALUES (?, ?)',
                               (published.container_id, codec.encode(published)))

    def forget_published(self, container_id: str) -> None:
        with self._database.transaction() as connection:
            connection.execute('DELETE FROM published WHERE container = ?', (container_id,))

    def published(self) -> list[Published]:
        return self._read(Published, 'published')

    def _read(self, kind: type[Record], table: str) -> list[Record]:
        """All rows that can be read."""
        found = []
        for (text,) in self._database.rows(f'SELECT record FROM {table} ORDER BY rowid'):
            try:
                found.append(codec.decode(kind, text))
            except errors.Corrupt as error:
                LOG.error('A record of %s was passed over: %s', table, error)
        return found


def _bare(address: str | None) -> str | None:
    return address.partition('/')[0] if address else None
