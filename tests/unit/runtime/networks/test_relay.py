# SPDX-License-Identifier: Apache-2.0
"""Connections over IPv6 are carried to an address that may be of IPv4, both ways, until both sides are done."""

import socket
import threading
import time

import pytest

from nova_container.runtime.networks.relay import Relay


@pytest.fixture
def inner():
    """Stands for the program in a container: it sends back what it is sent, and a word once its client has ended."""
    sock = socket.create_server(('127.0.0.1', 0))

    def serve():
        while True:
            try:
                client, _ = sock.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=(client,), daemon=True).start()

    def echo(client):
        with client:
            while data := client.recv(1 << 16):
                client.sendall(data)
            client.sendall(b'!')

    threading.Thread(target=serve, daemon=True).start()
    yield sock.getsockname()[1]
    sock.shutdown(socket.SHUT_RDWR)
    sock.close()


@pytest.fixture
def addresses():
    return {'c': '127.0.0.1'}


@pytest.fixture
def outer(inner, addresses):
    relay = Relay(addresses.get)
    sock = socket.socket(socket.AF_INET6)
    sock.bind(('::1', 0))
    relay.listen(sock, 'c', inner)
    yield relay, sock
    relay.shut(sock)
    sock.close()
    relay.close()


def connected(sock):
    return socket.create_connection(sock.getsockname()[:2], 5)


def read_all(client):
    return b''.join(iter(lambda: client.recv(1 << 16), b''))


def test_bytes_come_back_and_ends_are_passed_on(outer):
    _, sock = outer
    with connected(sock) as client:
        client.sendall(b'hello')
        assert client.recv(100) == b'hello'
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b'!'


def test_much_is_carried_while_a_slow_client_waits(outer):
    _, sock = outer
    slow = connected(sock)
    slow.sendall(b'x' * 1000)
    content = bytes(range(256)) * 40_000
    with connected(sock) as client:
        sender = threading.Thread(target=lambda: (client.sendall(content), client.shutdown(socket.SHUT_WR)))
        sender.start()
        assert read_all(client) == content + b'!'
        sender.join()
    assert slow.recv(1000)
    slow.close()


def test_a_container_without_an_address_hangs_up(outer, addresses):
    addresses.clear()
    with connected(outer[1]) as client:
        assert client.recv(1) == b''


def test_a_port_that_nobody_serves_hangs_up(outer, inner):
    relay, sock = outer
    other = socket.socket(socket.AF_INET6)
    other.bind(('::1', 0))
    with socket.socket() as unserved:
        unserved.bind(('127.0.0.1', 0))
        relay.listen(other, 'c', unserved.getsockname()[1])
        with connected(other) as client:
            assert client.recv(1) == b''
    relay.shut(other)
    other.close()


def test_after_it_was_shut_nobody_comes_in_and_who_is_in_stays(outer):
    relay, sock = outer
    with connected(sock) as client:
        client.sendall(b'a')
        assert client.recv(1) == b'a'
        address = sock.getsockname()[:2]
        relay.shut(sock)
        sock.close()
        with pytest.raises(OSError, match='refused'):
            socket.create_connection(address, 5)
        client.sendall(b'b')
        assert client.recv(1) == b'b'


def test_its_thread_ends_with_the_last_port_and_begins_again(outer, inner):
    relay, sock = outer
    assert any(thread.name == 'relay' for thread in threading.enumerate())
    relay.shut(sock)
    deadline = time.monotonic() + 5
    while any(thread.name == 'relay' for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    other = socket.socket(socket.AF_INET6)
    other.bind(('::1', 0))
    relay.listen(other, 'c', inner)
    with connected(other) as client:
        client.sendall(b'again')
        assert client.recv(10) == b'again'
    relay.shut(other)
    other.close()
