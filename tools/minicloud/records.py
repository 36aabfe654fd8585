# SPDX-License-Identifier: Apache-2.0
"""Who runs: one small file a service, naming a process beyond doubt."""

import dataclasses
import json
import os
import pathlib
import signal

_BOOT_ID = '/proc/sys/kernel/random/boot_id'


@dataclasses.dataclass(frozen=True)
class Record:
    """A started service.

    A pid alone may be reused; a pid, its start time (clock ticks since boot)
    and the id of that boot may not.
    """

    name: str
    pid: int
    start_ticks: int
    boot_id: str
    log: str
    port: int | None = None

    def is_alive(self) -> bool:
        """Whether this very process still runs; a zombie does not."""
        return (self.boot_id == read_boot_id()
                and read_start_ticks(self.pid) == self.start_ticks)

    def send(self, number: signal.Signals) -> None:
        """Signal this very process; silent if it is gone."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            if self.is_alive():
                signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            pass
        finally:
            os.close(handle)


def read_boot_id() -> str:
    """Return the id of the running boot."""
    return pathlib.Path(_BOOT_ID).read_text().strip()


def read_start_ticks(pid: int) -> int | None:
    """Return when a process started, or None if it is gone or a zombie."""
    try:
        stat = pathlib.Path(f'/proc/{pid}/stat').read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(')')[2].split()
    return None if fields[0] in 'ZX' else int(fields[19])


def describe(name: str, pid: int, log: pathlib.Path,
             port: int | None = None) -> Record:
    """Return the record of a process that has just been started."""
    return Record(name, pid, read_start_ticks(pid) or 0, read_boot_id(),
                  str(log), port)


def save(folder: pathlib.Path, record: Record) -> None:
    """Write one record, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    staged = folder / f'.{record.name}.new'
    staged.write_text(json.dumps(dataclasses.asdict(record)) + '\n')
    staged.rename(_file(folder, record.name))


def load(folder: pathlib.Path, name: str) -> Record | None:
    """Return the record of a service, or None if it was not started."""
    try:
        return Record(**json.loads(_file(folder, name).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def load_all(folder: pathlib.Path) -> list[Record]:
    """Return every record, oldest process first."""
    found = [load(folder, path.stem) for path in folder.glob('*.pid')]
    return sorted((record for record in found if record),
                  key=lambda record: record.start_ticks)


def remove(folder: pathlib.Path, name: str) -> None:
    """Forget a service; silent if it was not known."""
    _file(folder, name).unlink(missing_ok=True)


def _file(folder: pathlib.Path, name: str) -> pathlib.Path:
    return folder / f'{name}.pid'
