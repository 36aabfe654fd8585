# SPDX-License-Identifier: Apache-2.0
"""What a tenant says of the process: metadata, user data, an image property. And what a tenant cannot say."""

import json
from typing import Any

import pytest

from tests.cloud.inside import Containers
from tests.cloud.project import Project, attempts, wait_for

SHOW = 'echo "said: $(id -u):$(id -g) $PWD $GREETING $(test -t 0 && echo tty)"; exec sleep 1000'


def said(project: Project, server_id: str) -> str:
    """The line that SHOW prints."""
    lines = wait_for('the process says what it is', lambda: [
        line for line in project.console(server_id).splitlines() if 'said: ' in line], 20)
    return lines[0].partition('said: ')[2].strip()


def test_metadata_sets_the_process(project, containers: Containers):
    server = project.boot(metadata={
        'container:entrypoint': '["/bin/sh", "-c"]', 'container:command': json.dumps([SHOW]),
        'container:workdir': '/var/log', 'container:user': 'demo:5', 'container:env:GREETING': 'hello there',
        'container:tty': 'true', 'unrelated': 'kept'})
    assert said(project, server.id) == '1000:5 /var/log hello there tty'
    config = containers.inspect(server.id)['Config']
    assert (config['Entrypoint'], config['Cmd']) == (['/bin/sh', '-c'], [SHOW])


def test_user_data_sets_the_process_and_metadata_overrides_it(project):
    server = project.boot(user_data=f'''#container-config
entrypoint: [/bin/sh, -c]
command:
  - '{SHOW}'
workdir: /tmp
user: "1000"
env:
  GREETING: from user data
''', metadata={'container:env:GREETING': 'from metadata'})
    assert said(project, server.id).split(' ', 1)[1] == '/tmp from metadata'


def test_an_image_property_sets_the_command(project, host, containers):
    image = project.upload(host.home / 'images' / 'demo-httpd.tar', os_command_line='httpd -f -p 8080 -h /www')
    server = project.boot(image)
    assert containers.inspect(server.id)['Config']['Cmd'] == ['httpd', '-f', '-p', '8080', '-h', '/www']


WRONG = {
    'an unknown key': ({'metadata': {'container:commnad': 'httpd'}}, 'container:commnad is not known'),
    'a capability': ({'metadata': {'container:cap_add': 'SYS_ADMIN'}}, 'container:cap_add is not known'),
    'privileged': ({'metadata': {'container:privileged': 'true'}}, 'container:privileged is not known'),
    'devices in user data': ({'user_data': '#container-config\ndevices: [/dev/sda]\n'}, "'devices' is not known"),
    'no YAML': ({'user_data': '#container-config\ncommand: [a, b\n'}, 'not YAML'),
    'an open quote': ({'metadata': {'container:command': 'sh -c "x'}}, 'container:command'),
    'a relative workdir': ({'metadata': {'container:workdir': 'srv'}}, 'container:workdir'),
}


@pytest.fixture(scope='module')
def wrong(shared: Project) -> dict[str, Any]:
    return shared.fail({what: fields for what, (fields, _) in WRONG.items()})


@pytest.mark.parametrize('what', WRONG)
def test_what_is_wrong_is_named_at_the_only_attempt(wrong, admin, what):
    fault = wrong[what].fault['message']
    assert WRONG[what][1] in fault and len(fault) <= 255
    assert attempts(admin, wrong[what].id) == 1


def test_a_tenant_s_words_are_data_wherever_they_go(project, containers, host):
    name = project.name('x$(reboot)`id`;%n%s')
    hostile = '$(touch /tmp/owned); `id` %n\x1b[31m"\'\\'
    server = project.boot(name=name, metadata={
        'container:env:HOSTILE': hostile, 'note': hostile, 'container:entrypoint': '["/bin/sleep", "1000"]'})
    assert containers.sh(server.id, 'printf %s "$HOSTILE"') == hostile
    assert containers.sh(server.id, 'ls /tmp') == ''
    assert '$' not in containers.sh(server.id, 'hostname')


def test_metadata_set_later_grants_nothing_even_after_a_reboot(project, containers):
    server = project.boot()
    before = containers.sh(server.id, 'grep Cap /proc/self/status')
    project.compute.set_server_metadata(server.id, **{'container:cap_add': 'SYS_ADMIN'})
    project.compute.reboot_server(server.id, 'HARD')
    wait_for('it was rebooted', lambda: project.console(server.id).count('starting on') == 2, 30)
    project.await_status(server.id)
    assert containers.sh(server.id, 'grep Cap /proc/self/status') == before
