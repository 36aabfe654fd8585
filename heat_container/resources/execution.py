# SPDX-License-Identifier: Apache-2.0
"""OS::Docker::Exec."""

import dataclasses
import datetime
import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from heat.common import exception
from heat.common.i18n import _
from heat.engine import resource

from heat_container.resources.base import DockerResource
from heat_container.resources.container.making import secrets_of
from heat_container.schema import execution as schema
from heat_container.translate.container import environment_of
from nova_container import errors
from nova_container.engine import Engine, ExecResult, ExecSpec, Status, execution

_RESULT = 'result'
_POLL_S = 0.1
_MAX_RECORD = 45000


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """A run that ended."""

    result: ExecResult
    started_at: float
    ended_at: float

    @property
    def record(self) -> dict[str, Any]:
        """As the attributes show it."""
        return {schema.EXIT_CODE: self.result.exit_code, schema.STDOUT: _text(self.result.stdout),
                schema.STDERR: _text(self.result.stderr), schema.TRUNCATED: self.result.truncated,
                schema.STARTED_AT: _moment(self.started_at), schema.ENDED_AT: _moment(self.ended_at)}


class Exec(DockerResource):
    """A command that runs in a container at moments of its stack's life.

    As a software deployment it may run at CREATE, UPDATE, DELETE, SUSPEND, RESUME, CHECK, SIGNAL; it fails the action
    if its exit code is none of those expected.
    """

    properties_schema = {**DockerResource.endpoint_schema, **schema.PROPERTIES}
    attributes_schema = schema.ATTRIBUTES
    secret_properties = frozenset((schema.SECRETS,))

    # Each moment: start it in the background, and be asked until it ended

    def handle_create(self) -> str | None:
        info = self.engine().inspect(self.properties[schema.CONTAINER])
        self.check_owner(info.labels)
        self.resource_id_set(info.id)
        return self._begun('CREATE')

    def check_create_complete(self, token: str | None) -> bool:
        return self._ended(token)

    def handle_update(self, json_snippet: Any, tmpl_diff: Any, prop_diff: Mapping[str, Any]) -> str | None:
        props = json_snippet.properties(self.properties_schema, self.context)
        if 'UPDATE' in props[schema.ACTIONS] or schema.TRIGGERS in prop_diff:
            return self._start(props)
        return None

    def check_update_complete(self, token: str | None) -> bool:
        return self._ended(token)

    def handle_delete(self) -> str | None:
        """A container that is gone or has stopped has nothing to run in: done."""
        if not self.resource_id:
            return None
        try:
            if self.engine().inspect(self.resource_id).status is not Status.RUNNING:
                return None
            return self._begun('DELETE')
        except errors.NotFound:
            return None

    def check_delete_complete(self, token: str | None) -> bool:
        return self._ended(token)

    def handle_suspend(self) -> str | None:
        return self._begun('SUSPEND')

    def check_suspend_complete(self, token: str | None) -> bool:
        return self._ended(token)

    def handle_resume(self) -> str | None:
        return self._begun('RESUME')

    def check_resume_complete(self, token: str | None) -> bool:
        return self._ended(token)

    def handle_check(self) -> str | None:
        self.engine().inspect(self.resource_id)
        return self._begun('CHECK')

    def check_check_complete(self, token: str | None) -> bool:
        return self._ended(token)

    def handle_signal(self, details: Any = None) -> str:
        """In a thread of the signal's own, so that it may wait."""
        token = self._begun('SIGNAL')
        if token is None:
            raise resource.NoActionRequired(self.name, 'not one of its actions')
        while not self._ended(token):
            time.sleep(_POLL_S)
        return _('the command ended with %s') % self._record()[schema.EXIT_CODE]

    def handle_suspend_cancel(self, token: object) -> None:
        self.cancel(token)

    def handle_resume_cancel(self, token: object) -> None:
        self.cancel(token)

    def handle_check_cancel(self, token: object) -> None:
        self.cancel(token)

    def needs_replace_failed(self) -> bool:
        """A command that failed may run again in the same place."""
        return not self.resource_id

    def _begun(self, action: str) -> str | None:
        return self._start(self.properties) if action in self.properties[schema.ACTIONS] else None

    def _start(self, props: Mapping[str, Any]) -> str:
        """:raises WrongState: the container does not run."""
        engine = self.engine()
        info = engine.inspect(self.resource_id)
        self.check_owner(info.labels)
        if not info.status.may_exec:
            raise errors.WrongState(f'Container {info.name} is {info.status.value}: no command can run in it')
        self._expected = frozenset(props[schema.CODES])
        spec = _spec(props, secrets_of(self, props[schema.SECRETS]))
        return self.background(_work(engine, info.id, spec, props[schema.TIMEOUT], props[schema.LIMIT]))

    def _ended(self, token: str | None) -> bool:
        """:raises Error: the command ended with a code that is not expected.

        Reasons become events, which all of the project see and Heat keeps in the clear: output is no part of them.
        """
        if token is None:
            return True
        run: Run | None = self.outcome(token)
        if run is None:
            return False
        runs = self._record().get(schema.RUNS, 0) + 1
        self.data_set(_RESULT, _packed({**run.record, schema.RUNS: runs}), redact=True)
        if run.result.exit_code not in self._expected:
            raise exception.Error(_('The command ended with %(code)d, expected is %(expected)s; %(said)s') % {
                'code': run.result.exit_code, 'expected': ' or '.join(map(str, sorted(self._expected))),
                'said': _where(run.result)})
        return True

    def _record(self) -> dict[str, Any]:
        return dict(json.loads(self.data().get(_RESULT, '{}')))

    def _show_resource(self) -> dict[str, Any]:
        return self._record()

    def _resolve_attribute(self, name: str) -> Any:
        return self._record().get(name)


def _where(result: ExecResult) -> str:
    """Where to read what a command said."""
    said = [name for name, output in ((schema.STDERR, result.stderr), (schema.STDOUT, result.stdout)) if output]
    return str(_('what it said is in the attribute %s.') % _(' and in ').join(said) if said else _('it said nothing.'))


def _spec(props: Mapping[str, Any], secrets: Mapping[str, str]) -> ExecSpec:
    """:raises InvalidSpec: a variable is given twice, or has a name that none can have."""
    return ExecSpec(
        command=tuple(props[schema.COMMAND]), user=props[schema.USER], cwd=props[schema.WORKING_DIR],
        env=environment_of(props[schema.ENVIRONMENT], secrets),
        privileged=props[schema.PRIVILEGED], tty=props[schema.TTY])


def _work(engine: Engine, container: str, spec: ExecSpec, timeout_s: int,
          limit_bytes: int) -> Callable[[threading.Event], Run]:
    def work(stop: threading.Event) -> Run:
        began = time.time()
        result = execution.run(engine, container, spec, timeout_s=timeout_s, limit_bytes=limit_bytes, stop=stop)
        return Run(result, began, time.time())

    return work


def _packed(record: dict[str, Any]) -> str:
    """As text that fits, encrypted, into the column of 64 KiB that Heat keeps it in; output gives way."""
    while len((text := json.dumps(record, ensure_ascii=False)).encode()) > _MAX_RECORD:
        half = {name: record[name][:len(record[name]) // 2] for name in (schema.STDOUT, schema.STDERR)}
        record = {**record, **half, schema.TRUNCATED: True}
    return text


def _text(data: bytes) -> str:
    return data.decode('utf-8', 'replace')


def _moment(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat()
