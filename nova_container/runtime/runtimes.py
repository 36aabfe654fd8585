# SPDX-License-Identifier: Apache-2.0
"""The OCI runtimes that containers may ask for by name: the engine's own, and others that are installed."""

import threading
from collections.abc import Iterator
from pathlib import Path

from nova_container import errors
from nova_container.host import files
from nova_container.host.launch import Launcher
from nova_container.runtime.oci_runtime import OciRuntime
from nova_container.runtime.settings import Settings

_KNOWN = ('crun', 'runc')
_DOCKERS = {'io.containerd.runc.v2': 'runc', 'io.containerd.runtime.v1.linux': 'runc'}
"""What Docker calls its own; where there is no runc, they mean the engine's own runtime."""


class Runtimes:
    """Runtimes by name, each with a folder of state of its own."""

    def __init__(self, settings: Settings, launcher: Launcher) -> None:
        self._settings, self._launcher = settings, launcher
        self.own = OciRuntime(settings.runtime, settings.runtime_root, launcher)
        self._lock = threading.Lock()
        self._others: dict[str, OciRuntime] = {}

    def get(self, name: str) -> OciRuntime:
        """The runtime of that name; '' is the engine's own. :raises InvalidSpec: it is not here."""
        wanted = _DOCKERS.get(name, name)
        if wanted in ('', self.own.name) or (name in _DOCKERS and not self._is_here(wanted)):
            return self.own
        if wanted not in _KNOWN or not self._is_here(wanted):
            raise errors.InvalidSpec(f'unknown or invalid runtime name: {name[:64]}: this engine has '
                                     f'{", ".join(self.names())}')
        return self._others[wanted]

    def names(self) -> tuple[str, ...]:
        """Those that are installed."""
        return tuple(sorted({self.own.name, *filter(self._is_here, _KNOWN)}))

    def forget(self, name: str, container_id: str) -> None:
        """Remove what a runtime that is not installed any more remembers of a container."""
        wanted = _DOCKERS.get(name, name)
        if wanted in _KNOWN:
            files.remove_tree(self._root_of(wanted) / container_id)

    def _is_here(self, name: str) -> bool:
        with self._lock:
            if name not in self._others:
                try:
                    self._others[name] = OciRuntime(name, self._root_of(name), self._launcher)
                except errors.HostFailure:
                    return False
        return True

    def _root_of(self, name: str) -> Path:
        return self._settings.runtime_root.with_name(f'{self._settings.runtime_root.name}-{name}')

    def used(self) -> Iterator[OciRuntime]:
        """Those that may have state of containers."""
        yield self.own
        for name in _KNOWN:
            if name != self.own.name and self._is_here(name):
                yield self._others[name]
