# SPDX-License-Identifier: Apache-2.0
"""What ``openstack stack resource signal``, an alarm, or a signed URL may do to a container."""

from collections.abc import Callable, Mapping
from typing import Any

from heat_container.resources.base import DockerResource
from heat_container.resources.container.removal import find
from nova_container import errors
from nova_container.engine import Engine, ExecSpec

_EXEC_S = 60.0


def act(resource: DockerResource, details: Any, allowed: list[str]) -> str:
    """Do it and tell what was done.

    :param details: a map: ``action`` is one of the allowed, else the first of them is done (alarms say nothing of it);
        ``signal`` for kill, ``command`` for exec.
    :raises Denied: it is not allowed.  :raises InvalidRequest: it makes no sense.
    """
    given: Mapping[str, Any] = details if isinstance(details, Mapping) else {}
    action = str(given.get('action') or (allowed[0] if allowed else ''))
    if action not in allowed:
        raise errors.Denied(f'A signal may not do {action or "anything"} to this container: signal_actions allows '
                            f'{", ".join(allowed) or "nothing"}')
    engine = resource.engine()
    info = find(resource, engine)
    if info is None:
        raise errors.ContainerNotFound(str(resource.resource_id))
    if action == 'kill':
        signal = str(given.get('signal') or 'SIGKILL')
        engine.kill(info.id, signal)
        return f'sent {signal}'
    if action == 'exec':
        return _exec(engine, info.id, given.get('command'))
    verbs: Mapping[str, Callable[[str], None]] = {
        'restart': engine.restart, 'start': engine.start, 'stop': engine.stop, 'pause': engine.pause,
        'unpause': engine.unpause}
    verbs[action](info.id)
    return f'did {action}'


def _exec(engine: Engine, container: str, command: Any) -> str:
    if not (isinstance(command, list) and command and all(isinstance(word, str) for word in command)):
        raise errors.InvalidRequest('A signal of exec has command, a list of texts')
    result = engine.exec(container, ExecSpec(command=tuple(command)), timeout_s=_EXEC_S, limit_bytes=4096)
    return f'ran {command[0]}, which ended with {result.exit_code}'
