# SPDX-License-Identifier: Apache-2.0
"""Ports, security groups, anti-spoofing, floating IPs and the metadata service, as the inside sees them."""

import http.client
import json
import re
from typing import Any

import pytest

from tests.cloud.project import Project, addresses, wait_for

LOST = re.compile(r'(\d+) packets transmitted, (\d+) (?:packets )?received')


def received(text: str) -> int:
    """How many answers a ping got."""
    return int(LOST.search(text).group(2))  # type: ignore[union-attr]


def page(address: str, timeout_s: float = 2) -> str:
    """What answers at port 80, from the host; '' if nothing does."""
    connection = http.client.HTTPConnection(address, 80, timeout=timeout_s)
    try:
        connection.request('GET', '/')
        return connection.getresponse().read().decode()
    except OSError:
        return ''
    finally:
        connection.close()


@pytest.fixture(scope='module')
def group(shared: Project) -> Any:
    return shared.security_group()


@pytest.fixture(scope='module')
def servers(shared: Project, shared_admin: Project, group: Any) -> tuple[Any, Any]:
    """One closed to all, that may change its addresses; one open to ping and HTTP."""
    flavor = shared_admin.flavor(container__cap_add='NET_ADMIN')
    asked = (shared.request(flavor=flavor, security_groups=[{'name': group.name}]), shared.request())
    return tuple(shared.await_status(server.id) for server in asked)  # type: ignore[return-value]


def test_two_servers_reach_each_other_by_their_fixed_addresses(servers, containers):
    closed, opened = servers
    text = containers.run(closed.id, 'busybox', 'ping', '-c', '3', '-i', '0.3', '-W', '2', addresses(opened)[0])
    assert received(text) == 3
    ask = f'printf "GET / HTTP/1.0\\r\\n\\r\\n" | busybox nc -w 3 {addresses(opened)[0]} 80'
    assert opened.name in containers.sh(closed.id, ask)


def test_a_security_group_blocks_until_a_rule_opens_it(servers, shared, host, containers, group):
    closed, opened = servers
    address = addresses(closed)[0]
    assert host.in_router('curl', '-s', '--max-time', '2', f'http://{address}/').returncode == 28
    code, text = containers.tried(opened.id, 'busybox', 'ping', '-c', '2', '-W', '1', address)
    assert code != 0 and received(text) == 0
    rule = shared.network.create_security_group_rule(
        security_group_id=group.id, direction='ingress', ethertype='IPv4', protocol='tcp', port_range_min=80,
        port_range_max=80)
    wait_for('the rule opens port 80', lambda: closed.name in host.in_router(
        'curl', '-s', '--max-time', '1', f'http://{address}/').stdout, 20)
    shared.network.delete_security_group_rule(rule.id)
    wait_for('without the rule it is closed', lambda: host.in_router(
        'curl', '-s', '--max-time', '1', f'http://{address}/').returncode == 28, 20)


def test_a_changed_source_address_or_mac_is_dropped(servers, containers):
    closed, opened = servers
    target = addresses(opened)[0]
    taken = {address for server in servers for address in addresses(server)}
    foreign = next(one for one in ('10.20.0.251', '10.20.0.252', '10.20.0.253') if one not in taken)
    containers.sh(closed.id, f'busybox ip addr add {foreign}/24 dev eth0')
    try:
        ping = ('busybox', 'ping', '-c', '3', '-i', '0.3', '-W', '1')
        assert received(containers.tried(closed.id, *ping, '-I', foreign, target)[1]) == 0
        assert received(containers.tried(closed.id, *ping, '-I', addresses(closed)[0], target)[1]) == 3
    finally:
        containers.sh(closed.id, f'busybox ip addr del {foreign}/24 dev eth0')
    mac = containers.sh(closed.id, 'cat /sys/class/net/eth0/address').strip()
    change = 'busybox ip link set eth0 down; busybox ip link set eth0 address {}; busybox ip link set eth0 up; {}'
    route = 'busybox ip route add default via 10.20.0.1 dev eth0 onlink'
    containers.sh(closed.id, change.format('02:00:00:00:00:01', 'true'))
    assert received(containers.tried(closed.id, *ping, target)[1]) == 0
    containers.sh(closed.id, change.format(mac, route))
    wait_for('its own MAC is let through', lambda: received(containers.tried(closed.id, *ping, target)[1]) == 3, 20)


def test_the_metadata_service_knows_who_asks(servers, containers):
    for server in servers:
        answer = containers.metadata(server.id, '/openstack/latest/meta_data.json')
        found = json.loads(answer[answer.index('{'):])
        assert (found['uuid'], found['name']) == (server.id, server.name)


def test_the_metadata_service_does_not_tell_another_s(servers, containers):
    asker, other = servers
    for header in (f'X-Forwarded-For: {addresses(other)[0]}', f'X-Instance-ID: {other.id}',
                   f'X-Instance-ID: {other.id}\\r\\nX-Instance-ID-Signature: 00\\r\\nX-Tenant-ID: {other.project_id}'):
        answer = containers.metadata(asker.id, '/openstack/latest/meta_data.json', header)
        assert other.id not in answer, header


def test_a_floating_ip_leads_from_the_host_to_the_server(servers, shared):
    address = shared.floating_ip(servers[1])
    wait_for('the page is served', lambda: servers[1].name in page(address), 40, 0.3)


@pytest.fixture(scope='module')
def two_networks(shared: Project) -> tuple[Any, Any]:
    return shared.second_network('10.81.0.0/24'), shared.second_network('10.82.0.0/24')


def test_networks_are_eth0_and_eth1_in_the_order_asked_for(project, two_networks, containers):
    first, second = two_networks
    server = project.boot(networks=[{'uuid': second.id}, {'uuid': first.id}])
    found = containers.addresses(server.id)
    assert [found[name][0].rpartition('.')[0] for name in ('eth0', 'eth1')] == ['10.82.0', '10.81.0']


def test_a_port_comes_and_goes_while_the_server_runs(project, two_networks, containers, host):
    server = project.boot()
    pid, before = containers.pid(server.id), containers.addresses(server.id)
    port = project.port(network_id=two_networks[0].id)
    project.compute.create_server_interface(server.id, port_id=port.id)
    address = port.fixed_ips[0]['ip_address']
    wait_for('eth1 has its address', lambda: containers.addresses(server.id).get('eth1') == [f'{address}/24'], 20)
    assert containers.sh(server.id, 'cat /sys/class/net/eth1/address').strip() == port.mac_address
    assert containers.sh(server.id, 'cat /sys/class/net/eth1/mtu').strip() == '1450'
    wait_for('the port is ACTIVE', lambda: project.network.get_port(port.id).status == 'ACTIVE', 30)
    project.compute.delete_server_interface(port.id, server=server.id)
    wait_for('eth1 is gone', lambda: 'eth1' not in containers.sh(server.id, 'ls /sys/class/net'), 20)
    wait_for('Nova gave the port back', lambda: not project.network.get_port(port.id).device_owner, 30)
    assert f'tap{port.id[:11]}' not in host.switch_ports()
    assert (containers.pid(server.id), containers.addresses(server.id)) == (pid, before)
