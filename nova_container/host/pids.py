# SPDX-License-Identifier: Apache-2.0
"""Processes known by pid and start time, so that a reused pid is never taken for ours."""

import dataclasses
import os
import select
import signal
from collections.abc import Sequence
from pathlib import Path

_TICKS = os.sysconf('SC_CLK_TCK')


@dataclasses.dataclass(frozen=True, slots=True)
class ProcessId:
    """A process: its pid and its start time in clock ticks since boot (proc(5), field 22)."""

    pid: int
    started_ticks: int

    @classmethod
    def of(cls, pid: int) -> 'ProcessId | None':
        """The process that has this pid now; None if none has."""
        fields = stat_fields(pid)
        return cls(pid, int(fields[19])) if fields else None

    def alive(self) -> bool:
        """Whether this very process exists and is no zombie."""
        fields = stat_fields(self.pid)
        return bool(fields) and int(fields[19]) == self.started_ticks and fields[0] not in ('Z', 'X')

    def open(self) -> int | None:
        """A pidfd of it, for the caller to close; None if it is gone."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return None
        fields = stat_fields(self.pid)
        if not fields or int(fields[19]) != self.started_ticks:
            os.close(descriptor)
            return None
        return descriptor

    def send(self, number: int) -> bool:
        """Send a signal; False if it is gone."""
        descriptor = self.open()
        if descriptor is None:
            return False
        try:
            signal.pidfd_send_signal(descriptor, number)
            return True
        except ProcessLookupError:
            return False
        finally:
            os.close(descriptor)

    def wait_end(self, timeout_s: float) -> bool:
        """Wait until it ended; False if ``timeout_s`` passed first."""
        descriptor = self.open()
        if descriptor is None:
            return True
        try:
            poller = select.poll()
            poller.register(descriptor, select.POLLIN)
            return bool(poller.poll(timeout_s * 1000))
        finally:
            os.close(descriptor)


def stat_fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on (index 0 is field 3); empty if there is no such process."""
    try:
        text = Path(f'/proc/{pid}/stat').read_bytes().decode('utf-8', 'replace')
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text[text.rindex(')') + 2:].split()


def having(arguments: Sequence[str]) -> list[ProcessId]:
    """Every process whose command line has these arguments one after the other."""
    wanted = b'\0' + b'\0'.join(map(os.fsencode, arguments)) + b'\0'
    found = []
    for entry in os.scandir('/proc'):
        if entry.name.isdigit() and wanted in b'\0' + _command_line(int(entry.name)):
            found.append(ProcessId.of(int(entry.name)))
    return [each for each in found if each is not None]


def _command_line(pid: int) -> bytes:
    try:
        return Path(f'/proc/{pid}/cmdline').read_bytes()
    except OSError:
        return b''


def boot_time_s() -> float:
    """When the host booted, UTC seconds since the epoch."""
    for line in Path('/proc/stat').read_text('ascii').splitlines():
        if line.startswith('btime '):
            return float(line.split()[1])
    return 0.0


def ticks_to_s(ticks: int) -> float:
    """Clock ticks as seconds."""
    return ticks / _TICKS
