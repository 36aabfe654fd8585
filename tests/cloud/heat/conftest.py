# SPDX-License-Identifier: Apache-2.0
"""Stacks of the demo project and of the admin; images for the example templates in the engine."""

import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud.heat import stacks as cloud_stacks
from tests.cloud.inside import Containers
from tools.images.build import MORE, build

HERE = pathlib.Path(__file__).parent
IMAGES = ('demo-httpd', *MORE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.cloud)
            item.add_marker(pytest.mark.root)


@pytest.fixture(scope='module', autouse=True)
def no_network_or_volume_is_left(containers: Containers, nothing_is_left: None) -> Iterator[None]:
    """Beside what is looked after in the folder above."""
    def held() -> tuple[set[str], set[str]]:
        api = containers.client.api
        return ({one['Name'] for one in api.networks()}, {one['Name'] for one in api.volumes()['Volumes'] or ()})

    before = held()
    yield
    assert held() == before


@pytest.fixture(scope='session')
def images(containers: Containers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """References in the engine, by the name of the image."""
    folder = tmp_path_factory.mktemp('images')
    for name in IMAGES:
        containers.client.images.load(build(name, folder).read_bytes())
    yield {name: f'{name}:latest' for name in IMAGES}
    for name in IMAGES:
        containers.client.images.remove(f'{name}:latest', force=True)


@pytest.fixture
def stacks(_connections: dict[str, Any], nothing_is_left: None) -> Iterator[cloud_stacks.Stacks]:
    """Those of the demo project, whose endpoint is ``local``."""
    with cloud_stacks.cleaned(_connections['minicloud']) as found:
        yield found


@pytest.fixture
def admin_stacks(_connections: dict[str, Any], nothing_is_left: None) -> Iterator[cloud_stacks.Stacks]:
    """Those of the admin, whose endpoint is ``edge``."""
    with cloud_stacks.cleaned(_connections['minicloud-admin']) as found:
        yield found
