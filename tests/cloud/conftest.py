# SPDX-License-Identifier: Apache-2.0
"""A whole OpenStack, brought up if it is not; a project in it; and nothing left after each module."""

import os
from collections.abc import Iterator

import pytest

from tests.cloud import host as hosts
from tests.cloud import project as projects
from tests.cloud import remains
from tests.cloud.inside import Containers


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of it is marked; what judges the logs of the whole run comes last."""
    for item in items:
        if item.path.parent == hosts.TOP / 'tests' / 'cloud':
            item.add_marker(pytest.mark.cloud)
            item.add_marker(pytest.mark.root)
    items.sort(key=lambda item: item.path.name == 'test_logs.py')


@pytest.fixture(scope='session')
def host() -> Iterator[hosts.Host]:
    """The minicloud, up. MINICLOUD_KEEP=1 lets one that was brought up here stay."""
    if not hosts.is_root():
        reason = 'only root runs a minicloud'
        pytest.fail(reason) if os.environ.get('CI') else pytest.skip(reason)
    was_up = hosts.is_up()
    if not was_up:
        hosts.minicloud('up')
    found = hosts.Host()
    yield found
    if not was_up and os.environ.get('MINICLOUD_KEEP') != '1':
        hosts.minicloud('down')


@pytest.fixture(scope='session')
def log_offsets(host: hosts.Host) -> dict[str, int]:
    """How long each log was when the session began."""
    return {path.stem: path.stat().st_size for path in host.log('engine').parent.glob('*.log')}


@pytest.fixture(scope='session')
def containers(host: hosts.Host) -> Containers:
    """The inside of every server."""
    return Containers(host.engine_socket)


@pytest.fixture(scope='session')
def _connections(host: hosts.Host) -> dict[str, object]:
    return {name: projects.connect(host.clouds_yaml, name) for name in ('minicloud', 'minicloud-admin')}


@pytest.fixture(scope='session', autouse=True)
def _router(host: hosts.Host, _connections: dict[str, object], log_offsets: dict[str, int]) -> None:
    host.router_id = _connections['minicloud'].network.find_router('router1').id  # type: ignore[attr-defined]


@pytest.fixture(scope='module', autouse=True)
def nothing_is_left(host: hosts.Host, _connections: dict[str, object], containers: Containers) -> Iterator[None]:
    """After the last test of a module, host and cloud hold what they held before the first."""
    admin = projects.Project(_connections['minicloud-admin'])  # type: ignore[arg-type]
    before = remains.take(host, admin, containers)
    yield
    remains.assert_equal(before, host, admin, containers)


@pytest.fixture(scope='module')
def shared(_connections: dict[str, object], nothing_is_left: None,
           shared_admin: projects.Project) -> Iterator[projects.Project]:
    """The demo project, for what all tests of a module use."""
    with projects.cleaned(projects.Project(_connections['minicloud'])) as found:  # type: ignore[arg-type]
        yield found


@pytest.fixture(scope='module')
def shared_admin(_connections: dict[str, object], nothing_is_left: None) -> Iterator[projects.Project]:
    """The admin, for what all tests of a module use."""
    with projects.cleaned(projects.Project(_connections['minicloud-admin'])) as found:  # type: ignore[arg-type]
        yield found


@pytest.fixture
def admin(_connections: dict[str, object], nothing_is_left: None) -> Iterator[projects.Project]:
    """The admin."""
    with projects.cleaned(projects.Project(_connections['minicloud-admin'])) as found:  # type: ignore[arg-type]
        yield found


@pytest.fixture
def project(_connections: dict[str, object], nothing_is_left: None,
            admin: projects.Project) -> Iterator[projects.Project]:
    """The demo project; what a test makes in it is gone when the test is."""
    with projects.cleaned(projects.Project(_connections['minicloud'])) as found:  # type: ignore[arg-type]
        yield found
