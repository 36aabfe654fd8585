# SPDX-License-Identifier: Apache-2.0
"""What one project may have at most of an engine that projects share."""

import threading

import pytest

from nova_container import errors
from nova_container.engine import LogLimits, NetworkMode, NetworkSpec, Resources
from nova_container.engine.fake import FakeEngine
from nova_container.engine.network import Endpoint, Network, Port
from nova_container.engine.volume import Volume
from tests.unit.heat import stacks
from tests.unit.heat.views import THEIRS, view, wanted


@pytest.fixture
def engine():
    made = FakeEngine()
    made.add_image('busybox')
    yield made
    stacks.stop_all(made)


def published(*ports, **more):
    return NetworkSpec(mode=NetworkMode.MANAGED, endpoints=(Endpoint(network='bridge'),), ports=ports, **more)


def test_many_at_once_get_no_more_than_there_is_room_for(engine):
    """Threads and processes of heat-engine do not know of each other."""
    together, refused = threading.Barrier(8), []

    def create(number):
        ours = view(engine, containers=3)
        counted = ours.list
        ours.list = lambda **labels: (together.wait() if len(waited) < 8 and not waited.append(1) else None,
                                      counted(**labels))[1]
        try:
            ours.create(wanted(name=f'c{number}'))
        except errors.Exhausted:
            refused.append(number)

    waited = []
    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(engine.list()) == 3
    assert len(refused) == 5


def test_networks_and_volumes_have_a_number(engine):
    ours = view(engine, networks=1, volumes=1)
    ours.create_network(Network(name='aa'))
    ours.create_volume(Volume(name='aa'))
    with pytest.raises(errors.Exhausted, match='1 networks'):
        ours.create_network(Network(name='bb'))
    with pytest.raises(errors.Exhausted, match='1 volumes'):
        ours.create_volume(Volume(name='bb'))
    view(engine, THEIRS, networks=1, volumes=1).create_network(Network(name='bb'))


@pytest.mark.parametrize('fields', [
    {'resources': Resources(memory_bytes=0)}, {'resources': Resources(memory_swap_bytes=-1)},
    {'resources': Resources(memory_swap_bytes=3 << 26)}, {'resources': Resources(pids_limit=0)},
    {'log': LogLimits(file_bytes=1 << 20, files=100)},
    {'network': published(Port(container_port=80), publish_all=True)},
    {'network': published(Port(container_port=80, host_ip='127.0.0.1'))},
    {'network': published(Port(container_port=80, host_port=8011))}])
def test_no_limit_is_passed_by_other_words(engine, fields):
    with pytest.raises(errors.Denied):
        view(engine, memory_bytes=1 << 26, pids=64, log_bytes=64 << 20, host_ip='192.0.2.7',
             host_ports=range(8000, 8011), granted=['unlimited_pids']).create(wanted(**fields))
    assert engine.list() == ()


def test_a_port_of_the_engines_choice_is_one_that_may_be_published(engine):
    view(engine, host_ports=range(8000, 8011), host_ip='127.0.0.1').create(
        wanted(network=published(Port(container_port=80))))
    assert engine.inspect('c').spec.network.ports == (
        Port(container_port=80, host_ip='127.0.0.1', host_port=8000, host_port_end=8010),)
    view(engine, THEIRS).create(wanted(name='d', network=published(Port(container_port=80))))
    assert engine.inspect('d').spec.network.ports == (Port(container_port=80),)
