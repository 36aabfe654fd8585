# SPDX-License-Identifier: Apache-2.0
"""Ports of the host are held by sockets, by one container each, all or none."""

import socket

import pytest

from nova_container import errors
from nova_container.engine.network import Port
from nova_container.runtime.networks.ports import PortBook
from nova_container.runtime.networks.relay import Relay


@pytest.fixture
def book():
    made = PortBook(Relay(lambda container: None))
    yield made
    made.close()


@pytest.fixture
def number():
    """A port that nobody has just now."""
    with socket.create_server(('127.0.0.1', 0)) as sock:
        return sock.getsockname()[1]


def loopback(**fields):
    return Port(container_port=80, host_ip='127.0.0.1', **fields)


def test_a_port_is_held_until_it_is_released(book, number):
    assert book.take('a', [loopback(host_port=number)]) == (loopback(host_port=number),)
    with pytest.raises(OSError, match='in use'), socket.create_server(('127.0.0.1', number)):
        pass
    with pytest.raises(errors.AlreadyExists, match='port is already allocated'):
        book.take('b', [loopback(host_port=number)])
    assert book.release('a')
    assert not book.release('a')
    book.take('b', [loopback(host_port=number)])


def test_all_are_taken_or_none(book, number):
    book.take('a', [loopback(host_port=number)])
    with pytest.raises(errors.AlreadyExists):
        book.take('b', [loopback(host_port=0), loopback(host_port=number)])
    assert not book.release('b')


def test_every_address_overlaps_each(book, number):
    book.take('a', [Port(container_port=80, host_port=number, host_ip='0.0.0.0')])
    with pytest.raises(errors.AlreadyExists):
        book.take('b', [loopback(host_port=number)])
    book.take('b', [Port(container_port=80, protocol='udp', host_port=number, host_ip='127.0.0.1')])


def test_a_program_of_the_host_keeps_its_port(book):
    with (socket.create_server(('127.0.0.1', 0)) as sock,
          pytest.raises(errors.AlreadyExists, match='address already in use')):
        book.take('a', [loopback(host_port=sock.getsockname()[1])])


def test_the_rest_of_a_connection_keeps_no_port(book):
    with socket.create_server(('127.0.0.1', 0)) as server:
        port = server.getsockname()[1]
        client = socket.create_connection(('127.0.0.1', port))
        accepted, _ = server.accept()
        accepted.close()  # first, so that TIME_WAIT is on the side of the port
        client.close()
    book.take('a', [loopback(host_port=port)])


def test_a_port_is_chosen_from_the_dynamic_range(book):
    numbers = [port.host_port for port in book.take('a', [loopback() for _ in range(1)])]
    numbers += [book.take(f'c{each}', [loopback()])[0].host_port for each in range(5)]
    assert len(set(numbers)) == 6
    assert all(32768 <= each <= 60999 for each in numbers)


def test_an_address_that_is_not_of_this_host_is_refused(book):
    with pytest.raises(errors.InvalidSpec):
        book.take('a', [Port(container_port=80, host_port=8099, host_ip='192.0.2.250')])
