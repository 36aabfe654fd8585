# SPDX-License-Identifier: Apache-2.0
"""The port plan."""

import socket

import pytest

from tools.minicloud import ports


def test_every_service_has_a_port_of_its_own_within_the_block():
    plan = ports.PortPlan(19500)
    numbers = set(plan.all().values())
    assert len(numbers) == len(ports.NAMES)
    assert all(19500 <= number < 19500 + ports.BLOCK_PORTS
               for number in numbers)


def test_a_service_without_a_port_is_an_error():
    with pytest.raises(KeyError):
        ports.PortPlan(19500).port('mariadb')


def test_candidates_are_every_block_once_and_start_by_the_folder():
    found = [plan.base for plan in ports.candidates('/a')]
    assert len(set(found)) == len(found) == ports.BLOCKS
    assert max(found) + ports.BLOCK_PORTS < 32768   # below the ephemeral ones
    assert found[0] == next(ports.candidates('/a')).base
    assert found[0] != next(ports.candidates('/b')).base


def test_blocks_have_external_networks_of_their_own():
    prefixes = {plan.external_prefix for plan in ports.candidates('/a')}
    assert len(prefixes) == ports.BLOCKS


def test_a_listener_makes_a_port_taken():
    with socket.create_server(('127.0.0.1', 0)) as listener:
        port = listener.getsockname()[1]
        assert not ports.is_free(port)
        assert ports.taken(ports.PortPlan(port)) == {ports.NAMES[0]: port}
