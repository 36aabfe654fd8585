# SPDX-License-Identifier: Apache-2.0
"""A container in the engine's memory, and the register of all of them."""

import contextlib
import dataclasses
import re
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nova_container import errors
from nova_container.engine.state import ExitInfo, Status
from nova_container.host.pids import ProcessId
from nova_container.runtime.records import ContainerRecord, ContainerRecords, Phase

if TYPE_CHECKING:
    from nova_container.runtime.attachment import Attachment
    from nova_container.runtime.execution import Execution


class Container:
    """One container: its record, a lock that a verb holds, and a condition that tells of each change."""

    def __init__(self, record: ContainerRecord, records: ContainerRecords) -> None:
        self._record = record
        self._records = records
        self.lock = threading.RLock()
        self.changed = threading.Condition()
        self.ending = threading.Lock()  # held last: whoever has it waits for no other
        self._saving = threading.Lock()
        self.paused = False
        self.restarting = False
        self.runs = 0
        self.health = record.health
        self.waiting_attachments: list[Attachment] = []
        self.executions: tuple[Execution, ...] = ()
        self.volumes_in_use: list[str] = []  # for each a mount was told of, and no unmount yet

    @property
    def id(self) -> str:
        return self._record.id

    @property
    def record(self) -> ContainerRecord:
        return self._record

    @property
    def process(self) -> ProcessId | None:
        """The first process; None while there is none."""
        record = self._record
        return ProcessId(record.pid, record.started_ticks) if record.pid else None

    @property
    def status(self) -> Status:
        record = self._record
        if record.phase is Phase.RUNNING:
            return Status.PAUSED if self.paused else Status.RUNNING
        if self.restarting:
            return Status.RESTARTING
        return Status.CREATED if record.started_at is None else Status.STOPPED

    def save(self, *, durable: bool = True, **changes: object) -> ContainerRecord:
        """Change the record, on disk first (for good, if ``durable``), and tell those who wait."""
        with self._saving:
            record = dataclasses.replace(self._record, **changes)  # type: ignore[arg-type]
            self._records.save(record, durable=durable)
            self.runs += self._record.phase is Phase.RUNNING and record.phase is not Phase.RUNNING
            self._record = record
        self.tell()
        return record

    def record_end(self, exit_info: ExitInfo) -> None:
        """The first process has ended."""
        if self.health is not None:  # Docker's word for one that nobody watches any more
            self.health = dataclasses.replace(self.health, status='unhealthy')
        self.save(phase=Phase.IDLE, pid=None, pause_wanted=False, exit=exit_info, health=self.health)
        self.paused = False

    def tell(self) -> None:
        """Wake those who wait for a change."""
        with self.changed:
            self.changed.notify_all()

    def wait_until_not_alive(self, timeout_s: float | None) -> bool:
        """False if ``timeout_s`` passed first."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        run = self.runs
        with self.changed:
            while self.status.alive and self.runs == run:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return False
                self.changed.wait(left)
        return True

    def must_be(self, allowed: bool, verb: str) -> None:
        """:raises WrongState: not allowed."""
        if not allowed:
            raise errors.WrongState(f'Container {self._record.spec.name} is {self.status.value}: cannot {verb}')


class Register:
    """All containers, found by id, unique prefix of it, or name."""

    def __init__(self, records: ContainerRecords) -> None:
        self._records = records
        self._lock = threading.Lock()
        self._by_id: dict[str, Container] = {}
        self._by_name: dict[str, Container] = {}

    def add(self, record: ContainerRecord) -> Container:
        """Write a new record and keep it. :raises AlreadyExists: the name is taken."""
        self._records.add(record)
        return self.adopt(record)

    def adopt(self, record: ContainerRecord) -> Container:
        """Keep a record that is on disk already."""
        container = Container(record, self._records)
        with self._lock:
            self._by_id[record.id] = container
            self._by_name[record.spec.name] = container
        return container

    def forget(self, container: Container) -> None:
        """Drop it, on disk too."""
        self._records.forget(container.id)
        with self._lock:
            self._by_id.pop(container.id, None)
            self._by_name.pop(container.record.spec.name, None)
        container.tell()

    def rename(self, container: Container, name: str) -> None:
        """:raises AlreadyExists: the name is taken."""
        old = container.record.spec.name
        container.save(spec=dataclasses.replace(container.record.spec, name=name))
        with self._lock:
            self._by_name.pop(old, None)
            self._by_name[name] = container

    def all(self) -> list[Container]:
        """Newest first."""
        with self._lock:
            return sorted(self._by_id.values(), key=lambda each: each.record.created_at, reverse=True)

    def get(self, name: str) -> Container:
        """:raises ContainerNotFound: :raises InvalidRequest: the prefix is of several."""
        with self._lock:
            found = self._by_id.get(name) or self._by_name.get(name)
            if found is None and re.fullmatch('[0-9a-f]{1,63}', name):
                found = self._by_prefix(name)
        if found is None:
            raise errors.ContainerNotFound(name)
        return found

    def _by_prefix(self, prefix: str) -> Container | None:
        matches = [each for key, each in self._by_id.items() if key.startswith(prefix)]
        if len(matches) > 1:
            raise errors.InvalidRequest(f'{prefix} is the beginning of {len(matches)} container ids: give more of it')
        return matches[0] if matches else None

    @contextlib.contextmanager
    def locked(self, name: str) -> Iterator[Container]:
        """The container, with its lock held, and known to exist still."""
        container = self.get(name)
        with container.lock:
            with self._lock:
                exists = container.id in self._by_id
            if not exists:
                raise errors.ContainerNotFound(name)
            yield container
