# SPDX-License-Identifier: Apache-2.0
"""Packets through the engine's networks: names, ports of the host, what is apart, and what a killed daemon leaves."""

import concurrent.futures
import contextlib
import os
import pathlib
import socket
import subprocess
import threading
import time

import pytest

from nova_container import errors
from nova_container.engine import spec as specs
from nova_container.engine.network import Endpoint, Network, Port, Subnet
from nova_container.host import netns
from nova_container.host.links import Links
from tests.conformance.deadline import eventually
from tests.conformance.suite_networks import BRIDGE, NET, in_networks
from tests.fixtures import remains
from tests.functional.runtime.conftest import opened, spec_of

pytestmark = pytest.mark.root

SERVE = ('sh', '-c', 'mkdir -p /www; hostname > /www/index.html; exec httpd -f -h /www -p 80')
SUBNETS = {'blue': f'{NET}.32.0/24', 'green': f'{NET}.33.0/24', 'shut': f'{NET}.34.0/24', 'tiny': f'{NET}.35.0/29',
           'alone': f'{NET}.36.0/24', 'six': f'{NET}.37.0/24', 'flat': f'{NET}.38.0/24'}


@pytest.fixture
def network(engine):
    """Make a network by one of the names above; all are removed with the containers in them."""
    made = []

    def make(name, *, more=(), **fields):
        subnets = (Subnet(subnet=SUBNETS[name]), *more)
        made.append(engine.create_network(Network(name=name, subnets=subnets, **fields)))
        return name

    yield make
    for container in engine.list():
        engine.remove(container.id, force=True)
    for each in made:
        engine.remove_network(each)


@pytest.fixture
def outside():
    """A namespace that is another machine: its address, and the way into it."""
    path, link = pathlib.Path(f'/run/nc-outside-{os.getpid()}'), f'out{os.getpid() % 100000}'
    netns.create(path)
    try:
        with Links() as here, Links(path) as there:
            here.create_veth(link, peer_name='eth0', peer_namespace=path, mac='02:00:00:00:99:02', mtu=1500)
            here.add_address(link, f'{NET}.99.1/24')
            there.add_address('eth0', f'{NET}.99.2/24')
            there.set_up('eth0')
            there.add_route('eth0', '0.0.0.0/0', f'{NET}.99.1')
        yield path
    finally:
        with Links() as here:
            here.delete(link)
        netns.remove(path)


def ip(*words):
    subprocess.run(['/usr/sbin/ip', *words], check=True, capture_output=True)


def run(engine, *command, **fields):
    container = engine.create(spec_of(*command, **fields))
    engine.start(container)
    return container


def say(engine, container, *command, **fields):
    """What a command in the container wrote, if it succeeded; None if it failed."""
    done = engine.exec(container, specs.ExecSpec(command=command, **fields), timeout_s=20)
    return done.stdout.decode() if done.exit_code == 0 else None


def ping(engine, container, target):
    return say(engine, container, 'ping', '-c', '1', '-W', '1', target) is not None


def fetch(address, port, namespace=None):
    """What a web server says; None if it does not answer."""
    def ask():
        with contextlib.suppress(OSError), socket.create_connection((address, port), timeout=2) as sock:
            sock.sendall(b'GET / HTTP/1.0\r\n\r\n')
            answer = b''
            while block := sock.recv(4096):
                answer += block
            return answer.partition(b'\r\n\r\n')[2].decode().strip()
        return None
    return ask() if namespace is None else netns.run_in(namespace, ask)


def address_of(engine, container, network):
    return next(each.ipv4.partition('/')[0] for each in engine.inspect(container).endpoints
                if each.network == network)


def datagrams():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(3)
    return sock


def published(**fields):
    return {'ports': (Port(container_port=80, **fields),)}


class TestNames:
    def test_containers_find_each_other_by_name_alias_and_short_id(self, engine, network):
        network('blue')
        first = run(engine, 'sleep', '600', name='first', network=in_networks(Endpoint(
            network='blue', aliases=('db',))))
        second = run(engine, 'sleep', '600', name='second', hostname='deux', network=in_networks('blue'))
        for name in ('first', 'FIRST', 'db', first[:12], 'first.blue'):
            assert ping(engine, second, name), name
        for name in ('second', 'deux', second[:12]):
            assert ping(engine, first, name), name
        assert not ping(engine, first, 'nobody')
        assert address_of(engine, first, 'blue') in say(engine, second, 'nslookup', 'db')
        assert 'first.blue' in say(engine, second, 'nslookup', address_of(engine, first, 'blue'))

    def test_names_are_known_in_their_network_only(self, engine, network):
        network('blue')
        network('green')
        run(engine, 'sleep', '600', name='first', network=in_networks('blue'))
        other = run(engine, 'sleep', '600', name='other', network=in_networks('green'))
        assert say(engine, other, 'nslookup', 'first') is None
        engine.connect(other, Endpoint(network='blue'))
        assert ping(engine, other, 'first')
        engine.disconnect(other, 'blue')
        assert say(engine, other, 'nslookup', 'first') is None
        assert say(engine, other, 'ip', 'link', 'show', 'eth1') is None

    def test_who_has_ended_is_not_called_any_more(self, engine, network):
        network('blue')
        first = run(engine, 'sleep', '600', name='first', network=in_networks('blue'))
        second = run(engine, 'sleep', '600', name='second', network=in_networks('blue'))
        engine.stop(first, grace_s=0)
        assert say(engine, second, 'nslookup', 'first') is None
        engine.start(first)
        assert ping(engine, second, 'first')

    def test_what_is_not_known_is_asked_of_the_servers_of_the_container(self, engine, network, name_server):
        network('blue')
        plain = in_networks('blue', dns=('127.0.0.1',))
        container = run(engine, 'sleep', '600', network=plain)
        assert 'nameserver 127.0.0.11' in say(engine, container, 'cat', '/etc/resolv.conf')
        done = engine.exec(container, specs.ExecSpec(command=('nslookup', 'no.such.example')), timeout_s=30)
        assert done.exit_code != 0
        assert name_server(container)

    def test_a_container_may_serve_names_itself(self, engine, network):
        network('blue')
        run(engine, 'sleep', '600', name='other', network=in_networks('blue'))
        server = run(engine, 'sleep', '600', name='server', network=in_networks('blue'))
        namespace = pathlib.Path(engine.network_namespace(server))
        with (netns.open_in(namespace, lambda: socket.create_server(('0.0.0.0', 53))),
              netns.open_in(namespace, datagrams) as sock):
            sock.bind(('0.0.0.0', 53))
            assert ping(engine, server, 'other')

    def test_the_default_network_has_no_names_but_links(self, engine):
        first = run(engine, 'sleep', '600', name='first', network=BRIDGE)
        second = run(engine, 'sleep', '600', name='second', hostname='deux', network=in_networks(Endpoint(
            network='bridge', links=('first:db',))))
        assert say(engine, first, 'nslookup', 'second') is None
        assert ping(engine, second, 'db')
        hosts = say(engine, second, 'cat', '/etc/hosts').splitlines()
        assert f'{address_of(engine, second, "bridge")}\tdeux' in hosts
        assert f'{address_of(engine, first, "bridge")}\tdb {first[:12]} first' in hosts

    def test_who_shares_the_network_of_another_shares_its_names(self, engine, network):
        network('blue')
        first = run(engine, 'sleep', '600', name='first', network=in_networks('blue'))
        run(engine, 'sleep', '600', name='second', network=in_networks('blue'))
        inside = run(engine, 'sleep', '600', network=specs.NetworkSpec(
            mode=specs.NetworkMode.CONTAINER, container=first))
        assert ping(engine, inside, 'second')
        assert address_of(engine, first, 'blue') in say(engine, inside, 'ip', 'addr')


class TestPorts:
    @pytest.mark.parametrize('where', ['bridge', 'blue'])
    def test_a_port_is_reached_from_everywhere(self, engine, network, outside, where):
        network('blue')
        network('green')
        server = run(engine, *SERVE, name='web', hostname='web', network=in_networks(where, **published(
            host_port=28081)))
        eventually(lambda: fetch('127.0.0.1', 28081) == 'web')
        assert fetch(f'{NET}.99.1', 28081) == 'web'
        assert fetch(f'{NET}.99.1', 28081, outside) == 'web'
        beside = run(engine, 'sleep', '600', network=in_networks(where))
        apart = run(engine, 'sleep', '600', network=in_networks('green'))
        for container in (server, beside, apart):
            assert say(engine, container, 'timeout', '3', 'wget', '-qO-', f'http://{NET}.99.1:28081/') == 'web\n'
        engine.stop(server, grace_s=0)
        assert fetch('127.0.0.1', 28081) is None

    def test_a_port_of_loopback_is_of_the_host_alone(self, engine, outside):
        run(engine, *SERVE, hostname='web', network=in_networks('bridge', **published(
            host_port=28082, host_ip='127.0.0.1')))
        eventually(lambda: fetch('127.0.0.1', 28082) == 'web')
        assert fetch(f'{NET}.99.1', 28082, outside) is None

    def test_only_published_ports_are_reached_from_outside(self, engine, network, outside):
        network('blue')
        server = run(engine, *SERVE, hostname='web', network=in_networks('blue', **published(host_port=28083)))
        eventually(lambda: fetch('127.0.0.1', 28083) == 'web')
        assert fetch(address_of(engine, server, 'blue'), 80) == 'web'
        assert fetch(address_of(engine, server, 'blue'), 80, outside) is None

    def test_datagrams_reach_a_port(self, engine, network):
        network('blue')
        container = run(engine, 'sleep', '600', network=in_networks('blue', ports=(
            Port(container_port=5353, protocol='udp', host_port=28084),)))
        with (netns.open_in(pathlib.Path(engine.network_namespace(container)), datagrams) as server,
              datagrams() as client):
            server.bind(('0.0.0.0', 5353))
            for target in ('127.0.0.1', f'{NET}.32.1'):
                client.connect((target, 28084))
                client.send(b'ping')
                message, sender = server.recvfrom(64)
                server.sendto(message + b' pong', sender)
                assert client.recv(64) == b'ping pong'

    def test_datagrams_go_to_the_container_that_has_the_port_now(self, engine, network):
        """Of a flow that the kernel still tracks to the one before it."""
        network('blue')
        with datagrams() as client:
            client.bind(('127.0.0.1', 0))
            client.connect(('127.0.0.1', 28093))
            for number in range(2):
                container = run(engine, 'sleep', '600', network=in_networks(
                    Endpoint(network='blue', ipv4=f'{NET}.32.{10 + number}'),
                    ports=(Port(container_port=5353, protocol='udp', host_port=28093),)))
                with netns.open_in(pathlib.Path(engine.network_namespace(container)), datagrams) as server:
                    server.bind(('0.0.0.0', 5353))
                    client.send(b'ping')
                    assert server.recv(64) == b'ping'
                engine.remove(container, force=True)

    def test_a_port_of_a_program_of_the_host_is_refused_and_nothing_is_left(self, engine, settings):
        with socket.create_server(('127.0.0.1', 28085)):
            container = engine.create(spec_of('sleep', '600', network=in_networks('bridge', **published(
                host_port=28085))))
            with pytest.raises(errors.AlreadyExists, match='driver failed programming external connectivity'):
                engine.start(container)
        assert '28085' not in rules(settings)
        engine.start(container)
        assert '28085' in rules(settings)

    def test_a_range_gives_the_first_that_is_free(self, engine):
        wanted = Port(container_port=80, host_port=28086, host_port_end=28087)
        given = [engine.inspect(run(engine, 'sleep', '600', network=in_networks('bridge', ports=(wanted,)))
                                ).ports[0].host_port for _ in range(2)]
        assert given == [28086, 28087]
        with pytest.raises(errors.AlreadyExists):
            run(engine, 'sleep', '600', network=in_networks('bridge', ports=(wanted,)))

    def test_ports_that_are_chosen_are_held(self, engine):
        container = run(engine, 'sleep', '600', network=in_networks('bridge', ports=tuple(
            Port(container_port=80 + number) for number in range(20))))
        numbers = {port.host_port for port in engine.inspect(container).ports}
        assert len(numbers) == 20
        for number in numbers:
            with pytest.raises(OSError, match='in use'), socket.create_server(('0.0.0.0', number)):
                pass


class TestApart:
    def test_networks_do_not_reach_each_other(self, engine, network):
        network('blue')
        network('green')
        one = run(engine, 'sleep', '600', network=in_networks('blue'))
        beside = run(engine, 'sleep', '600', network=in_networks('blue'))
        other = run(engine, 'sleep', '600', network=in_networks('green'))
        default = run(engine, 'sleep', '600', network=BRIDGE)
        assert ping(engine, one, address_of(engine, beside, 'blue'))
        assert not ping(engine, one, address_of(engine, other, 'green'))
        assert not ping(engine, other, address_of(engine, one, 'blue'))
        assert not ping(engine, default, address_of(engine, one, 'blue'))

    def test_the_way_out_is_the_address_of_the_host(self, engine, network, outside):
        network('blue')
        container = run(engine, 'sleep', '600', network=in_networks('blue'))
        assert seen_from(outside, lambda: say(engine, container, 'timeout', '3', 'wget', '-qO-', f'http://{NET}.99.2:8000/')
                         ) == f'{NET}.99.1'

    def test_without_masquerade_the_address_is_its_own(self, engine, network, outside):
        network('blue', options={'com.docker.network.bridge.enable_ip_masquerade': 'false'})
        container = run(engine, 'sleep', '600', network=in_networks('blue'))
        assert seen_from(outside, lambda: say(engine, container, 'timeout', '3', 'wget', '-qO-', f'http://{NET}.99.2:8000/')
                         ) == address_of(engine, container, 'blue')

    def test_an_internal_network_has_no_way_out(self, engine, network, outside):
        network('shut', internal=True)
        network('blue')
        free = specs.Security(cap_add=('NET_ADMIN',))
        inner = run(engine, 'sleep', '600', name='inner', network=in_networks('shut', **published(host_port=28088)),
                    security=free)
        beside = run(engine, *SERVE, name='beside', network=in_networks('shut'))
        apart = run(engine, 'sleep', '600', network=in_networks('blue'))
        assert ping(engine, inner, 'beside')
        assert 'default' not in say(engine, inner, 'ip', 'route')
        say(engine, inner, 'ip', 'route', 'add', 'default', 'via', f'{NET}.34.1')
        assert not ping(engine, inner, f'{NET}.99.2')
        assert not ping(engine, inner, address_of(engine, apart, 'blue'))
        assert not ping(engine, apart, address_of(engine, beside, 'shut'))
        assert fetch(address_of(engine, beside, 'shut'), 80, outside) is None
        assert say(engine, inner, 'nslookup', 'example.org') is None

    def test_containers_of_one_network_may_be_apart(self, engine, network):
        network('alone', options={'com.docker.network.bridge.enable_icc': 'false'})
        one, other = (run(engine, 'sleep', '600', network=in_networks('alone')) for _ in range(2))
        assert not ping(engine, one, address_of(engine, other, 'alone'))
        assert ping(engine, one, f'{NET}.36.1')

    def test_loopback_of_the_host_is_not_reached(self, engine, network):
        """``route_localnet`` is set on the bridge: a container must not use it (CVE-2020-8558)."""
        network('blue')
        container = run(engine, 'sleep', '600', network=in_networks('blue'), security=specs.Security(
            privileged=True))
        with socket.create_server(('127.0.0.1', 28089)):
            say(engine, container, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet; '
                'ip addr del 127.0.0.1/8 dev lo; ip route add 127.0.0.0/8 via '
                f'{NET}.32.1; ip route del table local 127.0.0.0/8 dev lo; ip route del table local 127.0.0.1')
            assert say(engine, container, 'nc', '-w', '1', '127.0.0.1', '28089') is None


class TestKinds:
    def test_six_is_given_and_reached(self, engine, network):
        network('six', ipv6=True, more=(Subnet(subnet='fd00:c0:37::/64'),))
        one, other = (run(engine, 'sleep', '600', name=name, network=in_networks('six')) for name in ('one', 'other'))
        found = engine.inspect(other).endpoints[0]
        assert (found.ipv6, found.gateway6) == ('fd00:c0:37::3/64', 'fd00:c0:37::1')
        assert say(engine, one, 'ping', '-6', '-c', '1', '-W', '1', 'fd00:c0:37::3')
        assert 'fd00:c0:37::3' in say(engine, one, 'nslookup', 'other')

    def test_link_local_addresses_reach_each_other_at_each_start(self, engine, network):
        network('six', ipv6=True, more=(Subnet(subnet='fd00:c0:37::/64'),))
        one = run(engine, 'sleep', '600', network=in_networks(
            Endpoint(network='six', link_local=('169.254.7.2', 'fe80::72'))))
        other = run(engine, 'sleep', '600', network=in_networks('bridge'))
        engine.connect(other, Endpoint(network='six', link_local=('169.254.7.3',)))
        assert ping(engine, other, '169.254.7.2')
        for again in (engine.restart, engine.stop):
            again(one, grace_s=0)
        engine.start(one)
        shown = say(engine, one, 'ip', 'addr', 'show', 'eth0')
        assert 'inet 169.254.7.2/16 brd 169.254.255.255' in shown
        assert 'inet6 fe80::72/64' in shown
        assert ping(engine, one, '169.254.7.3')

    def test_a_macvlan_is_on_the_network_of_its_parent(self, engine, network):
        parent = f'par{os.getpid() % 100000}'
        ip('link', 'add', parent, 'type', 'bridge')
        ip('link', 'set', parent, 'up')
        try:
            network('flat', driver='macvlan', options={'parent': parent})
            one = run(engine, 'sleep', '600', name='one', network=in_networks('flat'))
            run(engine, 'sleep', '600', name='other', network=in_networks('flat'))
            assert ping(engine, one, 'other')
            with pytest.raises(errors.InvalidSpec):
                engine.create_network(Network(name='lost', driver='macvlan', options={'parent': 'nosuch0'},
                                              subnets=(Subnet(subnet=f'{NET}.39.0/24'),)))
        finally:
            for container in engine.list():
                engine.remove(container.id, force=True)
            ip('link', 'del', parent)

    def test_the_network_of_the_highest_priority_leads_out(self, engine, network):
        network('blue')
        network('green')
        container = run(engine, 'sleep', '600', network=in_networks(
            Endpoint(network='blue'), Endpoint(network='green', priority=5)))
        assert f'default via {NET}.33.1' in say(engine, container, 'ip', 'route')
        engine.disconnect(container, 'green')
        assert f'default via {NET}.32.1' in say(engine, container, 'ip', 'route')

    def test_ports_are_reached_by_both_loopbacks_of_the_host(self, engine, network):
        network('blue')
        container = run(engine, *SERVE, hostname='web', network=in_networks('blue', **published(host_port=28096)))
        for address in ('127.0.0.1', '::1'):
            eventually(lambda address=address: fetch(address, 28096) == 'web')
        shown = {(port.host_ip, port.host_port) for port in engine.inspect(container).ports}
        assert shown == {('0.0.0.0', 28096), ('::', 28096)}
        engine.stop(container, grace_s=0)
        assert fetch('::1', 28096) is None
        engine.start(container)
        eventually(lambda: fetch('::1', 28096) == 'web')

    def test_mtu_and_mac_are_set(self, engine, network):
        network('blue', options={'com.docker.network.driver.mtu': '1400'})
        container = run(engine, 'sleep', '600', network=in_networks(Endpoint(network='blue', mac='02:11:22:33:44:55')))
        shown = say(engine, container, 'ip', 'link', 'show', 'eth0')
        assert 'mtu 1400' in shown
        assert '02:11:22:33:44:55' in shown


class TestNothingIsLeft:
    def test_an_engine_of_namespaces_touches_nothing(self, engine, settings):
        run(engine, 'sleep', '600')
        assert remains.of_networks(settings.state_dir) == []

    def test_300_lives_in_a_network_of_five_addresses(self, engine, network):
        network('tiny')
        for number in range(300):
            container = engine.create(spec_of('sleep', '600', network=in_networks('tiny')))
            if number % 10 == 0:
                engine.start(container)
            engine.remove(container, force=True)
        held = [engine.create(spec_of('sleep', '600', network=in_networks('tiny'))) for _ in range(5)]
        with pytest.raises(errors.Exhausted):
            engine.create(spec_of('sleep', '600', network=in_networks('tiny')))
        for container in held:
            engine.remove(container)

    def test_many_at_once_have_an_address_each(self, engine, network):
        network('blue')
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            containers = list(pool.map(lambda _: run(engine, 'sleep', '600', network=in_networks('blue', ports=(
                Port(container_port=80),))), range(24)))
        infos = [engine.inspect(container) for container in containers]
        assert len({info.endpoints[0].ipv4 for info in infos}) == 24
        assert len({info.ports[0].host_port for info in infos}) == 24
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda container: engine.remove(container, force=True), containers))
        assert engine.inspect_network('blue').endpoints == ()

    def test_a_closed_engine_leaves_nothing_of_unused_networks(self, settings, image_bytes):
        with opened(settings) as engine:
            load(engine, image_bytes)
            engine.create_network(Network(name='kept', subnets=(Subnet(subnet=f'{NET}.40.0/24'),)))
            engine.create_network(Network(name='conf', config_only=True))
            container = run(engine, 'sleep', '600', network=in_networks('bridge', **published(host_port=28090)))
            engine.remove(container, force=True)
            assert remains.of_networks(settings.state_dir) != []
        assert remains.of_networks(settings.state_dir) == []
        assert not engine_links(settings)
        with opened(settings) as engine:
            assert engine.inspect_network('kept').spec.subnets[0].subnet == f'{NET}.40.0/24'
            engine.create_network(Network(name='made', config_from='conf'))
            for name in ('made', 'conf'):
                engine.remove_network(name)
            container = run(engine, 'sleep', '600', network=in_networks('kept'))
            assert ping(engine, container, f'{NET}.40.1')
            engine.remove(container, force=True)
            engine.remove_network('kept')


class TestDaemon:
    def test_a_killed_daemon_keeps_all_wired_and_names_are_back_within_a_second(self, daemon):
        client = daemon.client()
        client.create_network(Network(name='blue', subnets=(Subnet(subnet=SUBNETS['blue']),)))
        first = run(client, *SERVE, name='first', hostname='web', network=in_networks('blue', **published(
            host_port=28091)))
        second = run(client, 'sh', '-c', f'while :; do ping -c 1 -W 1 {address_of(client, first, "blue")} '
                     '> /dev/null && echo up || echo down; sleep 0.05; done', name='second',
                     network=in_networks('blue'))
        eventually(lambda: fetch('127.0.0.1', 28091) == 'web')
        daemon.kill()
        assert fetch('127.0.0.1', 28091) == 'web'
        daemon.start()
        began = time.monotonic()
        eventually(lambda: ping(client, second, 'first'), 5)
        assert time.monotonic() - began < 1
        assert fetch('127.0.0.1', 28091) == 'web'
        said = b''.join(chunk.data for chunk in client.logs(second, specs.LogQuery()))
        assert b'down' not in said
        with pytest.raises(errors.AlreadyExists):
            run(client, 'true', network=in_networks('blue', **published(host_port=28091)))
        for container in client.list():
            client.remove(container.id, force=True)
        client.remove_network('blue')
        daemon.end()
        assert remains.of_networks(daemon.settings.state_dir) == []
        assert not engine_links(daemon.settings)

    def test_link_local_addresses_are_there_again_with_a_daemon_and_a_container_that_were_killed(self, daemon):
        client = daemon.client()
        client.create_network(Network(name='blue', subnets=(Subnet(subnet=SUBNETS['blue']),)))
        first = run(client, 'sleep', '600', network=in_networks(Endpoint(network='blue', link_local=('169.254.7.2',))))
        os.kill(client.inspect(first).pid, 9)
        daemon.kill()
        daemon.start()
        client.start(first)
        assert '169.254.7.2/16' in say(client, first, 'ip', 'addr', 'show', 'eth0')
        assert client.inspect(first).endpoints[0].wanted.link_local == ('169.254.7.2',)
        client.remove(first, force=True)
        client.remove_network('blue')

    def test_who_ended_while_the_daemon_was_away_holds_no_port(self, daemon):
        client = daemon.client()
        first = run(client, 'sleep', '600', network=in_networks('bridge', **published(host_port=28092)))
        pid = client.inspect(first).pid
        daemon.kill()
        os.kill(pid, 9)
        daemon.start()
        assert client.inspect(first).ports == ()
        assert '28092' not in rules(daemon.settings)
        second = run(client, *SERVE, hostname='web', network=in_networks('bridge', **published(host_port=28092)))
        eventually(lambda: fetch('127.0.0.1', 28092) == 'web')
        client.remove(second, force=True)


@pytest.fixture
def name_server():
    """A server on the host's loopback that only listens: whether it was asked."""
    asked = threading.Event()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.bind(('127.0.0.1', 53))
    except OSError:
        sock.close()
        pytest.skip('port 53 of 127.0.0.1 is in use')

    def listen():
        with contextlib.suppress(OSError):
            message, client = sock.recvfrom(4096)
            asked.set()
            while True:
                sock.sendto(message[:2] + b'\x81\x83' + message[4:], client)
                message, client = sock.recvfrom(4096)

    threading.Thread(target=listen, daemon=True).start()
    yield lambda _: asked.wait(2)
    sock.close()


def seen_from(namespace, act):
    """The address by which a web server in the namespace sees who asks while ``act`` runs."""
    server = netns.open_in(namespace, lambda: socket.create_server((f'{NET}.99.2', 8000)))
    server.settimeout(5)
    worker = threading.Thread(target=act, daemon=True)
    worker.start()
    with server:
        client, address = server.accept()
        client.sendall(b'HTTP/1.0 200 OK\r\n\r\nhi')
        client.close()
    worker.join(10)
    return address[0]


def rules(settings):
    done = subprocess.run(['/usr/sbin/nft', 'list', 'table', 'inet', remains.table_of(settings.state_dir)],
                          capture_output=True, text=True, check=False)
    return done.stdout


def engine_links(settings):
    """Links of the host that the records of an engine name."""
    import sqlite3
    with contextlib.closing(sqlite3.connect(settings.database)) as database:
        ids = [row[0] for row in database.execute('SELECT id FROM networks')]
    return {f'nc-{each[:12]}' for each in ids} & set(os.listdir('/sys/class/net'))


def load(engine, image_bytes):
    import io
    engine.load(io.BytesIO(image_bytes))
