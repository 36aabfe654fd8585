# SPDX-License-Identifier: Apache-2.0
"""What the engine remembers of a container: what is wanted, and what was begun, written before it is done."""

import dataclasses
import enum
import logging
import sqlite3

from nova_container import errors
from nova_container.engine.spec import ContainerSpec, Mount
from nova_container.engine.state import ExitInfo, Health
from nova_container.runtime import codec
from nova_container.runtime.database import Database

LOG = logging.getLogger(__name__)


class Phase(enum.Enum):
    """CREATING and REMOVING are undone or finished at start-up; STARTING is undone; the others are kept."""

    CREATING = 'creating'
    IDLE = 'idle'
    STARTING = 'starting'
    RUNNING = 'running'
    REMOVING = 'removing'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRecord:
    """``pid`` and ``started_ticks`` name the first process while RUNNING; ``stop_wanted`` bars restart policies.

    ``pause_wanted`` tells a paused container from one that was frozen for a commit when the engine went down.
    ``awaited_networks`` are those it asks for that were not there when it was made.
    """

    id: str
    spec: ContainerSpec
    image_id: str
    diff_ids: tuple[str, ...]
    phase: Phase = Phase.CREATING
    created_at: float = 0.0
    started_at: float | None = None
    pid: int | None = None
    started_ticks: int = 0
    exit: ExitInfo | None = None
    restart_count: int = 0
    stop_wanted: bool = False
    pause_wanted: bool = False
    mounts: tuple[Mount, ...] = ()
    health: Health | None = None
    awaited_networks: tuple[str, ...] = ()

    @property
    def mounted(self) -> tuple[Mount, ...]:
        """All mounts, by ``engine.mounting``; records of before there were volumes have those of the spec alone."""
        return self.mounts or self.spec.mounts


class ContainerRecords:
    """Container records in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, record: ContainerRecord) -> None:
        """Not durable: what is being made is of no use after a power cut. :raises AlreadyExists: the name is taken."""
        try:
            with self._database.transaction(durable=False) as connection:
                connection.execute('INSERT INTO containers VALUES (?, ?, ?)', _row(record))
        except sqlite3.IntegrityError:
            raise errors.AlreadyExists(f'The container name "{record.spec.name}" is in use: remove or rename that '
                                       'container, or choose another name') from None

    def save(self, record: ContainerRecord, *, durable: bool = True) -> None:
        """Write an existing one anew. :raises AlreadyExists: its new name is taken."""
        try:
            with self._database.transaction(durable=durable) as connection:
                connection.execute('UPDATE containers SET name = ?2, record = ?3 WHERE id = ?1', _row(record))
        except sqlite3.IntegrityError:
            raise errors.AlreadyExists(f'The container name "{record.spec.name}" is in use') from None

    def forget(self, container_id: str) -> None:
        """Silent if there is none. Not durable: it says REMOVING by then, and is removed again."""
        with self._database.transaction(durable=False) as connection:
            connection.execute('DELETE FROM containers WHERE id = ?', (container_id,))

    def all(self) -> list[ContainerRecord]:
        """Every record that can be read; others are dropped, as nothing could be done with their containers."""
        found = []
        for container_id, text in self._database.rows('SELECT id, record FROM containers'):
            try:
                found.append(codec.decode(ContainerRecord, text))
            except errors.Corrupt as error:
                LOG.error('The record of container %s was dropped: %s', container_id, error)
                self.forget(container_id)
        return found


def _row(record: ContainerRecord) -> tuple[str, str, str]:
    return record.id, record.spec.name, codec.encode(record)
