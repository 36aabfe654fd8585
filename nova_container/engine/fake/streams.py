# SPDX-License-Identifier: Apache-2.0
"""The verbs of the fake that carry bytes to and from processes: logs, attach, exec."""

import secrets
import time
from collections.abc import Iterator

from nova_container import errors
from nova_container.engine import base, state, validate
from nova_container.engine import spec as specs
from nova_container.engine.fake import faults, programs
from nova_container.engine.fake.container import Container, Exec
from nova_container.engine.fake.lifecycle import FakeLifecycle
from nova_container.engine.fake.process import Process
from nova_container.engine.fake.session import FakeSession

_OUTPUTS = frozenset({state.StreamName.STDOUT, state.StreamName.STDERR})


class FakeStreams(FakeLifecycle):
    """Output, input and further processes."""

    @faults.verb
    def logs(self, container: str, query: specs.LogQuery) -> Iterator[state.LogChunk]:
        with self.changed:
            found = self.containers.find(container)
            return self._chunks(found, query, _tail(found.log, query))

    def _chunks(self, container: Container, query: specs.LogQuery, index: int) -> Iterator[state.LogChunk]:
        while (chunk := self._next(container, query, index)) is not None:
            index += 1
            if query.until is not None and chunk.time > query.until:
                return
            if _is_asked(chunk, query):
                yield chunk

    def _next(self, container: Container, query: specs.LogQuery, index: int) -> state.LogChunk | None:
        def has_more() -> bool:
            return len(container.log) > index

        left_s = None if query.until is None else max(0.0, query.until - time.time())
        with self.changed:
            if query.follow:
                self.changed.wait_for(lambda: has_more() or container.process is None, left_s)
            return container.log[index] if has_more() else None

    @faults.verb
    def attach(self, container: str) -> base.Session:
        with self.changed:
            found = self.containers.find(container)
            session = FakeSession(self.changed, streams=_OUTPUTS, on_close=lambda closed: _detach(found, closed))
            if found.process is not None:
                session.connect(found.process.stdin, may_end_stdin=found.spec.process.stdin_once)
            found.sessions.append(session)
            return session

    @faults.verb
    def resize(self, container: str, *, rows: int, columns: int) -> None:
        with self.changed:
            found = self.containers.find(container)
            process = found.running_process
            if not found.spec.process.tty:
                raise errors.WrongState(f'Container {container} has no terminal')
            process.rows, process.columns = rows, columns

    @faults.verb
    def create_exec(self, container: str, spec: specs.ExecSpec) -> str:
        validate.check_exec(spec)
        with self.changed:
            found = self.containers.find(container)
            _require_running(found)
            made = Exec(secrets.token_hex(32), found, spec)
            found.execs.append(made)
            self.publish(found, f'exec_create: {" ".join(spec.command)}', execID=made.id)
            return made.id

    @faults.verb
    def start_exec(self, exec_id: str) -> base.Session:
        with self.changed:
            made = self._find_exec(exec_id)
            _require_running(made.container)
            if made.process is not None or made.code is not None:
                raise errors.WrongState(f'Exec {exec_id} has already run')
            spec = made.spec
            session = FakeSession(self.changed, streams=frozenset(
                stream for stream, wanted in ((state.StreamName.STDOUT, spec.attach_stdout),
                                              (state.StreamName.STDERR, spec.attach_stderr)) if wanted))
            try:
                around = self.surroundings(made.container, spec.command, user=spec.user, env=spec.env, cwd=spec.cwd,
                                           tty=spec.tty)
            except errors.InvalidRequest:
                made.code = 126
                raise
            self.publish(made.container, f'exec_start: {" ".join(spec.command)}', execID=made.id)
            process = Process(self.changed, around, is_first=False, stdin_open=spec.attach_stdin,
                              on_output=session.push, on_end=lambda code: self._exec_ended(made, session, code))
            made.process = process
            session.connect(process.stdin, may_end_stdin=True)
            missing = programs.find(around)
            if missing is None:
                process.start(programs.run)
            else:
                session.push(state.StreamName.STDOUT, f'exec: "{around.argv[0]}": {missing.strerror}\n'.encode())
                process.end(126 if isinstance(missing, PermissionError) else 127)
            return session

    def _exec_ended(self, made: Exec, session: FakeSession, code: int) -> None:
        made.code = code
        session.end()
        self.publish(made.container, 'exec_die', execID=made.id, exitCode=str(code))

    @faults.verb
    def inspect_exec(self, exec_id: str) -> state.ExecInfo:
        with self.changed:
            return self._find_exec(exec_id).info

    @faults.verb
    def resize_exec(self, exec_id: str, *, rows: int, columns: int) -> None:
        with self.changed:
            made = self._find_exec(exec_id)
            if made.process is None or made.code is not None or not made.spec.tty:
                raise errors.WrongState(f'Exec {exec_id} does not run, or has no terminal')
            made.process.rows, made.process.columns = rows, columns

    def _find_exec(self, exec_id: str) -> Exec:
        for container in self.containers.all():
            for made in container.execs:
                if made.id == exec_id:
                    return made
        raise errors.ExecNotFound(exec_id)


def _require_running(container: Container) -> None:
    if not container.status.may_exec:
        raise errors.WrongState(f'Container {container.id} is {container.status.value}, not running')


def _detach(container: Container, session: FakeSession) -> None:
    if session in container.sessions:
        container.sessions.remove(session)
    if container.spec.process.stdin_once and session.stdin is not None:
        session.stdin.close()


def _is_asked(chunk: state.LogChunk, query: specs.LogQuery) -> bool:
    wanted = query.stdout if chunk.stream is state.StreamName.STDOUT else query.stderr
    return wanted and (query.since is None or chunk.time >= query.since)


def _tail(log: list[state.LogChunk], query: specs.LogQuery) -> int:
    """Where the last ``query.tail`` lines begin, among those the query asks for."""
    if query.tail is None:
        return 0
    lines, index = 0, len(log)
    while index > 0 and lines <= query.tail:
        chunk = log[index - 1]
        lines += _is_asked(chunk, query) and (chunk.data.endswith(b'\n') or index == len(log))
        index -= lines <= query.tail
    return index
