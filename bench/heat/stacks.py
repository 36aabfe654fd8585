# SPDX-License-Identifier: Apache-2.0
"""Stacks through Heat's API, each action timed from the request until Heat lists its end; and other users meanwhile."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import openstack

from bench.heat import templates as heat_templates
from bench.contender import BenchFailed

_POLL_S, _TIMEOUT_S = 0.2, 600.0
_ASKED_EVERY_S, _ANSWER_S = 0.5, 120.0
ASKED = ('stack list', 'resource-type show', 'template-validate')
"""What others ask of Heat, in turns."""
Latencies = dict[str, list[float]]


def connected(variables: Mapping[str, str]) -> openstack.connection.Connection:
    """The demo project of the minicloud."""
    return openstack.connection.Connection(config=openstack.config.OpenStackConfig(
        config_files=[variables['OS_CLIENT_CONFIG_FILE']]).get_one(variables['OS_CLOUD']))


class Stacks:
    """Stacks of the demo project. Close it when done: it deletes what it made."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._connection = connected(variables)
        self._api = self._connection.orchestration
        self._made: list[str] = []

    def __enter__(self) -> 'Stacks':
        return self

    def __exit__(self, *_: object) -> None:
        for stack in list(self._made):
            self.delete(stack)
        self._connection.close()

    def create(self, template: heat_templates.Template) -> tuple[str, float]:
        """Make a stack and wait until it is complete; its id and the seconds. :raises BenchFailed: it failed."""
        began = time.perf_counter()
        answer = self._api.post('/stacks', json={
            'stack_name': f'bench-{os.getpid()}-{time.monotonic_ns()}', 'template': template, 'timeout_mins': 10})
        if answer.status_code != 201:
            raise BenchFailed(f'Heat refused a stack: {answer.status_code} {answer.text[:300]}')
        stack = str(answer.json()['stack']['id'])
        self._made.append(stack)
        self._await(stack, 'CREATE_COMPLETE')
        return stack, time.perf_counter() - began

    def delete(self, stack: str) -> float:
        """Delete it; the seconds until it is gone. :raises BenchFailed: it cannot be deleted."""
        began = time.perf_counter()
        self._api.delete_stack(stack)
        self._await(stack, None)
        self._made.remove(stack)
        return time.perf_counter() - began

    def _await(self, stack: str, wanted: str | None) -> None:
        """Until Heat lists it as wanted, None for not at all."""
        deadline = time.perf_counter() + _TIMEOUT_S
        while (row := self._row(stack)) is not None or wanted is not None:
            status = row['stack_status'] if row else 'gone'
            if status == wanted:
                return
            if row is None or status.endswith('FAILED'):
                raise BenchFailed(f'A stack is {status}: {row["stack_status_reason"][:400] if row else "never made"}')
            if time.perf_counter() > deadline:
                raise BenchFailed(f'It took over {_TIMEOUT_S:g} s until a stack was {wanted or "gone"}: it is {status}')
            time.sleep(_POLL_S)

    def _row(self, stack: str) -> dict[str, Any] | None:
        """From the list, which costs heat-engine little: to show one, it reads all of its resources."""
        answer = self._api.get('/stacks', params={'id': stack})
        if answer.status_code != 200:
            raise BenchFailed(f'Heat does not list stacks: {answer.status_code} {answer.text[:300]}')
        return next(iter(answer.json()['stacks']), None)


class Visitor:
    """Another user of the same Heat, with a connection of its own."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._api = connected(variables).orchestration
        self._requests: dict[str, Callable[[], Any]] = dict(zip(ASKED, (
            lambda: self._api.get('/stacks', timeout=_ANSWER_S),
            lambda: self._api.get('/resource_types/OS::Docker::Container', timeout=_ANSWER_S),
            lambda: self._api.post('/validate', json={'template': heat_templates.small()}, timeout=_ANSWER_S)),
            strict=True))

    @contextlib.contextmanager
    def asking(self, latencies: Latencies) -> Iterator[None]:
        """Every half second one request, in turns, within the block; seconds until the answer go to the lists.

        :raises BenchFailed: one was not answered.
        """
        ended, failed = threading.Event(), list[str]()

        def ask() -> None:
            while not ended.is_set():
                for name in ASKED:
                    latencies.setdefault(name, []).append(self._ask(name, failed))
                    if ended.wait(_ASKED_EVERY_S):
                        return

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
        if failed:
            raise BenchFailed(f'Heat did not answer another user: {failed[0]}')

    def _ask(self, name: str, failed: list[str]) -> float:
        began = time.perf_counter()
        try:
            answer = self._requests[name]()
            if answer.status_code != 200:
                failed.append(f'{name}: {answer.status_code} {answer.text[:200]}')
        except openstack.exceptions.SDKException as error:
            failed.append(f'{name}: {error}')
        return time.perf_counter() - began
