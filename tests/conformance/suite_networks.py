# SPDX-License-Identifier: Apache-2.0
"""Networks of the engine, and containers in them. What packets do is tried in ``tests/functional/runtime``."""

import itertools
import os

import pytest

from nova_container import errors
from nova_container.engine import spec as specs
from nova_container.engine.network import Endpoint, Network, Port, Subnet
from tests.conformance.deadline import eventually

_numbers = itertools.count()
NET = f'10.{100 + os.getpid() % 100}'  # others may run these tests on this host just now
BRIDGE = specs.NetworkSpec(mode=specs.NetworkMode.MANAGED, endpoints=(Endpoint(network='bridge'),))


def in_networks(*endpoints, **fields):
    """The network of a container with these endpoints, or in networks of these names."""
    wanted = tuple(each if isinstance(each, Endpoint) else Endpoint(network=each) for each in endpoints)
    return specs.NetworkSpec(mode=specs.NetworkMode.MANAGED, endpoints=wanted, **fields)


def endpoint_in(engine, container, network):
    found = [each for each in engine.inspect(container).endpoints if network in (each.network, each.network_id)]
    return found[0] if found else None


class NetworksSuite:
    @pytest.fixture
    def make_network(self, engine):
        """Make a network: ``make_network('10.9.7.0/29', internal=True)`` returns its name."""
        made = []

        def make(subnet=None, *, gateway=None, ip_range=None, **fields):
            name = f'conf-{os.getpid()}-{next(_numbers)}'
            subnets = (Subnet(subnet=subnet, gateway=gateway, ip_range=ip_range),) if subnet else ()
            made.append(engine.create_network(Network(name=name, subnets=subnets, **fields)))
            return name

        yield make
        for network in reversed(made):
            for each in engine.list_networks():
                if each.id == network:
                    for endpoint in engine.inspect_network(network).endpoints:
                        engine.remove(endpoint.container_id, force=True)
            engine.remove_network(network)

    @pytest.fixture
    def network(self, make_network):
        return make_network(f'{NET}.1.0/24')

    def test_the_built_in_networks_are_there(self, engine):
        found = {each.spec.name: each.spec.driver for each in engine.list_networks()}
        assert {name: found.get(name) for name in ('bridge', 'host', 'none')} == {
            'bridge': 'bridge', 'host': 'host', 'none': 'none'}

    def test_a_network_is_found_by_id_prefix_and_name(self, engine, network):
        info = engine.inspect_network(network)
        assert info.spec.name == network
        assert engine.inspect_network(info.id).id == engine.inspect_network(info.id[:12]).id == info.id
        assert info.id in {each.id for each in engine.list_networks()}
        with pytest.raises(errors.NetworkNotFound):
            engine.inspect_network('no-such-network')

    def test_a_network_keeps_what_it_was_made_of(self, engine, make_network):
        name = make_network(f'{NET}.2.0/24', gateway=f'{NET}.2.9', ip_range=f'{NET}.2.128/25', internal=True,
                            labels={'a': 'b'}, options={'com.docker.network.driver.mtu': '1400'})
        spec = engine.inspect_network(name).spec
        assert spec.subnets == (Subnet(subnet=f'{NET}.2.0/24', gateway=f'{NET}.2.9', ip_range=f'{NET}.2.128/25'),)
        assert (spec.internal, spec.labels['a'], spec.options['com.docker.network.driver.mtu']) == (True, 'b', '1400')

    def test_a_network_without_a_subnet_gets_one_of_its_own(self, engine, make_network):
        first, second = (engine.inspect_network(make_network()).spec.subnets[0] for _ in range(2))
        assert first.subnet != second.subnet
        assert first.gateway

    def test_a_network_is_made_from_a_configuration(self, engine, run, make_network):
        options = {'com.docker.network.driver.mtu': '1400'}
        conf = make_network(f'{NET}.22.0/24', gateway=f'{NET}.22.9', config_only=True, labels={'a': 'b'},
                            options=options)
        made = make_network(config_from=conf, internal=True)
        spec, kept = engine.inspect_network(made).spec, engine.inspect_network(conf).spec
        assert (spec.config_from, spec.driver, spec.internal, spec.labels) == (conf, 'bridge', True, {'a': 'b'})
        assert (kept.config_only, kept.driver, kept.labels, kept.options) == (True, 'none', {'a': 'b'}, options)
        assert spec.subnets == kept.subnets == (Subnet(subnet=f'{NET}.22.0/24', gateway=f'{NET}.22.9'),)
        container = run('sleep', '600', network=in_networks(made))
        assert endpoint_in(engine, container, made).ipv4 == f'{NET}.22.1/24'

    def test_a_configuration_holds_no_container_and_stays_while_it_is_used(self, engine, run, make_network):
        conf = make_network(f'{NET}.23.0/24', config_only=True)
        with pytest.raises(errors.ContainerError):
            run('sleep', '600', network=in_networks(conf))
        made = make_network(config_from=conf)
        with pytest.raises(errors.WrongState):
            engine.remove_network(conf)
        gone = engine.prune_networks()
        assert made in gone
        assert conf not in gone
        engine.remove_network(conf)
        with pytest.raises(errors.NotFound):
            engine.create_network(Network(name='conf-bad', config_from=conf))

    def test_a_name_is_taken_once(self, engine, network):
        with pytest.raises(errors.AlreadyExists):
            engine.create_network(Network(name=network))

    @pytest.mark.parametrize('wanted', [
        Network(name='conf-bad', subnets=(Subnet(subnet=f'{NET}.1.128/25'),)),
        Network(name='conf-bad', subnets=(Subnet(subnet=f'{NET}.4.0/24', gateway=f'{NET}.5.1'),)),
        Network(name='conf-bad', subnets=(Subnet(subnet=f'{NET}.4.1/8000'),)),
        Network(name='bad name'),
    ], ids=['overlap', 'gateway', 'subnet', 'name'])
    def test_what_cannot_be_is_an_invalid_request_and_leaves_nothing(self, engine, network, wanted):
        before = {each.id for each in engine.list_networks()}
        with pytest.raises(errors.InvalidRequest):
            engine.create_network(wanted)
        assert {each.id for each in engine.list_networks()} == before

    def test_removal_is_repeatable(self, engine):
        name = f'conf-gone-{os.getpid()}'
        engine.create_network(Network(name=name, subnets=(Subnet(subnet=f'{NET}.6.0/24'),)))
        engine.remove_network(name)
        engine.remove_network(name)
        with pytest.raises(errors.NetworkNotFound):
            engine.inspect_network(name)

    @pytest.mark.parametrize(('driver', 'options'), [('no-such-driver', {}), ('bridge', {
        'com.docker.network.driver.mtu': 'many'})])
    def test_a_driver_or_option_that_is_not_there_is_refused(self, engine, driver, options):
        with pytest.raises(errors.ContainerError):
            engine.create_network(Network(name='conf-bad', driver=driver, options=options, subnets=(
                Subnet(subnet=f'{NET}.17.0/24'),)))

    @pytest.mark.parametrize('name', ['bridge', 'host', 'none'])
    def test_a_built_in_network_stays(self, engine, name):
        with pytest.raises(errors.Denied):
            engine.remove_network(name)

    def test_a_network_in_use_stays(self, engine, run, network):
        container = run('sleep', '600', network=in_networks(network))
        with pytest.raises(errors.WrongState):
            engine.remove_network(network)
        engine.remove(container, force=True)
        engine.remove_network(network)

    def test_only_unused_networks_are_pruned(self, engine, run, make_network):
        used, unused = make_network(f'{NET}.7.0/24'), make_network(f'{NET}.8.0/24')
        run('sleep', '600', network=in_networks(used))
        gone = engine.prune_networks()
        assert unused in gone
        assert used not in gone
        assert not {'bridge', 'host', 'none'} & set(gone)

    def test_a_container_has_an_address_in_its_network(self, engine, run, network):
        container = run('sleep', '600', network=in_networks(network))
        found = endpoint_in(engine, container, network)
        assert (found.ipv4, found.gateway) == (f'{NET}.1.2/24', f'{NET}.1.1')
        assert found.mac.count(':') == 5
        member, = engine.inspect_network(network).endpoints
        assert (member.container_id, member.ipv4, member.mac) == (container, found.ipv4, found.mac)
        assert member.container_name == engine.inspect(container).name

    def test_fixed_addresses_and_aliases_are_given(self, engine, run, network):
        wanted = Endpoint(network=network, ipv4=f'{NET}.1.77', mac='02:00:00:00:00:77', aliases=('db', 'db-1'))
        container = run('sleep', '600', network=in_networks(wanted))
        found = endpoint_in(engine, container, network)
        assert (found.ipv4, found.mac) == (f'{NET}.1.77/24', '02:00:00:00:00:77')
        assert {'db', 'db-1'} <= set(found.aliases)

    def test_link_local_addresses_are_beside_the_others_and_stay(self, engine, run, make_network):
        first, second = make_network(f'{NET}.20.0/24'), make_network(f'{NET}.21.0/24')
        given = ('169.254.7.2', '169.254.7.3')
        container = run('sleep', '600', network=in_networks(Endpoint(network=first, link_local=given)))
        engine.connect(container, Endpoint(network=second, link_local=('169.254.8.2',)))
        engine.restart(container, grace_s=0)
        assert endpoint_in(engine, container, first).ipv4 == f'{NET}.20.2/24'
        assert endpoint_in(engine, container, first).wanted.link_local == given
        assert endpoint_in(engine, container, second).wanted.link_local == ('169.254.8.2',)
        assert engine.inspect(container).spec.network.endpoints[0].link_local == given

    def test_an_address_that_is_not_link_local_is_not_taken_for_one(self, engine, run, network):
        with pytest.raises(errors.ContainerError):
            run('sleep', '600', network=in_networks(Endpoint(network=network, link_local=('10.1.2.3',))))

    def test_an_address_is_given_once(self, engine, run, network):
        fixed = Endpoint(network=network, ipv4=f'{NET}.1.9')
        run('sleep', '600', network=in_networks(fixed))
        with pytest.raises((errors.AlreadyExists, errors.Denied)):
            run('sleep', '600', network=in_networks(fixed))

    def test_addresses_are_those_of_the_range_from_the_first_to_the_last(self, engine, run, make_network):
        ranged = make_network(f'{NET}.19.0/24', gateway=f'{NET}.19.1', ip_range=f'{NET}.19.128/31')
        found = [endpoint_in(engine, run('sleep', '600', network=in_networks(ranged)), ranged).ipv4 for _ in range(2)]
        assert found == [f'{NET}.19.128/24', f'{NET}.19.129/24']
        with pytest.raises(errors.ContainerError):
            run('sleep', '600', network=in_networks(ranged))

    def test_addresses_run_out_and_come_back(self, engine, run, make_network):
        tiny = make_network(f'{NET}.9.0/29')
        containers = [run('sleep', '600', network=in_networks(tiny)) for _ in range(5)]
        with pytest.raises(errors.ContainerError):
            run('sleep', '600', network=in_networks(tiny))
        engine.remove(containers[2], force=True)
        again = run('sleep', '600', network=in_networks(tiny))
        assert endpoint_in(engine, again, tiny).ipv4 == f'{NET}.9.4/29'

    def test_a_network_must_be_there_at_the_start(self, engine, create):
        name = f'conf-late-{os.getpid()}'
        container = create('sleep', '600', network=in_networks(name))
        with pytest.raises(errors.NotFound):
            engine.start(container)
        assert not engine.inspect(container).status.alive
        engine.create_network(Network(name=name, subnets=(Subnet(subnet=f'{NET}.18.0/24'),)))
        try:
            engine.start(container)
            assert endpoint_in(engine, container, name).ipv4 == f'{NET}.18.2/24'
        finally:
            engine.remove(container, force=True)
            engine.remove_network(name)

    def test_a_container_is_connected_and_disconnected(self, engine, run, make_network):
        first, second = make_network(f'{NET}.10.0/24'), make_network(f'{NET}.11.0/24')
        container = run('sleep', '600', network=in_networks(first))
        engine.connect(container, Endpoint(network=second, aliases=('other',), ipv4=f'{NET}.11.5'))
        assert endpoint_in(engine, container, second).ipv4 == f'{NET}.11.5/24'
        with pytest.raises(errors.AlreadyExists):
            engine.connect(container, Endpoint(network=second))
        engine.disconnect(container, second)
        assert endpoint_in(engine, container, second) is None
        with pytest.raises(errors.NotFound):
            engine.disconnect(container, second)
        assert endpoint_in(engine, container, first) is not None

    def test_connecting_what_is_not_there_tells_which(self, engine, run, network):
        container = run('sleep', '600', network=in_networks(network))
        with pytest.raises(errors.ContainerNotFound):
            engine.connect('no-such-container', Endpoint(network=network))
        with pytest.raises(errors.NetworkNotFound):
            engine.connect(container, Endpoint(network='no-such-network'))
        with pytest.raises(errors.NetworkNotFound):
            engine.disconnect(container, 'no-such-network')
        for force in (False, True):
            with pytest.raises(errors.ContainerNotFound):
                engine.disconnect('no-such-container', network, force=force)

    def test_a_stopped_container_is_connected_for_its_next_start(self, engine, create, make_network):
        first, second = make_network(f'{NET}.12.0/24'), make_network(f'{NET}.13.0/24')
        container = create('sleep', '600', network=in_networks(first))
        engine.connect(container, Endpoint(network=second))
        engine.start(container)
        assert endpoint_in(engine, container, first).ipv4
        assert endpoint_in(engine, container, second).ipv4

    def test_a_container_is_made_in_several_networks(self, engine, run, make_network):
        first, second = make_network(f'{NET}.14.0/24'), make_network(f'{NET}.15.0/24')
        container = run('sleep', '600', network=in_networks(first, Endpoint(network=second, ipv4=f'{NET}.15.5')))
        assert endpoint_in(engine, container, first).ipv4 == f'{NET}.14.2/24'
        assert endpoint_in(engine, container, second).ipv4 == f'{NET}.15.5/24'

    def test_a_restart_keeps_networks(self, engine, run, network):
        container = run('sleep', '600', network=in_networks(Endpoint(network=network, ipv4=f'{NET}.1.40')))
        engine.restart(container, grace_s=0)
        assert endpoint_in(engine, container, network).ipv4 == f'{NET}.1.40/24'

    def test_a_namespace_of_its_own_is_in_no_network(self, engine, run, network):
        container = run('sleep', '600')
        assert engine.inspect(container).endpoints == ()
        with pytest.raises(errors.ContainerError):
            engine.connect(container, Endpoint(network=network))

    def test_the_default_network_is_the_bridge(self, engine, run):
        container = run('sleep', '600', network=BRIDGE)
        found = endpoint_in(engine, container, 'bridge')
        assert found.ipv4
        assert found.gateway

    def test_the_spec_tells_what_was_asked_of_networks(self, engine, run, network):
        asked = in_networks(Endpoint(network=network, ipv4=f'{NET}.1.50'), ports=(
            Port(container_port=80, host_ip='127.0.0.1', host_port=29751),))
        spec = engine.inspect(run('sleep', '600', network=asked)).spec.network
        assert (spec.mode, spec.ports) == (asked.mode, asked.ports)
        assert spec.endpoints[0].network == network
        assert spec.endpoints[0].ipv4 == f'{NET}.1.50'

    def test_ports_are_published_while_it_runs(self, engine, run, network):
        container = run('sleep', '600', network=in_networks(network, ports=(
            Port(container_port=80, host_port=29752), Port(container_port=53, protocol='udp', host_port=29752))))
        shown = {(port.container_port, port.protocol, port.host_port) for port in engine.inspect(container).ports}
        assert shown == {(80, 'tcp', 29752), (53, 'udp', 29752)}
        engine.stop(container, grace_s=0)
        assert engine.inspect(container).ports == ()

    def test_a_port_is_chosen_if_none_is_named(self, engine, run, network):
        container = run('sleep', '600', network=in_networks(network, ports=(Port(container_port=80),)))
        assert 1024 < engine.inspect(container).ports[0].host_port < 65536

    def test_exposed_ports_of_image_and_request_are_published_if_all_are(self, engine, run, network, image_with):
        image = image_with(config={'Cmd': ['sleep', '600'], 'ExposedPorts': {'8080/tcp': {}}})
        container = run(image=image, exposed_ports=('53/udp',), network=in_networks(network, publish_all=True))
        shown = {(port.container_port, port.protocol) for port in engine.inspect(container).ports}
        assert shown == {(8080, 'tcp'), (53, 'udp')}
        assert set(engine.inspect(container).spec.exposed_ports) == {'8080/tcp', '53/udp'}

    def test_a_port_is_published_once(self, engine, create, run, network):
        taken = in_networks(network, ports=(Port(container_port=80, host_port=29753),))
        first = run('sleep', '600', network=taken)
        second = create('sleep', '600', network=taken)
        with pytest.raises((errors.AlreadyExists, errors.HostFailure)):
            engine.start(second)
        assert not engine.inspect(second).status.alive
        engine.stop(first, grace_s=0)
        engine.start(second)
        assert engine.inspect(second).ports[0].host_port == 29753

    def test_events_tell_of_networks(self, engine, run, make_network):
        events = engine.events()
        name = make_network(f'{NET}.16.0/24')
        container = run('sleep', '600', network=in_networks(name))
        engine.remove(container, force=True)
        engine.remove_network(name)
        seen = []
        for event in events:
            if event.type == 'network' and event.attributes.get('name') == name:
                seen.append((event.action, event.attributes.get('container', '')))
                if event.action == 'destroy':
                    break
        assert seen == [('create', ''), ('connect', container), ('disconnect', container), ('destroy', '')]

    def test_a_container_that_is_gone_left_its_networks(self, engine, run, network):
        container = run('sleep', '600', network=in_networks(network))
        engine.remove(container, force=True)
        eventually(lambda: engine.inspect_network(network).endpoints == ())
