# SPDX-License-Identifier: Apache-2.0
"""Whole servers: the driver on real engines, with real processes and real wires. Only the cloud is a fake."""

import contextlib
import time
from pathlib import Path
from unittest import mock

import pytest

from nova_container import connect, errors
from nova_container.engine import spec as specs
from nova_container.engine import state
from nova_container.host import links
from nova_container.virt import privsep
from nova_container.virt import vif as vif_module
from tests.conformance.builtin import opened_engine
from tests.conformance.dockerd import running_dockerd
from tests.fixtures import busybox_image
from tests.unit.virt import servers

pytestmark = pytest.mark.root

Status = state.Status


@pytest.fixture(scope='module', params=['builtin', pytest.param('dockerd', marks=pytest.mark.dockerd)])
def engine(request):
    with contextlib.ExitStack() as stack:
        if request.param == 'builtin':
            made, _ = stack.enter_context(opened_engine())
        else:
            made = connect.connect(stack.enter_context(running_dockerd()))
            stack.callback(made.close)
        yield made


@pytest.fixture(scope='module')
def archive(tmp_path_factory):
    path = tmp_path_factory.mktemp('image') / 'image.tar'
    busybox_image.build(path, 'evil/name:latest', config={
        'Cmd': ['/bin/sh', '-c', 'trap "exit 0" TERM; echo ready; sleep 600 & wait']})
    return path.read_bytes()


@pytest.fixture
def cloud(engine, archive):
    with mock.patch.object(privsep.context, 'client_mode', False), \
            mock.patch.multiple(vif_module.os_vif, plug=mock.DEFAULT, unplug=mock.DEFAULT):
        made = servers.Cloud(vif_module.Vifs(), engine)
        made.glance.add(data=archive)
        yield made
        for uuid in made.driver.list_instance_uuids():
            engine.remove(uuid, force=True)
        with links.Links() as here:
            left = [vif['devname'] for vif in map(servers.a_vif, (1, 2)) if here.exists(vif['devname'])]
            for name in left:
                here.delete(name)
    assert left == []


def said(cloud, instance, *command):
    """What a command inside prints."""
    result = cloud.engine.exec(instance.uuid, specs.ExecSpec(command=command))
    assert result.exit_code == 0, result
    return result.stdout.decode()


def wait_until_ready(cloud, instance):
    """Until the server hears signals."""
    deadline = time.monotonic() + 10
    while b'ready' not in cloud.driver.get_console_output(servers.CONTEXT, instance):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def destroy(cloud, instance, *vifs):
    cloud.driver.destroy(servers.CONTEXT, instance, servers.a_network_info(*vifs))


def test_a_server_has_its_name_address_route_and_limits(cloud):
    vif = servers.a_vif(subnets=[servers.a_subnet(dns=('192.0.2.2',))])
    instance = cloud.spawn(network_info=servers.a_network_info(vif))
    assert said(cloud, instance, 'hostname') == 'web-1\n'
    assert '192.0.2.5/24' in said(cloud, instance, 'ip', 'addr')
    assert 'default via 192.0.2.1' in said(cloud, instance, 'ip', 'route')
    assert 'nameserver 192.0.2.2' in said(cloud, instance, 'cat', '/etc/resolv.conf')
    assert '192.0.2.5\tweb-1' in said(cloud, instance, 'cat', '/etc/hosts')
    assert cloud.engine.usage(instance.uuid).memory_limit_bytes == 512 << 20
    destroy(cloud, instance, vif)


def test_metadata_reaches_the_process_and_the_console_shows_it(cloud):
    instance = cloud.spawn(servers.an_instance(metadata={
        'container:command': 'sh -c "id; pwd; echo $GREETING"', 'container:user': 'tenant',
        'container:workdir': '/tmp', 'container:env:GREETING': 'hello world'}))
    cloud.engine.wait(instance.uuid, timeout_s=10)
    output = cloud.driver.get_console_output(servers.CONTEXT, instance).decode()
    assert output.startswith('uid=1000(tenant) gid=1000(tenant)')
    assert output.endswith('/tmp\nhello world\n')
    destroy(cloud, instance)


def test_files_are_there_before_the_first_process(cloud):
    instance = cloud.spawn(servers.an_instance(metadata={'container:command': 'cat /etc/app/config'}),
                           files=[('/etc/app/config', b'injected')])
    cloud.engine.wait(instance.uuid, timeout_s=10)
    assert cloud.driver.get_console_output(servers.CONTEXT, instance) == b'injected'
    destroy(cloud, instance)


@pytest.mark.parametrize('kind', ['SOFT', 'HARD'])
def test_a_reboot_keeps_files_and_wires(cloud, kind):
    instance = cloud.spawn()
    wait_until_ready(cloud, instance)
    said(cloud, instance, 'touch', '/kept')
    before = cloud.engine.inspect(instance.uuid).pid
    cloud.driver.reboot(servers.CONTEXT, instance, servers.a_network_info(), kind)
    assert cloud.engine.inspect(instance.uuid).pid != before
    said(cloud, instance, 'ls', '/kept')
    assert '192.0.2.5/24' in said(cloud, instance, 'ip', 'addr')
    destroy(cloud, instance)


def test_power_off_and_on(cloud):
    instance = cloud.spawn()
    wait_until_ready(cloud, instance)
    start = time.monotonic()
    cloud.driver.power_off(instance, 30)
    assert time.monotonic() - start < 5
    assert cloud.status(instance) is Status.STOPPED
    assert cloud.engine.inspect(instance.uuid).exit.code == 0
    cloud.driver.power_on(servers.CONTEXT, instance, servers.a_network_info())
    assert '192.0.2.5/24' in said(cloud, instance, 'ip', 'addr')
    destroy(cloud, instance)


def test_a_server_that_cannot_hear_is_not_waited_for(cloud):
    instance = cloud.spawn(servers.an_instance(metadata={'container:command': 'sleep 600'}))
    time.sleep(0.3)                     # until the runtime's own process, which hears, has become the program
    start = time.monotonic()
    cloud.driver.reboot(servers.CONTEXT, instance, servers.a_network_info(), 'SOFT')
    time.sleep(0.3)
    cloud.driver.power_off(instance, 60)
    assert time.monotonic() - start < 5
    # Behind a reaper the program is not process 1, and the signal ends it
    reaped = state.Feature.REAPER in cloud.engine.info().features
    assert cloud.engine.inspect(instance.uuid).exit.code == (143 if reaped else 137)
    destroy(cloud, instance)


def test_a_port_comes_and_goes_while_the_server_runs(cloud):
    instance, vif = cloud.spawn(), servers.a_vif(2, subnets=[servers.a_subnet(
        '198.51.100.0/24', ips=('198.51.100.5',), gateway=None)])
    instance.save = mock.Mock()
    cloud.driver.attach_interface(servers.CONTEXT, instance, servers.an_image_meta(), vif)
    assert '198.51.100.5/24' in said(cloud, instance, 'ip', 'addr', 'show', 'eth1')
    cloud.driver.detach_interface(servers.CONTEXT, instance, vif)
    assert 'eth1' not in said(cloud, instance, 'ip', 'link')
    destroy(cloud, instance)


def test_a_snapshot_boots_with_the_files_of_the_server(cloud):
    instance = cloud.spawn()
    said(cloud, instance, 'sh', '-c', 'echo kept > /kept')
    cloud.driver.snapshot(servers.CONTEXT, instance, 'aaaaaaaa-1111-4222-8333-444444444444', lambda **_: None)
    assert cloud.status(instance) is Status.RUNNING
    _, data, _ = cloud.glance.uploads['aaaaaaaa-1111-4222-8333-444444444444']
    destroy(cloud, instance)
    cloud.driver._images._known.clear()
    cloud.glance.add(data=data)
    again = cloud.spawn()
    assert said(cloud, again, 'cat', '/kept') == 'kept\n'
    destroy(cloud, again)


def test_diagnostics_have_numbers(cloud):
    instance = cloud.spawn()
    found = cloud.driver.get_instance_diagnostics(instance)
    assert found.memory_details.maximum == 512
    assert found.cpu_details[0].time > 0
    assert found.nic_details[0].mac_address == 'fa:16:3e:00:00:01'
    destroy(cloud, instance)


def test_a_program_that_is_not_there_is_the_tenants_fault_and_leaves_nothing(cloud):
    with pytest.raises(servers.exception.InvalidInput):
        cloud.spawn(servers.an_instance(metadata={'container:command': '/no/such/program'}))
    assert cloud.driver.list_instance_uuids() == []


@pytest.mark.parametrize('verb', ['create', 'network_namespace', 'start'])
def test_a_failure_of_any_step_leaves_nothing(cloud, verb):
    with mock.patch.object(cloud.engine, verb, side_effect=errors.HostFailure('injected')), \
            pytest.raises(servers.exception.NovaException):
        cloud.spawn()
    assert cloud.driver.list_instance_uuids() == []


def test_a_namespace_lost_in_a_boot_of_the_host_is_made_again(cloud, request):
    if 'dockerd' in request.node.name:
        pytest.skip('Docker holds the namespace by a process; a lost file is nothing that happens to it')
    instance = cloud.spawn()
    wait_until_ready(cloud, instance)
    space = Path(cloud.engine.network_namespace(instance.uuid))
    cloud.driver.power_off(instance)
    vif_module.privsep.netns.remove(space)
    cloud.driver.resume_state_on_host_boot(servers.CONTEXT, instance, servers.a_network_info(), [])
    assert '192.0.2.5/24' in said(cloud, instance, 'ip', 'addr')
    destroy(cloud, instance)


def test_twenty_servers_at_once(cloud):
    from concurrent import futures

    def spawn(number):
        return cloud.spawn(network_info=servers.model.NetworkInfo([]))
    start = time.monotonic()
    with futures.ThreadPoolExecutor(10) as pool:
        instances = list(pool.map(spawn, range(20)))
    assert time.monotonic() - start < 30
    with futures.ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda one: cloud.driver.destroy(servers.CONTEXT, one, None), instances))
    assert cloud.driver.list_instance_uuids() == []
    assert len(cloud.glance.downloads) <= 1
