# SPDX-License-Identifier: Apache-2.0
"""Stacks in this process on the built-in engine, a daemon that is reached by its socket."""

from collections.abc import Iterator

import pytest

from tests.functional.runtime.conftest import daemon, folder, image_bytes
from tests.unit.heat import stacks

__all__ = ['cloud', 'daemon', 'folder', 'image_bytes']


@pytest.fixture
def cloud(daemon) -> Iterator[stacks.Cloud]:
    """A heat-engine whose default endpoint is the daemon; ``engine`` is its client. Nothing of a stack may be left."""
    with stacks.Cloud() as made:
        client = daemon.client()
        made.offer('real', client)
        made.set('default_endpoint', 'real', group='docker')
        made.engine = client
        yield made
        assert client.list() == ()
        assert {one.spec.name for one in client.list_networks()} == {'bridge', 'host', 'none'}
        client.close()
