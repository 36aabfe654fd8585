# SPDX-License-Identifier: Apache-2.0
"""A network made from a configuration has what that says, and a configuration stays while one is made from it."""

import pytest

from nova_container import errors
from nova_container.engine import configurations, validate_networks
from nova_container.engine.network import Network, Subnet

CONFIGURATION = Network(name='conf', driver='none', config_only=True, ipv6=True, labels={'a': 'b'}, options={'c': 'd'},
                        subnets=(Subnet(subnet='10.0.0.0/24'), Subnet(subnet='fd00::/64')))
MADE = Network(name='made', driver='macvlan', internal=True, config_from='conf')


def test_a_network_has_what_its_configuration_says_and_the_rest_of_its_own():
    assert configurations.configured(MADE, [CONFIGURATION]) == Network(
        name='made', driver='macvlan', internal=True, config_from='conf', ipv6=True, labels={'a': 'b'},
        options={'c': 'd'}, subnets=CONFIGURATION.subnets)


def test_a_configuration_has_no_driver_and_others_are_as_they_are():
    assert configurations.configured(Network(name='conf', config_only=True), ()).driver == 'none'
    assert configurations.configured(Network(name='plain'), ()) == Network(name='plain')


@pytest.mark.parametrize('known', [(), (Network(name='conf'),), (Network(name='other', config_only=True),)])
def test_what_is_no_configuration_is_not_found(known):
    with pytest.raises(errors.NotFound, match='conf'):
        configurations.configured(MADE, known)


def test_a_configuration_in_use_stays():
    configurations.check_unused(CONFIGURATION, [CONFIGURATION])
    configurations.check_unused(Network(name='conf'), [MADE])
    with pytest.raises(errors.WrongState, match='made'):
        configurations.check_unused(CONFIGURATION, [CONFIGURATION, MADE])


@pytest.mark.parametrize('fields', [
    {'config_only': True, 'internal': True}, {'config_only': True, 'attachable': True},
    {'config_only': True, 'config_from': 'conf'}, {'config_from': 'conf', 'ipv6': True},
    {'config_from': 'conf', 'subnets': (Subnet(subnet='10.0.0.0/24'),)},
    {'config_from': 'conf', 'options': {'a': 'b'}}, {'config_from': 'conf', 'labels': {'a': 'b'}}])
def test_what_contradicts_itself_is_refused(fields):
    with pytest.raises(errors.InvalidSpec, match='config_'):
        validate_networks.check(Network(name='n', **fields))
