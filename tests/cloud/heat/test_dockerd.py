# SPDX-License-Identifier: Apache-2.0
"""The same templates on a real dockerd."""

import pathlib
from collections.abc import Iterator

import docker
import pytest

from tests.cloud.heat import scenarios, updates
from tests.cloud.heat.stacks import Stacks
from tests.conformance.dockerd import running_dockerd
from tests.fixtures.registry import free_port
from tools.images.build import build

pytestmark = pytest.mark.dockerd
IMAGES = ('demo-httpd', 'demo-mariadb', 'demo-php')


@pytest.fixture(scope='module')
def dockerd(host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[docker.DockerClient]:
    """A dockerd where Heat's endpoint ``dockerd`` is, with images; nothing is left in it."""
    place = pathlib.Path(host.home, 'run', 'docker.sock')
    with running_dockerd() as url:
        place.symlink_to(url.removeprefix('unix://'))
        client = docker.DockerClient(base_url=url, timeout=60)
        try:
            for name in IMAGES:
                client.images.load(build(name, tmp_path_factory.mktemp('images')).read_bytes())
            yield client
            assert client.containers.list(all=True) == [] and client.volumes.list() == []
            assert {one.name for one in client.networks.list()} <= {'bridge', 'host', 'none'}
        finally:
            client.close()
            place.unlink()


@pytest.fixture(scope='module')
def loaded(dockerd: docker.DockerClient) -> dict[str, str]:
    """References in it, by the name of the image."""
    return {name: f'{name}:latest' for name in IMAGES}


def test_lamp_counts_visits_across_an_update(stacks: Stacks, loaded):
    scenarios.lamp(stacks, loaded, 'dockerd')


def test_wordpress_keeps_its_passwords_to_itself(stacks: Stacks, loaded):
    scenarios.wordpress(stacks, loaded, 'dockerd')


def test_a_web_tier_grows_is_replaced_one_at_a_time_and_shrinks(stacks: Stacks, loaded):
    scenarios.autoscaled(stacks, loaded, 'dockerd')


def test_an_update_that_fails_is_rolled_back_to_the_old_container(stacks: Stacks, loaded):
    scenarios.rolled_back(stacks, loaded, 'dockerd', free_port())


def test_after_updates_that_failed_the_next_one_mends_all(stacks: Stacks, dockerd):
    updates.fails_and_fails_again(stacks, dockerd, 'dockerd', free_port())


def test_network_volume_and_container_change_and_come_back_together(stacks: Stacks, dockerd):
    updates.changes_all_at_once(stacks, dockerd, 'dockerd', free_port())
