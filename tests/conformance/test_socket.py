# SPDX-License-Identifier: Apache-2.0
"""The built-in engine behind its own Docker Engine API, through our client of that API."""

import pytest

from tests.conformance import presence
from tests.conformance.builtin import opened_engine
from tests.conformance.engine_suite import EngineSuite


@pytest.fixture(scope='module')
def engine():
    server_module = presence.require_module('nova_container.docker.server')
    client_module = presence.require_module('nova_container.docker.engine')
    with opened_engine() as (behind, run_dir):
        path = run_dir / 'engine.sock'
        server = server_module.Server(behind, path)
        server.start()
        client = client_module.DockerEngine(f'unix://{path}')
        yield client
        client.close()
        server.stop()


@pytest.fixture
def engine_is_real():
    return True


@pytest.mark.root
class TestEngineOverSocket(EngineSuite):
    pass
