# SPDX-License-Identifier: Apache-2.0
"""Stacks as a user has them: created, awaited, updated, looked at, and taken away again."""

import contextlib
import functools
import http.client
import itertools
import json
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import openstack
from openstack import exceptions
from openstack.orchestration.util import template_utils

from tests.cloud.host import TOP
from tests.cloud.project import wait_for

EXAMPLES = TOP / 'heat_container' / 'examples'
_numbers = itertools.count(1)


class Failed(AssertionError):
    """A stack did not come to the status wanted; the text is its reason and those of its resources."""


class Stacks:
    """The stacks of one project. None is left after ``clean``."""

    def __init__(self, connection: openstack.connection.Connection) -> None:
        self._api = connection.orchestration
        self._ids: list[str] = []

    def create(self, template: str | pathlib.Path, *, wanted: str = 'CREATE_COMPLETE', rollback: bool = False,
               timeout_s: float = 240, environment: Mapping[str, Any] | None = None, **parameters: Any) -> 'Stack':
        """A stack of a template's text, or of the file and those it names, once it has the status wanted."""
        files, body = _read(template)
        return self._made(wanted, timeout_s, template=body, files=files, parameters=parameters,
                          environment=environment or {}, disable_rollback=not rollback)

    def adopt(self, abandoned: Mapping[str, Any], template: str, **parameters: Any) -> 'Stack':
        """A stack of what another one was abandoned with."""
        return self._made('ADOPT_COMPLETE', 120, template=template, parameters=parameters,
                          adopt_stack_data=json.dumps(abandoned))

    def _made(self, wanted: str, timeout_s: float, **asked: Any) -> 'Stack':
        answer = self._api.post('/stacks', json={
            'stack_name': f'heat-{os.getpid()}-{next(_numbers)}', 'timeout_mins': 10, **asked})
        if answer.status_code == 400:
            raise Failed(answer.text)
        answer.raise_for_status()
        stack = Stack(self._api, answer.json()['stack']['id'])
        self._ids.append(stack.id)
        stack.await_status(wanted, timeout_s)
        return stack

    def clean(self) -> None:
        """Delete all and wait until they are gone."""
        for stack_id in self._ids:
            with contextlib.suppress(exceptions.NotFoundException):
                self._api.delete_stack(stack_id)
        for stack_id in self._ids:
            Stack(self._api, stack_id).await_status('DELETE_COMPLETE', 240)
        self._ids.clear()


class Stack:
    """One stack."""

    def __init__(self, api: Any, stack_id: str) -> None:
        self._api, self.id = api, stack_id

    def update(self, template: str | pathlib.Path, *, wanted: str = 'UPDATE_COMPLETE', timeout_s: float = 240,
               rollback: bool = False, converge: bool = False, environment: Mapping[str, Any] | None = None,
               **parameters: Any) -> None:
        """Give it another template or other parameters and wait for the end."""
        files, body = _read(template)
        self._api.put(f'/stacks/{self._path}', json={
            'template': body, 'files': files, 'parameters': parameters, 'disable_rollback': not rollback,
            'timeout_mins': 10, 'converge': converge, 'environment': environment or {}}).raise_for_status()
        self.await_status(wanted, timeout_s)

    def act(self, action: str, wanted: str, timeout_s: float = 120) -> None:
        """``suspend``, ``resume``, ``check``, ``cancel_update`` or ``cancel_without_rollback``."""
        self._api.post(f'/stacks/{self._path}/actions', json={action: None}).raise_for_status()
        self.await_status(wanted, timeout_s)

    def signal(self, resource: str, details: Mapping[str, Any] | None = None) -> None:
        """Signal a resource."""
        self._api.post(f'/stacks/{self._path}/resources/{resource}/signal', json=details or {}).raise_for_status()

    def snapshot(self) -> str:
        """Take a snapshot; its id."""
        answer = self._api.post(f'/stacks/{self._path}/snapshots', json={'name': 'kept'})
        answer.raise_for_status()
        found = str(answer.json()['id'])
        self.await_status('SNAPSHOT_COMPLETE')
        return found

    def restore(self, snapshot: str) -> None:
        """Be as in a snapshot again."""
        self._api.post(f'/stacks/{self._path}/snapshots/{snapshot}/restore').raise_for_status()
        self.await_status('RESTORE_COMPLETE')

    def delete_snapshot(self, snapshot: str) -> None:
        """Delete a snapshot, and wait until it is gone."""
        path = f'/stacks/{self._path}/snapshots/{snapshot}'
        self._api.delete(path).raise_for_status()
        wait_for('the snapshot is gone', lambda: self._api.get(path).status_code == 404, 30)

    def abandon(self) -> dict[str, Any]:
        """Let Heat forget it; what adopts it again."""
        answer = self._api.delete(f'/stacks/{self._path}/abandon')
        answer.raise_for_status()
        self.await_status('DELETE_COMPLETE')
        return dict(answer.json())

    def delete(self) -> None:
        """Delete it and wait until it is gone."""
        self._api.delete_stack(self.id)
        self.await_status('DELETE_COMPLETE')

    @property
    def status(self) -> str:
        return str(self._shown()['stack_status'])

    @property
    def outputs(self) -> dict[str, Any]:
        """Values by name."""
        return {one['output_key']: one.get('output_value') for one in self._shown(outputs=True).get('outputs') or ()}

    def resource(self, name: str) -> dict[str, Any]:
        """What Heat tells of a resource."""
        answer = self._api.get(f'/stacks/{self._path}/resources/{name}')
        answer.raise_for_status()
        return dict(answer.json()['resource'])

    def ref(self, name: str) -> str:
        """The id of what a resource made."""
        return self.refs()[name]

    def refs(self) -> dict[str, str]:
        """The ids of what the resources made, by their names."""
        answer = self._api.get(f'/stacks/{self._path}/resources')
        answer.raise_for_status()
        return {row['resource_name']: row['physical_resource_id'] for row in answer.json()['resources']}

    def reasons(self) -> str:
        """Why it, and each of its resources that failed, did."""
        rows = self._api.get(f'/stacks/{self._path}/resources', params={'nested_depth': 3}).json()['resources']
        lines = [f'{self.status}: {self._shown()["stack_status_reason"]}']
        lines += [f'  {row["resource_name"]} {row["resource_status"]}: {row["resource_status_reason"]}' for row in rows
                  if 'FAILED' in row['resource_status']]
        return '\n'.join(lines)

    def events(self) -> list[dict[str, Any]]:
        """All events, oldest first, with the properties that Heat kept."""
        answer = self._api.get(f'/stacks/{self._path}/events', params={'nested_depth': 3})
        return list(answer.json()['events'])

    def await_status(self, wanted: str, timeout_s: float = 240) -> None:
        """:raises Failed: it came to another end."""
        def reached() -> bool:
            status = self.status
            if status == wanted:
                return True
            if not status.endswith('IN_PROGRESS') and _is_an_end(status, wanted):
                raise Failed(f'{wanted} was wanted: {self.reasons()}')
            return False

        wait_for(f'stack {self.id} is {wanted}', reached, timeout_s, 0.2)

    @functools.cached_property
    def _path(self) -> str:
        shown = self._shown()
        return f'{shown["stack_name"]}/{shown["id"]}'

    def _shown(self, *, outputs: bool = False) -> dict[str, Any]:
        """:param outputs: whether Heat is to ask the engine for all that they tell, which takes its time."""
        answer = self._api.get(f'/stacks/{self.id}', params={'resolve_outputs': outputs})
        if answer.status_code == 404:
            return {'stack_status': 'DELETE_COMPLETE', 'stack_status_reason': 'gone', 'id': self.id,
                    'stack_name': self.id}
        return dict(answer.json()['stack'])


def _is_an_end(status: str, wanted: str) -> bool:
    """Whether the stack can come to the status wanted no more: it ended the action asked for, or failed."""
    action = wanted.partition('_')[0]
    return status.endswith('FAILED') and action not in ('ROLLBACK',) or status.startswith(action)


def _read(template: str | pathlib.Path) -> tuple[dict[str, Any], Any]:
    if isinstance(template, pathlib.Path):
        files, body = template_utils.get_template_contents(template_file=str(template))
        return dict(files), dict(body)
    return {}, template


@contextlib.contextmanager
def cleaned(connection: openstack.connection.Connection) -> Iterator[Stacks]:
    """The stacks of a project, none of which is left afterwards."""
    found = Stacks(connection)
    try:
        yield found
    finally:
        found.clean()


def page(port: int, path: str = '/', timeout_s: float = 20) -> str:
    """What the host gets at a published port, once something answers."""
    def get() -> str | None:
        connection = http.client.HTTPConnection('127.0.0.1', port, timeout=5)
        try:
            connection.request('GET', path)
            answer = connection.getresponse()
            return answer.read().decode() if answer.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    return str(wait_for(f'port {port} answers', get, timeout_s, 0.2))


def host_port(ports: Mapping[str, Any], container_port: str = '80/tcp') -> int:
    """The port of the host in a container's attribute ``ports``."""
    return int(ports[container_port][0]['host_port'])
