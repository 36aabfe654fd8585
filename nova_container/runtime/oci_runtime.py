# SPDX-License-Identifier: Apache-2.0
"""The OCI runtime's verbs (crun, runc or another with their command line)."""

import functools
import json
import logging
import re
from collections.abc import Mapping
from pathlib import Path

from nova_container import errors
from nova_container.host import clocks, files, process
from nova_container.host.launch import Launcher
from nova_container.host.sealed import SealedProgram

LOG = logging.getLogger(__name__)

_TIMEOUT_S = 30.0


class OciRuntime:
    """One installed runtime with a folder of its own for its state.

    It knows a process again by the start time that it saw at creation, which a time namespace shifts: so a verb on a
    living container is run ``beside`` its first process, with the same clocks.
    """

    def __init__(self, program: str, root: Path, launcher: Launcher) -> None:
        found = process.find(program)
        self.name = Path(found).name
        self._program = SealedProgram(found)
        self.root = root
        self._launcher = launcher

    @property
    def path(self) -> str:
        """What to run."""
        return self._program.path

    @property
    def takes_seccomp_program(self) -> bool:
        """Whether it loads a compiled filter from the annotation ``run.oci.seccomp_bpf_data``."""
        return self.name == 'crun'

    @property
    def hands_over_terminals(self) -> bool:
        """Whether ``exec`` without ``--detach`` takes a console socket: crun does, runc 1.1 refuses."""
        return self.name == 'crun'

    @functools.cached_property
    def version(self) -> str:
        """Its version when the engine started, for example 1.8.1."""
        found = re.search(rb'version (\S+)', self._run('--version'))
        return found.group(1).decode() if found else 'unknown'

    def start(self, container_id: str, *, beside: int | None) -> None:
        """Let a created container run."""
        self._run('start', container_id, beside=beside)

    def delete(self, container_id: str) -> None:
        """Forget a container, and its cgroups; silent if it knows none. Its processes must be killed by the caller.

        :raises HostFailure: its state is still there.
        """
        for flags in ((), ('--force',)):
            try:
                self._run('delete', *flags, container_id)
                return
            except (errors.CommandFailed, errors.Unavailable) as error:
                if not self.knows(container_id):
                    return
                refusal = error
                if isinstance(error, errors.Unavailable):
                    break
        LOG.warning('%s did not delete container %s, so its state was removed: %s', self.name, container_id, refusal)
        files.remove_tree(self.root / container_id)

    def knows(self, container_id: str) -> bool:
        """Whether it has state of that container."""
        return (self.root / container_id).exists()

    def update(self, container_id: str, resources: Mapping[str, object], *, beside: int | None) -> None:
        """Change limits; ``resources`` is the OCI specification's ``linux.resources``."""
        self._run('update', '--resources', '/dev/stdin', container_id, beside=beside,
                  input=json.dumps(resources).encode())

    def known(self) -> set[str]:
        """Ids of containers that it has state of."""
        return {entry.name for entry in self.root.iterdir()} if self.root.is_dir() else set()

    def argv(self, *arguments: str, beside: int | None = None) -> list[str]:
        """The command line of a verb; ``beside`` is the pid of the container's first process, if it lives."""
        return [*clocks.of(beside), self.path, f'--root={self.root}', *arguments]

    def _run(self, *arguments: str, beside: int | None = None, input: bytes | None = None) -> bytes:
        argv = self.argv(*arguments, beside=beside)
        return self._launcher.call(process.run, *argv, input=input, timeout_s=_TIMEOUT_S)
