# SPDX-License-Identifier: Apache-2.0
"""What containers cannot do and Nova finds out late: the fault says what to do, and doing it helps."""

from tests.cloud.project import Project, wait_for


def test_a_rescue_is_undone_by_a_hard_reboot(project: Project):
    server = project.boot()
    project.compute.rescue_server(server.id)
    assert 'hard reboot starts the server again' in project.await_status(server.id, 'ERROR').fault['message']
    project.compute.reboot_server(server.id, 'HARD')
    wait_for('the reboot helps', lambda: project.compute.get_server(server.id).status == 'ACTIVE', 60)


def test_a_config_drive_is_refused_with_where_to_find_the_same(project: Project):
    server = project.request(config_drive=True)
    fault = project.await_status(server.id, 'ERROR').fault['message']
    assert '169.254.169.254' in fault and len(fault) <= 255


def test_an_ephemeral_disk_is_refused_with_another_flavor(project: Project, admin: Project):
    flavor = admin.compute.create_flavor(name=admin.name('flavor'), ram=64, vcpus=1, disk=1, ephemeral=1)
    admin.afterwards(lambda: admin.compute.delete_flavor(flavor.id))
    server = project.request(flavor=flavor.name)
    assert 'choose a flavor without one' in project.await_status(server.id, 'ERROR').fault['message']
