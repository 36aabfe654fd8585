# SPDX-License-Identifier: Apache-2.0
"""The life of a server, from create to delete."""

import re
import time

import pytest

from tests.cloud.host import Host
from tests.cloud.inside import Containers
from tests.cloud.project import Project, addresses, wait_for


@pytest.fixture(scope='module')
def server(shared: Project):
    return shared.boot(name=shared.name('life'))


def http(host: Host, address: str) -> str:
    """The page of demo-httpd, asked for from the router's side; '' if it does not answer."""
    return host.in_router('curl', '-s', '--max-time', '2', f'http://{address}/').stdout


def test_a_server_is_active_and_its_power_is_on(server):
    assert (server.status, server.vm_state, server.power_state) == ('ACTIVE', 'active', 1)


def test_the_address_inside_is_the_one_that_neutron_gave(server, shared, containers: Containers):
    port = next(shared.network.ports(device_id=server.id))
    given = [one['ip_address'] for one in port.fixed_ips if '.' in one['ip_address']]
    assert containers.addresses(server.id) == {'eth0': [f'{address}/24' for address in given]}
    assert addresses(server) == given
    assert containers.sh(server.id, 'cat /sys/class/net/eth0/address').strip() == port.mac_address


def test_name_route_mtu_and_name_servers_inside_are_those_of_the_server(server, shared, containers):
    network = shared.network.find_network('private')
    assert containers.sh(server.id, 'hostname').strip() == server.hostname == server.name
    assert f'{addresses(server)[0]}\t{server.name}' in re.sub(r' +', '\t', containers.sh(server.id, 'cat /etc/hosts'))
    assert 'default via 10.20.0.1 dev eth0' in containers.sh(server.id, 'busybox ip route')
    assert containers.sh(server.id, 'cat /sys/class/net/eth0/mtu').strip() == str(network.mtu)
    servers = re.findall(r'^nameserver (\S+)$', containers.sh(server.id, 'cat /etc/resolv.conf'), re.MULTILINE)
    assert servers and all(one.startswith('10.20.0.') for one in servers), servers


def test_the_name_server_answers(server, containers):
    address = addresses(server)[0]
    wait_for(f'{server.name} is known', lambda: address in containers.tried(
        server.id, 'busybox', 'nslookup', '-type=a', f'{server.name}.minicloud.internal')[1], 15, 0.5)


def test_the_console_log_is_what_the_first_process_wrote(server, shared):
    text = wait_for('the console says something', lambda: shared.console(server.id))
    assert text.splitlines()[0].endswith(f'demo-httpd: starting on {server.name}')


def test_stop_and_start_keep_files_and_addresses(server, shared, containers, host):
    before = containers.addresses(server.id)
    containers.sh(server.id, 'echo kept > /root/mark; sync')
    shared.compute.stop_server(server.id)
    stopped = shared.await_status(server.id, 'SHUTOFF')
    assert stopped.power_state == 4
    assert http(host, addresses(server)[0]) == ''
    shared.compute.start_server(server.id)
    assert shared.await_status(server.id).power_state == 1
    assert containers.sh(server.id, 'cat /root/mark') == 'kept\n'
    assert containers.addresses(server.id) == before
    wait_for('the page is served again', lambda: server.name in http(host, addresses(server)[0]))


def test_a_paused_server_is_silent_and_goes_on_where_it_was(server, shared, containers, host):
    pid = containers.pid(server.id)
    shared.compute.pause_server(server.id)
    assert shared.await_status(server.id, 'PAUSED').power_state == 3
    assert http(host, addresses(server)[0]) == ''
    shared.compute.unpause_server(server.id)
    assert shared.await_status(server.id).power_state == 1
    assert containers.pid(server.id) == pid
    wait_for('the page is served again', lambda: server.name in http(host, addresses(server)[0]))


@pytest.mark.parametrize('kind', ['SOFT', 'HARD'])
def test_a_reboot_makes_a_new_process_on_the_same_files(server, shared, containers, host, kind):
    containers.sh(server.id, f'echo {kind} > /root/rebooted; sync')
    pid, before = containers.pid(server.id), shared.console(server.id).count('starting on')
    shared.compute.reboot_server(server.id, kind)
    wait_for('the process is another', lambda: containers.pid(server.id) not in (0, pid), 30)
    shared.await_status(server.id)
    assert containers.sh(server.id, 'cat /root/rebooted') == f'{kind}\n'
    wait_for('the page is served again', lambda: server.name in http(host, addresses(server)[0]))
    assert shared.console(server.id).count('starting on') == before + 1


def test_locking_and_renaming_touch_nothing_inside(server, shared, containers):
    pid = containers.pid(server.id)
    shared.compute.lock_server(server.id)
    shared.compute.unlock_server(server.id)
    shared.compute.update_server(server.id, name='another-name')
    assert shared.await_status(server.id).name == 'another-name'
    shared.compute.update_server(server.id, name=server.name)
    assert containers.pid(server.id) == pid
    assert containers.sh(server.id, 'hostname').strip() == server.name


def test_a_rebuild_takes_another_image_and_keeps_the_address(server, shared, containers):
    shared.compute.rebuild_server(server.id, image=shared.id_of('image', 'demo-system'))
    time.sleep(0.5)
    rebuilt = shared.await_status(server.id)
    assert rebuilt.image.id == shared.id_of('image', 'demo-system')
    assert addresses(rebuilt) == addresses(server)
    assert containers.addresses(server.id)['eth0'] == [f'{addresses(server)[0]}/24']
    assert containers.inspect(server.id)['Config']['Entrypoint'] == ['/init']
    assert containers.tried(server.id, 'cat', '/root/mark')[0] != 0


def test_a_container_killed_from_outside_is_shutoff_within_seconds_and_starts_again(server, shared, containers):
    containers.client.containers.get(server.id).kill()
    began = time.monotonic()
    shared.await_status(server.id, 'SHUTOFF', timeout_s=30)
    assert time.monotonic() - began < 15
    shared.compute.start_server(server.id)
    shared.await_status(server.id)


def test_a_first_process_that_dies_makes_the_server_shutoff(project, host, containers):
    server = project.boot()
    containers.client.containers.get(server.id).kill(signal='TERM')
    assert project.await_status(server.id, 'SHUTOFF', timeout_s=30).power_state == 4
    assert containers.inspect(server.id)['State']['ExitCode'] == 0


def test_a_deleted_server_takes_its_files_along(project, host, containers):
    server = project.boot()
    containers.sh(server.id, 'echo a-secret-of-this-tenant > /root/secret; sync')
    folder = host.settings.containers / containers.inspect(server.id)['Id'][:16]
    assert list(folder.glob('**/root/secret'))
    project.delete(server.id)
    assert not folder.exists()
