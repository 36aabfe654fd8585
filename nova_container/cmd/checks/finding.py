# SPDX-License-Identifier: Apache-2.0
"""What a check finds, and the host that it looks at."""

import contextlib
import dataclasses
import enum
import re
from collections.abc import Callable
from pathlib import Path

from nova_container import errors
from nova_container.host import process
from nova_container.runtime.settings import Settings

Version = tuple[int, ...]


class Level(enum.IntEnum):
    """How bad; the value is the exit code."""

    OK = 0
    WARN = 1
    FAIL = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: a sentence that, unless all is well, says what to do."""

    level: Level
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Host:
    """The host that is checked: its files below ``root``, and its commands."""

    settings: Settings
    root: Path = Path('/')
    find: Callable[[str], str] = process.find
    run: Callable[..., bytes] = process.run

    def read(self, path: str) -> str:
        """A file of the kernel; '' if it is not there or not for us."""
        with contextlib.suppress(OSError):
            return (self.root / path).read_text('utf-8', 'replace')
        return ''

    def exists(self, path: str) -> bool:
        """Whether the path is there."""
        return (self.root / path).exists()

    def has_program(self, program: str) -> bool:
        """Whether a program is installed."""
        try:
            self.find(program)
        except errors.HostFailure:
            return False
        return True

    def says(self, program: str, *words: str) -> str:
        """What a command prints. :raises ContainerError: it cannot be run, or fails."""
        return self.run(self.find(program), *words, timeout_s=10).decode('utf-8', 'replace')

    def version_of(self, program: str) -> Version | None:
        """The first version that ``--version`` says; None if it says none. :raises ContainerError: as ``says``."""
        found = re.search(r'\bv(?:ersion )?(\d+)\.(\d+)(?:\.(\d+))?', self.says(program, '--version'))
        return tuple(int(part or 0) for part in found.groups()) if found else None


Check = Callable[[Host], Finding]


def run_check(check: Check, host: Host) -> Finding:
    """The check's finding; one that could not be made is a failure that says why."""
    try:
        return check(host)
    except errors.CommandFailed as error:
        return Finding(Level.FAIL, f'{error}. Reinstall it.')
    except (errors.ContainerError, OSError) as error:
        return Finding(Level.FAIL, f'{error}.')


def shown(version: Version) -> str:
    """A version as people write it."""
    return '.'.join(map(str, version))
