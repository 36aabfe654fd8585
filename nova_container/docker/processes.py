# SPDX-License-Identifier: Apache-2.0
"""Verbs over the Docker Engine API: what processes write, read and use."""

import time
from collections.abc import Iterator
from urllib.parse import quote

from nova_container import errors
from nova_container.docker import log_stream
from nova_container.docker.base import Verbs, container_path
from nova_container.docker.session import DockerSession, Hijack, hijack
from nova_container.docker.wire import execs as wire
from nova_container.docker.wire import inspection, stats
from nova_container.docker.wire import processes as wire_top
from nova_container.docker.wire.document import Document
from nova_container.engine import (
    ContainerInfo, ContainerOps, ExecInfo, ExecSpec, LogChunk, LogQuery, ProcessRow, Session, Usage)

_RAW = 'application/vnd.docker.raw-stream'


class ProcessVerbs(Verbs, ContainerOps):
    """Output, input, further processes and their measures."""

    def usage(self, container: str) -> Usage:
        body = self.get(container_path(container, '/stats'), query={'stream': False, 'one-shot': True})
        usage = stats.usage_of(body)
        if usage is None:
            raise errors.WrongState(f'Container {container} is not running')
        return usage

    def top(self, container: str) -> tuple[ProcessRow, ...]:
        try:
            body = self.get(container_path(container, '/top'), query={'ps_args': wire_top.EXACT})
        except errors.HostFailure as error:  # Docker 20.10 for a container that is not running
            if not self.inspect(container).status.alive:
                raise errors.WrongState(f'Container {container} is not running') from error
            raise
        return wire_top.rows_of(body, time.time())

    def logs(self, container: str, query: LogQuery) -> Iterator[LogChunk]:
        """The request is sent now, so that an error comes at once."""
        answer = self.ask('GET', container_path(container, '/logs'), query={
            'stdout': query.stdout, 'stderr': query.stderr, 'follow': query.follow, 'timestamps': True,
            'tail': 'all' if query.tail is None else query.tail, 'since': log_stream.moment(query.since),
            'until': log_stream.moment(query.until)}, timeout_s=0 if query.follow else None)
        tty = answer.header('Content-Type') == _RAW if self.is_ours else self._has_tty(container)
        return log_stream.chunks(answer.chunks(), tty=tty)

    def attach(self, container: str) -> Session:
        path = container_path(container, '/attach?stream=1&stdin=1&stdout=1&stderr=1')
        taken = self._hijack(path, None)
        return DockerSession(taken, tty=taken.content_type == _RAW if self.is_ours else self._has_tty(container))

    def resize(self, container: str, *, rows: int, columns: int) -> None:
        if not self.is_ours:
            info = self._seen(container)  # Docker is silent whatever it is
            if not (info.status.alive and info.spec.process.tty):
                raise errors.WrongState(f'Container {container} is not alive, or has no terminal')
        self.do('POST', container_path(container, '/resize'), query={'h': rows, 'w': columns})

    def create_exec(self, container: str, spec: ExecSpec) -> str:
        answer = self.ask('POST', container_path(container, '/exec'), document=wire.exec_body(spec))
        return Document(answer.document()).text('Id')

    def start_exec(self, exec_id: str) -> Session:
        """Docker must be told about the terminal once more; ours knows, and says so."""
        tty = False if self.is_ours else self._startable(exec_id).tty
        taken = self._hijack(_exec_path(exec_id, 'start' + ('?strict=1' if self.is_ours else '')),
                             {'Detach': False, 'Tty': tty})
        return DockerSession(taken, tty=taken.content_type == _RAW if self.is_ours else tty)

    def _startable(self, exec_id: str) -> ExecSpec:
        """Docker takes the connection over first and then writes its errors as if the process had said them."""
        found = self.inspect_exec(exec_id)
        if found.running or found.exit_code is not None:
            raise errors.WrongState(f'Exec {exec_id} ran already')
        if not self._seen(found.container_id).status.may_exec:
            raise errors.WrongState(f'Container {found.container_id} is not running')
        return found.spec

    def inspect_exec(self, exec_id: str) -> ExecInfo:
        return wire.exec_info_of(self.get(_exec_path(exec_id, 'json')))

    def resize_exec(self, exec_id: str, *, rows: int, columns: int) -> None:
        self.do('POST', _exec_path(exec_id, 'resize'), query={'h': rows, 'w': columns})

    def _hijack(self, path: str, document: object) -> Hijack:
        return hijack(self.transport.endpoint, path, document, self.transport.timeout_s, self.prefix)

    def _has_tty(self, container: str) -> bool:
        return self._seen(container).spec.process.tty

    def _seen(self, container: str) -> ContainerInfo:
        """The container as the API shows it, in one request."""
        return inspection.info_of(self.get(container_path(container, '/json')))


def _exec_path(exec_id: str, rest: str) -> str:
    if not exec_id or exec_id in ('.', '..'):
        raise errors.ExecNotFound(exec_id)
    return f'/exec/{quote(exec_id, safe="")}/{rest}'
