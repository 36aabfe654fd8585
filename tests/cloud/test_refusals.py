# SPDX-License-Identifier: Apache-2.0
"""What containers cannot do is refused in words, and the server stays usable."""

import uuid
from typing import Any

import pytest
from openstack import exceptions

from tests.cloud.project import Project, wait_for


@pytest.fixture(scope='module')
def server(shared: Project) -> Any:
    return shared.boot()


@pytest.fixture(autouse=True)
def stays_usable(server, shared, containers):
    """The same process runs on, whatever was asked for."""
    pid = containers.pid(server.id)
    yield
    found = shared.await_status(server.id)
    assert found.power_state == 1 and containers.pid(server.id) == pid


def outcome(project: Project, server_id: str, action: str) -> str:
    """How an action ended, as ``openstack server event show`` has it."""
    def ended() -> str | None:
        found = next((one for one in project.actions(server_id) if one.action == action), None)
        if found is None:
            return None
        events = project.compute.get_server_action(found.request_id, server_id).events
        return next((one['result'] for one in events if one['result'] == 'Error'), None)
    return str(wait_for(f'{action} has ended', ended, 30))


def test_resize(server, project):
    project.compute.resize_server(server.id, project.id_of('flavor', 'c1.small'))
    assert outcome(project, server.id, 'resize') == 'Error'
    assert project.await_status(server.id).flavor.original_name == 'c1.tiny'


def test_cold_migration(server, project, admin):
    admin.compute.migrate_server(server.id)
    assert outcome(project, server.id, 'migrate') == 'Error'


def test_live_migration(server, admin):
    with pytest.raises(exceptions.BadRequestException, match='No valid host'):
        admin.compute.live_migrate_server(server.id, host=None, block_migration='auto')


def test_suspend(server, project):
    project.compute.suspend_server(server.id)
    assert outcome(project, server.id, 'suspend') == 'Error'


def test_a_volume(server, project):
    with pytest.raises(exceptions.HttpException) as found:
        project.compute.create_volume_attachment(server.id, volume_id=str(uuid.uuid4()))
    print(found.value)


@pytest.mark.parametrize('kind', ['novnc', 'spice-html5', 'serial'])
def test_a_graphical_or_serial_console(server, project, kind):
    with pytest.raises(exceptions.HttpException) as found:
        project.compute.create_console(server.id, kind)
    assert found.value.status_code in (400, 501) and found.value.details


def test_a_password(server, project):
    with pytest.raises(exceptions.HttpException) as found:
        project.compute.change_server_password(server.id, 'secret')
    assert found.value.status_code in (409, 501)


def test_a_crash_dump(server, project):
    project.compute.trigger_server_crash_dump(server.id)
    assert outcome(project, server.id, 'trigger_crash_dump') == 'Error'
