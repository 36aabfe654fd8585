# SPDX-License-Identifier: Apache-2.0
"""An engine that projects share."""

from typing import Any

from heat_container.guard.containers import Containers
from heat_container.guard.images import Images
from heat_container.guard.networks import Networks
from heat_container.guard.volumes import Volumes
from nova_container import errors

_KNOWN = frozenset(('start', 'stop', 'kill', 'restart', 'pause', 'unpause', 'wait', 'usage', 'top', 'logs', 'resize',
                    'rename', 'changes', 'stat_path'))
"""Verbs over a container of the project that give nobody more than the container has."""
_ENTERING = frozenset(('network_namespace', 'attach', 'export', 'copy_out', 'copy_in'))
"""Verbs that get into it: whoever asks must be allowed what it may do."""


class Shared(Containers, Networks, Volumes, Images):
    """Verbs are methods, or listed; nothing else passes."""

    def __getattr__(self, verb: str) -> Any:
        if verb == 'info':
            return self._engine.info
        if verb in _KNOWN or verb in _ENTERING:
            find = self._entered if verb in _ENTERING else self._own

            def asked(container: str, *arguments: Any, **keywords: Any) -> Any:
                return getattr(self._engine, verb)(find(container), *arguments, **keywords)
            return asked
        raise errors.Denied(f'{verb}: templates cannot do this on an engine that projects share')
