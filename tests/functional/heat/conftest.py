# SPDX-License-Identifier: Apache-2.0
"""Stacks in this process on real engines: the built-in one, a daemon that is reached by its socket, and a dockerd."""

import io
from collections.abc import Iterator

import pytest

from nova_container.connect import connect
from nova_container.engine import Engine
from tests.conformance.dockerd import running_dockerd
from tests.functional.runtime.conftest import daemon, folder, image_bytes
from tests.unit.heat import own_conf

with own_conf.swapped():
    from tests.unit.heat import stacks

__all__ = ['cloud', 'daemon', 'folder', 'image_bytes']


@pytest.fixture(scope='module')
def dockerd(image_bytes) -> Iterator[Engine]:
    with running_dockerd() as url:
        client = connect(url)
        client.load(io.BytesIO(image_bytes))
        yield client
        client.close()


@pytest.fixture(params=['daemon', pytest.param('dockerd', marks=pytest.mark.dockerd)])
def cloud(request) -> Iterator[stacks.Cloud]:
    """A heat-engine whose default endpoint is real; ``engine`` is its client. Nothing of a stack may be left."""
    found = request.getfixturevalue(request.param)
    client = found if request.param == 'dockerd' else found.client()
    known = {one.id for one in client.list_networks()}
    with own_conf.swapped(), stacks.Cloud() as made:
        made.offer('real', client)
        made.set('default_endpoint', 'real', group='docker')
        made.engine = client
        yield made
        containers = client.list()
        networks = [one for one in client.list_networks() if one.id not in known]
        for container in containers:
            client.remove(container.id, force=True)
        for network in networks:
            client.remove_network(network.id)
        assert (containers, networks) == ((), [])
    if request.param == 'daemon':
        client.close()
