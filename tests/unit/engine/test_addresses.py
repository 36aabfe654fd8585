# SPDX-License-Identifier: Apache-2.0
"""Subnets and addresses are given as Docker does, never twice, and come back."""

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nova_container import errors
from nova_container.engine import addresses, ports, validate_networks
from nova_container.engine.network import Endpoint, Network, Port, Subnet


def taken(*texts):
    return [ipaddress.ip_network(text) for text in texts]


def test_subnets_are_chosen_in_dockers_order():
    found, used = [], []
    for number in range(31):
        subnet, = addresses.completed(Network(name='n'), used, first=number == 0)
        found.append(subnet.subnet)
        used.append(ipaddress.ip_network(subnet.subnet))
    assert found[:3] == ['172.17.0.0/16', '172.18.0.0/16', '172.19.0.0/16']
    assert found[14:17] == ['172.31.0.0/16', '192.168.0.0/20', '192.168.16.0/20']
    with pytest.raises(errors.Exhausted):
        addresses.completed(Network(name='n'), used)


def test_what_the_host_routes_is_not_chosen():
    subnet, = addresses.completed(Network(name='n'), taken('172.18.5.0/24', '172.16.0.0/12', 'fd00::/8'))
    assert subnet.subnet == '192.168.0.0/20'


@pytest.mark.parametrize('wanted', ['10.0.0.0/24', '10.0.0.128/25', '10.0.0.0/8'])
def test_what_overlaps_is_refused(wanted):
    with pytest.raises(errors.InvalidSpec, match='overlaps'):
        addresses.completed(Network(name='n', subnets=(Subnet(subnet=wanted),)), taken('10.0.0.0/24'))


def test_six_is_chosen_beside_four():
    four, six = addresses.completed(Network(name='n', ipv6=True), ())
    assert (four.subnet, six.subnet, six.gateway) == ('172.18.0.0/16', 'fd6e:6f76:6100::/64', 'fd6e:6f76:6100::1')


@pytest.mark.parametrize(('subnet', 'gateway'), [
    (Subnet(subnet='10.0.0.0/24'), '10.0.0.1'),
    (Subnet(subnet='10.0.0.0/24', taken={'router': '10.0.0.1'}), '10.0.0.2'),
    (Subnet(subnet='10.0.0.0/24', ip_range='10.0.0.128/25'), '10.0.0.128'),
    (Subnet(subnet='10.0.0.0/24', gateway='10.0.0.254'), '10.0.0.254')])
def test_the_gateway_is_the_first_address(subnet, gateway):
    assert addresses.completed(Network(name='n', subnets=(subnet,)), ())[0].gateway == gateway


@settings(deadline=None)
@given(st.lists(st.booleans(), max_size=40))
def test_addresses_are_given_once_and_come_back(steps):
    """True is a container that comes, False the oldest one that goes."""
    subnet = Subnet(subnet='10.0.0.0/29', gateway='10.0.0.1', taken={'aux': '10.0.0.3'})
    held = []
    for comes in steps:
        if not comes:
            held = held[1:]
        elif len(held) == 4:
            with pytest.raises(errors.Exhausted):
                addresses.give(subnet, held)
        else:
            given = addresses.give(subnet, held)
            address, _, length = given.partition('/')
            assert (address not in held, length) == (True, '29')
            assert address not in ('10.0.0.0', '10.0.0.1', '10.0.0.3', '10.0.0.7')
            held.append(address)


@pytest.mark.parametrize(('address', 'error'), [
    ('10.0.0.0', errors.InvalidSpec), ('10.0.0.255', errors.InvalidSpec), ('10.0.1.1', errors.InvalidSpec),
    ('10.0.0.1', errors.AlreadyExists), ('10.0.0.5', errors.AlreadyExists), ('10.0.0.7', errors.AlreadyExists)])
def test_a_fixed_address_must_be_free_and_of_the_subnet(address, error):
    subnet = Subnet(subnet='10.0.0.0/24', gateway='10.0.0.1', taken={'aux': '10.0.0.7'})
    with pytest.raises(error):
        addresses.give(subnet, {'10.0.0.5'}, address)


def test_a_fixed_address_may_be_outside_the_range_of_the_others():
    subnet = Subnet(subnet='10.0.0.0/24', ip_range='10.0.0.64/26', gateway='10.0.0.1')
    assert addresses.give(subnet, (), '10.0.0.9') == '10.0.0.9/24'
    assert addresses.give(subnet, ()) == '10.0.0.64/24'


@pytest.mark.parametrize(('subnet', 'ip_range', 'found'), [
    ('10.0.0.0/24', '10.0.0.128/30', ['10.0.0.128', '10.0.0.129', '10.0.0.130', '10.0.0.131']),
    ('10.0.0.0/24', '10.0.0.0/30', ['10.0.0.2', '10.0.0.3']), ('10.0.0.0/24', '10.0.0.254/31', ['10.0.0.254']),
    ('10.0.0.0/24', '10.0.0.7/32', ['10.0.0.7']), ('10.0.0.0/24', '10.0.0.255/32', []),
    ('10.0.0.0/29', '10.0.0.0/29', ['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6']),
    ('10.0.0.0/31', None, ['10.0.0.0']), ('fd00::/64', 'fd00::100/127', ['fd00::100', 'fd00::101']),
    ('fd00::/64', 'fd00::/126', ['fd00::2', 'fd00::3']),
    ('fd00::/64', 'fd00::ffff:ffff:ffff:fffe/127', ['fd00::ffff:ffff:ffff:fffe', 'fd00::ffff:ffff:ffff:ffff'])])
def test_all_of_a_range_is_given_but_the_ends_of_the_subnet(subnet, ip_range, found):
    wanted = Subnet(subnet=subnet, ip_range=ip_range, gateway='10.0.0.1' if '.' in subnet else 'fd00::1')
    given = []
    for _ in found:
        given.append(addresses.give(wanted, given).partition('/')[0])
    assert given == found
    with pytest.raises(errors.Exhausted):
        addresses.give(wanted, given)


@pytest.mark.parametrize('subnet', [
    Subnet(subnet='10.0.0.0/24', ip_range='10.0.0.255/32'),
    Subnet(subnet='10.0.0.0/24', ip_range='10.0.0.9/32', taken={'aux': '10.0.0.9'})])
def test_a_range_without_room_for_a_gateway_is_refused(subnet):
    with pytest.raises(errors.InvalidSpec, match='gateway'):
        addresses.completed(Network(name='n', subnets=(subnet,)), ())


def test_six_begins_after_the_routers_address():
    subnet = Subnet(subnet='fd00::/64', gateway='fd00::1')
    assert addresses.give(subnet, ()) == 'fd00::2/64'
    assert addresses.give(subnet, (), 'FD00:0::9') == 'fd00::9/64'


def test_an_address_is_the_same_however_it_is_written():
    wanted = Subnet(subnet='FD00:0::/64', gateway='FD00::0001', ip_range='fd00:0:0::/126',
                    taken={'host': 'FD00:0:0::2'})
    *_, subnet = addresses.completed(Network(name='n', ipv6=True, subnets=(wanted,)), [])
    assert subnet == Subnet(subnet='fd00::/64', gateway='fd00::1', ip_range='fd00::/126', taken={'host': 'fd00::2'})
    assert addresses.give(subnet, set()) == 'fd00::3/64'


def test_a_mac_address_follows_from_the_address():
    assert addresses.mac_of('172.17.0.2/16') == '02:42:ac:11:00:02'


@pytest.mark.parametrize('network', [
    Network(name=''), Network(name='a b'), Network(name='default'), Network(name='n', subnets=(Subnet(subnet='x'),)),
    Network(name='n', subnets=(Subnet(subnet='10.0.0.1/24'),)),
    Network(name='n', subnets=(Subnet(subnet='fd00::/64'),)),
    Network(name='n', subnets=(Subnet(subnet='10.0.0.0/24'), Subnet(subnet='10.1.0.0/24'))),
    Network(name='n', subnets=(Subnet(subnet='10.0.0.0/24', ip_range='10.1.0.0/24'),)),
    Network(name='n', subnets=(Subnet(subnet='10.0.0.0/24', gateway='10.1.0.1'),)),
    Network(name='n', subnets=(Subnet(subnet='10.0.0.0/24', taken={'a': 'x'}),))])
def test_a_malformed_network_is_refused(network):
    with pytest.raises(errors.InvalidSpec):
        validate_networks.check(network)


@pytest.mark.parametrize('options', [
    {'com.docker.network.bridge.name': 'a/b'}, {'com.docker.network.bridge.name': 'x" oifname "eth0'},
    {'com.docker.network.bridge.name': 'longer-than-fifteen'}, {'com.docker.network.driver.mtu': '1'},
    {'com.docker.network.bridge.enable_icc': 'maybe'}, {'com.docker.network.bridge.host_binding_ipv4': 'x'}])
def test_an_option_that_cannot_be_is_refused(options):
    with pytest.raises(errors.InvalidSpec):
        validate_networks.check_driver(Network(name='n', options=options))


@pytest.mark.parametrize('endpoint', [
    Endpoint(network=''), Endpoint(network='n', ipv4='fd00::1'), Endpoint(network='n', ipv6='10.0.0.1'),
    Endpoint(network='n', mac='01:00:00:00:00:00'), Endpoint(network='n', mac='x'),
    Endpoint(network='n', link_local=('10.0.0.1',)), Endpoint(network='n', link_local=('x',)),
    Endpoint(network='n', link_local=('fd00::1',)), Endpoint(network='n', link_local=('fe80::1', 'fe80:0::1')),
    Endpoint(network='n', aliases=('a b',)), Endpoint(network='n', links=('a:b:c',))])
def test_a_malformed_endpoint_is_refused(endpoint):
    with pytest.raises(errors.InvalidSpec):
        validate_networks.check_endpoint(endpoint)


@pytest.mark.parametrize('endpoint', [
    Endpoint(network='n', ipv6='fd00::9'), Endpoint(network='n', link_local=('169.254.1.2', 'fe80::9'))])
def test_six_is_for_networks_that_have_it(endpoint):
    validate_networks.check_endpoint(endpoint)
    six = Network(name='n', ipv6=True, subnets=(Subnet(subnet='10.0.0.0/24'), Subnet(subnet='fd00::/64')))
    validate_networks.check_versions(endpoint, six)
    with pytest.raises(errors.InvalidSpec, match='no IPv6'):
        validate_networks.check_versions(endpoint, Network(name='n', subnets=six.subnets[:1]))


@pytest.mark.parametrize('port', [
    Port(container_port=0), Port(container_port=70000), Port(container_port=1, protocol='icmp'),
    Port(container_port=1, host_port=9, host_port_end=8), Port(container_port=1, host_ip='x')])
def test_a_malformed_port_is_refused(port):
    with pytest.raises(errors.InvalidSpec):
        validate_networks.check_port(port)


def test_what_is_exposed_is_read_in_every_form():
    image = {'ExposedPorts': {'80': {}, '90-91/UDP': {}, 'x': {}, '0/tcp': {}}}
    assert ports.exposed(('443/tcp',), image) == ('443/tcp', '80/tcp', '90/udp', '91/udp')
    assert ports.unpublished(('80/tcp', '90/udp'), (Port(container_port=80),)) == (
        Port(container_port=90, protocol='udp'),)
