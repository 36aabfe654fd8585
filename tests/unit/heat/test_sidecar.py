# SPDX-License-Identifier: Apache-2.0
"""The place beside a server of Nova."""

import types

import pytest

from heat_container import reach, sidecar
from nova_container import errors
from nova_container.engine import ContainerSpec
from tests.unit.heat import stacks

SERVER = '5e4f0000-0000-0000-0000-000000000001'
HOST = 'compute-1'


class Nova:
    """python-novaclient with the token of a user, of the servers that this user sees."""

    def __init__(self, *servers):
        self.servers = types.SimpleNamespace(get={server.id: server for server in servers}.__getitem__)


def server(project=stacks.PROJECT, host=HOST):
    return types.SimpleNamespace(id=SERVER, tenant_id=project, hostId=reach.host_id(project, host))


@pytest.fixture
def compute(cloud):
    """An engine with one server of Nova on it, and heat's client of it."""
    engine = cloud.offer('compute', compute_host=HOST)
    engine.add_image('busybox')
    cloud.container = engine.create(ContainerSpec(
        name='instance-1', image='busybox', labels={sidecar.UUID: SERVER, sidecar.PROJECT: stacks.PROJECT}))
    cloud.plugin = cloud.context().clients.client_plugin('docker')
    return cloud


def test_it_is_on_the_engine_of_the_host_of_the_server_beside_its_container(compute):
    place = sidecar.of_server(compute.plugin, Nova(server()), SERVER, stacks.PROJECT)
    assert (place.endpoint.name, place.container_id) == ('compute', compute.container)


def test_the_labels_are_those_of_the_driver():
    from pathlib import Path

    import nova_container
    text = (Path(nova_container.__file__).parent / 'virt/translate/container.py').read_text()
    assert f"'{sidecar.UUID}'" in text
    assert f"'{sidecar.PROJECT}'" in text


def test_a_server_of_another_project_is_refused_even_to_who_may_see_it(compute):
    with pytest.raises(errors.InvalidRequest, match='own project'):
        sidecar.of_server(compute.plugin, Nova(server(stacks.OTHER_PROJECT)), SERVER, stacks.PROJECT)


def test_a_server_on_a_host_that_is_not_offered_is_refused(compute):
    with pytest.raises(errors.InvalidRequest, match='no endpoint for the host'):
        sidecar.of_server(compute.plugin, Nova(server(host='compute-2')), SERVER, stacks.PROJECT)


def test_an_engine_that_is_not_for_the_project_is_not_used(compute):
    compute.set('projects', [stacks.OTHER_PROJECT], group='docker_endpoint:compute')
    with pytest.raises(errors.InvalidRequest, match='no endpoint for the host'):
        sidecar.of_server(compute.plugin, Nova(server()), SERVER, stacks.PROJECT)


def test_a_server_that_is_no_container_is_refused(compute):
    compute.engines['unix:///run/compute.sock'].remove(compute.container)
    with pytest.raises(errors.InvalidRequest, match='is not a container'):
        sidecar.of_server(compute.plugin, Nova(server()), SERVER, stacks.PROJECT)
