# SPDX-License-Identifier: Apache-2.0
"""Verbs over the Docker Engine API: containers made, run, shown and removed."""

import builtins
import contextlib
import json
from collections.abc import Mapping

from nova_container import errors
from nova_container.docker.base import Verbs, container_path
from nova_container.docker.sandbox import Sandboxes
from nova_container.docker.transport import Silence, Transport
from nova_container.docker.wire import container as wire
from nova_container.docker.wire import inspection
from nova_container.docker.wire.document import Document
from nova_container.engine import validate
from nova_container.engine import ContainerInfo, ContainerOps, ContainerSpec, ExitInfo, Resources, RestartPolicy, Status

_GRACE_S = 10.0


class LifecycleVerbs(Verbs, ContainerOps):
    """Containers from create to remove."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self._sandboxes = Sandboxes(self)

    def create(self, spec: ContainerSpec) -> str:
        if not self.is_ours:
            validate.check_sharing(spec)  # of which Docker says nothing until the start, if at all
            validate.check_runtime(spec)
            return self._sandboxes.create(spec)
        answer = self.ask('POST', '/containers/create', query={'name': spec.name}, document=wire.create_body(spec))
        return Document(answer.document()).text('Id')

    def network_namespace(self, container: str) -> str:
        if not self.is_ours:
            return self._sandboxes.network_namespace(container)
        path = self.inspect(container).network_namespace
        if path is None:
            raise errors.Unsupported(f'Container {container} shares the network of its host')
        return path

    def start(self, container: str) -> None:
        if not self.is_ours:
            self._sandboxes.ensure_running(container)
        self.do('POST', container_path(container, '/start'))

    def stop(self, container: str, *, grace_s: float | None = None, signal: str = '') -> None:
        self._end(container, '/stop', grace_s, signal)

    def restart(self, container: str, *, grace_s: float | None = None, signal: str = '') -> None:
        if not self.is_ours:
            self._sandboxes.ensure_running(container)
        self._end(container, '/restart', grace_s, signal)

    def _end(self, container: str, verb: str, grace_s: float | None, signal: str) -> None:
        """Docker takes whole seconds only, and a container's own period may be any."""
        if signal and not self.is_ours:
            raise errors.Unsupported('Docker takes a signal for stop since its API 1.42: use kill')
        asked = {'signal': signal or None}
        if grace_s is None:
            self.do('POST', container_path(container, verb), query=asked, timeout_s=0)
            return
        seconds: float = grace_s if self.is_ours else -int(-grace_s // 1)
        self.do('POST', container_path(container, verb), query={'t': seconds, **asked},
                timeout_s=0 if grace_s < 0 else self.transport.timeout_s + grace_s)

    def kill(self, container: str, signal: str = 'SIGKILL') -> None:
        self.do('POST', container_path(container, '/kill'), query={'signal': signal})

    def pause(self, container: str) -> None:
        self._reach(container, '/pause', Status.PAUSED)

    def unpause(self, container: str) -> None:
        self._reach(container, '/unpause', Status.RUNNING)

    def _reach(self, container: str, verb: str, status: Status) -> None:
        """Docker refuses to pause what is paused, with one status or another."""
        try:
            self.do('POST', container_path(container, verb))
        except (errors.WrongState, errors.HostFailure) as error:
            now = self.inspect(container).status
            if now is status:
                return
            if isinstance(error, errors.HostFailure) and not now.alive:
                raise errors.WrongState(str(error)) from error
            raise

    def remove(self, container: str, *, force: bool = False, volumes: bool = True) -> None:
        infra = None if self.is_ours else self._sandboxes.infra_of(container)
        with contextlib.suppress(errors.ContainerNotFound):
            self.do('DELETE', container_path(container), query={'force': force, 'v': volumes})
        if infra is not None:
            self._sandboxes.discard(infra)

    def update(self, container: str, resources: Resources, restart: RestartPolicy | None = None) -> None:
        self.do('POST', container_path(container, '/update'), document=wire.update_body(resources, restart))

    def rename(self, container: str, name: str) -> None:
        self.do('POST', container_path(container, '/rename'), query={'name': name})

    def inspect(self, container: str) -> ContainerInfo:
        info = inspection.info_of(self.get(container_path(container, '/json')))
        return info if self.is_ours else self._sandboxes.seen_from_outside(info)

    def list(self, *, labels: Mapping[str, str] | None = None) -> tuple[ContainerInfo, ...]:
        query: dict[str, object] = {'all': True}
        if labels:
            query['filters'] = json.dumps({'label': [f'{name}={value}' for name, value in labels.items()]})
        if self.is_ours:
            rows = self.get('/containers/json', query=query | {'inspect': True})
            return tuple(inspection.info_of(row) for row in rows)
        return tuple(self._inspect_each(self._sandboxes.workload_ids(self.get('/containers/json', query=query))))

    def _inspect_each(self, container_ids: builtins.list[str]) -> builtins.list[ContainerInfo]:
        """Those that are still there."""
        found = []
        for container_id in container_ids:
            try:
                found.append(self.inspect(container_id))
            except errors.ContainerNotFound:
                continue
        return found

    def wait(self, container: str, *, timeout_s: float | None = None) -> ExitInfo | None:
        """The code is the engine's answer; the rest is looked up, if the container is still there."""
        try:
            answer = self.ask('POST', container_path(container, '/wait'), query={'condition': 'not-running'},
                              timeout_s=0 if timeout_s is None else max(timeout_s, 0.001))
            code = Document(answer.document()).integer('StatusCode') or 0
        except Silence:
            if timeout_s is None:
                raise
            return None
        try:
            info = self.inspect(container)
        except errors.ContainerNotFound:
            return ExitInfo(code=code)
        return info.exit or ExitInfo(code=code)
