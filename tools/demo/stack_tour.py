# SPDX-License-Identifier: Apache-2.0
"""The steps of the demo with Heat: a stack of a server and of containers beside it."""

from pathlib import Path
from typing import Any

from tools.demo.cloud import Cloud, http_get
from tools.demo.steps import Steps, expect, wait_for

STACK = 'demo-stack'
_TEMPLATE = Path(__file__).with_name('stack.yaml')
_LESS, _MORE = 64 << 20, 96 << 20


class StackTour:
    """Creates the stack, updates it in place, lets an update fail, and deletes it."""

    def __init__(self, cloud: Cloud, steps: Steps) -> None:
        self._cloud, self._steps = cloud, steps
        self._container, self._port = '', 0

    def all(self) -> None:
        """Every step, in order."""
        for name, step in (
                ('openstack stack create: a server, containers beside it', self._create),
                ('the container serves on the host', self._serves),
                ('openstack stack update: more memory, in place', self._update),
                ('an update that fails is rolled back', self._fail),
                ('openstack stack delete', self._delete)):
            self._steps.run(name, step)

    def _create(self) -> str:
        self._cloud.openstack('stack', 'create', '-t', str(_TEMPLATE), STACK)
        outputs = self._cloud.await_stack(STACK, 'CREATE_COMPLETE')
        self._container, self._port = outputs['container'], _port(outputs)
        return f'{outputs["said"].strip()}; the server has {outputs["server"]}'

    def _serves(self) -> str:
        page = str(wait_for('HTTP answers', lambda: http_get('127.0.0.1', 3, self._port), 30))
        expect('Hello from beside-nova' in page, f'the page does not tell the name of the container: {page[:200]}')
        return f'127.0.0.1:{self._port} says its name'

    def _update(self) -> str:
        self._cloud.openstack('stack', 'update', '--existing', '--parameter', f'memory={_MORE}', STACK)
        outputs = self._cloud.await_stack(STACK, 'UPDATE_COMPLETE')
        expect(outputs['container'] == self._container, 'the container was replaced although memory updates in place')
        limit = self._cloud.engine_container(self._container)['HostConfig']['Memory']
        expect(limit == _MORE, f'the engine says {limit} bytes of memory')
        return f'{_LESS >> 20} to {limit >> 20} MiB, the same container'

    def _fail(self) -> str:
        self._cloud.openstack('stack', 'update', '--existing', '--rollback', 'enabled',
                              '--parameter', 'command=sh,-c,exit 3', STACK)
        outputs = self._cloud.await_stack(STACK, 'ROLLBACK_COMPLETE')
        expect(outputs['container'] == self._container, 'the old container was not put back')
        self._port = _port(outputs)
        page = str(wait_for('HTTP answers', lambda: http_get('127.0.0.1', 3, self._port), 30))
        expect('Hello from beside-nova' in page, f'the old container does not serve: {page[:200]}')
        return 'exit code 3 never became healthy; the old container serves on'

    def _delete(self) -> None:
        self._cloud.openstack('stack', 'delete', '--yes', STACK)
        self._cloud.await_stack_gone(STACK)
        expect(self._cloud.engine_container(self._container) is None, 'the container is still there')


def sweep(cloud: Cloud) -> None:
    """Take away what an earlier run that failed has left."""
    if cloud.stack(STACK) is not None:
        cloud.openstack('stack', 'delete', '--yes', STACK)
        cloud.await_stack_gone(STACK)


def _port(outputs: dict[str, Any]) -> int:
    return int(outputs['ports']['80/tcp'][0]['host_port'])
