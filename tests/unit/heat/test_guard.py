# SPDX-License-Identifier: Apache-2.0
"""Every way out of a container, or to what is another's, that a template could ask for: refused by what it produces."""

import dataclasses

import pytest

from heat_container import names
from nova_container import errors
from nova_container.docker.policy import Level
from nova_container.engine import (
    Device, ExecSpec, Mount, MountKind, NetworkMode, NetworkSpec, Resources, Security, Sharing, Ulimit)
from nova_container.engine.fake import FakeEngine
from nova_container.engine.network import Endpoint, Network, Port
from nova_container.engine.volume import Volume
from tests.unit.heat import stacks
from tests.unit.heat.views import OURS, THEIRS, running, view, wanted

HOST_FOLDER = Volume(driver='local', options={'type': 'none', 'o': 'bind', 'device': '/etc'})


@pytest.fixture
def engine():
    made = FakeEngine()
    made.add_image('busybox')
    yield made
    stacks.stop_all(made)


ESCAPES = {
    'privileged': (wanted(security=Security(privileged=True)), 'privileged'),
    'host network': (wanted(network=NetworkSpec(mode=NetworkMode.HOST)), 'host_namespace'),
    'host pid': (wanted(sharing=Sharing(pid='host')), 'host_namespace'),
    'host ipc': (wanted(sharing=Sharing(ipc='host')), 'host_namespace'),
    'host uts': (wanted(sharing=Sharing(uts='host')), 'host_namespace'),
    'host user': (wanted(sharing=Sharing(user='host')), 'host_namespace'),
    'host cgroup': (wanted(sharing=Sharing(cgroup='host')), 'host_namespace'),
    'bind': (wanted(mounts=(Mount(kind=MountKind.BIND, source='/etc', target='/x'),)), 'bind_mount'),
    'socket': (wanted(mounts=(Mount(kind=MountKind.BIND, source='/run/docker.sock', target='/x'),)), 'bind_mount'),
    'volume options': (wanted(mounts=(Mount(kind=MountKind.VOLUME, target='/x', volume=HOST_FOLDER),)),
                       'volume_driver_opts'),
    'volume driver': (wanted(mounts=(Mount(kind=MountKind.VOLUME, target='/x', volume=Volume(driver='sshfs')),)),
                      'volume_driver_opts'),
    'device': (wanted(devices=(Device(path_on_host='/dev/sda', path_in_container='/dev/sda'),)), 'device'),
    'device rule': (wanted(device_rules=('a *:* rwm',)), 'device'),
    'capability': (wanted(security=Security(cap_add=('SYS_ADMIN',))), 'cap_add'),
    'all capabilities': (wanted(security=Security(cap_add=('ALL',))), 'cap_add'),
    'unconfined': (wanted(security=Security(seccomp_unconfined=True)), 'security_opt'),
    'unmasked': (wanted(security=Security(masked_paths=())), 'security_opt'),
    'writable proc': (wanted(security=Security(read_only_paths=())), 'security_opt'),
    'sysctl': (wanted(sysctls={'kernel.core_pattern': '|/x'}), 'sysctl_unsafe'),
    'runtime': (wanted(runtime='other'), 'runtime'),
    'cgroup parent': (wanted(cgroup_parent='/system.slice'), 'cgroup'),
    'annotations': (wanted(annotations={'run.oci.hooks': 'x'}), 'annotations'),
    'unkillable': (wanted(resources=Resources(oom_kill_disable=True)), 'oom'),
    'preferred': (wanted(oom_score_adj=-900), 'oom'),
    'real time': (wanted(resources=Resources(realtime_runtime_us=950000)), 'realtime'),
    'fork bomb': (wanted(resources=Resources(pids_limit=-1)), 'unlimited_pids'),
    'fork bomb by the zero of dockerd': (wanted(resources=Resources(pids_limit=0)), 'unlimited_pids'),
    'real time by a limit': (wanted(ulimits=(Ulimit(name='rtprio', soft=99, hard=99),)), 'realtime'),
    'device files in memory': (wanted(mounts=(Mount(kind=MountKind.TMPFS, target='/x', options=('dev',)),)),
                               'volume_driver_opts'),
    'device files, behind a comma': (wanted(mounts=(Mount(kind=MountKind.TMPFS, target='/x', options=('rw,dev,suid',)),
                                                    )), 'volume_driver_opts'),
    'a bind that looks like memory': (wanted(mounts=(Mount(kind=MountKind.TMPFS, target='/x', options=('rbind',)),)),
                                      'volume_driver_opts'),
    'mounts that spread': (wanted(mounts=(Mount(kind=MountKind.TMPFS, target='/x', options=('rshared',)),)),
                           'volume_driver_opts'),
    'driver option': (wanted(network=NetworkSpec(mode=NetworkMode.MANAGED, endpoints=(
        Endpoint(network='bridge', options={'com.docker.network.endpoint.sysctls': 'x'}),))), 'network_driver'),
    'an address that may be that of a metadata service': (wanted(network=NetworkSpec(
        mode=NetworkMode.MANAGED, endpoints=(Endpoint(network='bridge', link_local=('169.254.169.254',)),))),
                                                          'link_local'),
}


@pytest.mark.parametrize('escape', ESCAPES)
def test_no_template_gets_out_of_its_container(engine, escape):
    spec, feature = ESCAPES[escape]
    with pytest.raises(errors.Denied, match=f'docker:create:{feature}'):
        view(engine).create(spec)
    assert engine.list() == ()


@pytest.mark.parametrize('escape', ESCAPES)
def test_the_rule_that_is_named_lets_it_pass_the_policy_and_no_other_rule_does(engine, escape):
    spec, feature = ESCAPES[escape]
    others = [name for _, name in ESCAPES.values() if name != feature]
    with pytest.raises(errors.Denied):
        view(engine, granted=others).create(spec)
    try:
        view(engine, granted=[feature]).create(spec)
    except errors.Denied:
        pytest.fail('the rule did not help')
    except errors.ContainerError:
        assert ('create', 'c') in engine.calls
    else:
        [made] = engine.list()
        assert made.labels[names.FEATURES] == feature


def test_what_two_rules_are_about_needs_both(engine):
    spec = wanted(security=Security(privileged=True, cap_add=('SYS_ADMIN',)))
    with pytest.raises(errors.Denied, match='docker:create:cap_add$'):
        view(engine, granted=['privileged']).create(spec)
    view(engine, granted=['privileged', 'cap_add']).create(spec)


@pytest.mark.parametrize('fields', [
    {'security': Security(no_new_privileges=False)}, {'security': Security(cap_add=('CHOWN',))},
    {'sysctls': {'net.ipv4.ip_unprivileged_port_start': '0'}},
    {'network': NetworkSpec(mode=NetworkMode.MANAGED, endpoints=(Endpoint(network='bridge'),),
                            ports=(Port(container_port=80),))}])
def test_restricted_allows_less_than_baseline(engine, fields):
    view(engine).create(wanted(name='baseline', **fields))
    with pytest.raises(errors.Denied):
        view(engine, level=Level.RESTRICTED).create(wanted(**fields))


@pytest.mark.parametrize(('fields', 'feature', 'other'), [
    ({'link_local': ('169.254.169.254',)}, 'link_local', 'network_driver'),
    ({'options': {'a': 'b'}}, 'network_driver', 'link_local')])
def test_a_network_is_joined_later_by_the_same_rules(engine, fields, feature, other):
    ours = view(engine)
    ours.create(wanted(network=NetworkSpec(mode=NetworkMode.MANAGED, endpoints=(Endpoint(network='bridge'),))))
    network = ours.create_network(Network(name='blue'))
    with pytest.raises(errors.Denied, match='link-local'):
        view(engine, granted=[other]).connect('c', Endpoint(network=network, **fields))
    view(engine, granted=[feature]).connect('c', Endpoint(network=network, **fields))


def test_privileged_allows_all_but_what_is_anothers(engine):
    top = view(engine, level=Level.PRIVILEGED)
    top.create(wanted(security=Security(privileged=True)))
    with pytest.raises(errors.ContainerNotFound):
        view(engine, THEIRS, level=Level.PRIVILEGED).inspect('c')


CONTAINER_VERBS = {
    'inspect': (), 'start': (), 'stop': (), 'kill': (), 'restart': (), 'pause': (), 'unpause': (), 'wait': (),
    'usage': (), 'top': (), 'changes': (), 'export': (), 'attach': (), 'commit': (), 'network_namespace': (),
    'rename': ('x',), 'stat_path': ('/etc',), 'copy_out': ('/etc',), 'copy_in': ('/etc', None),
    'create_exec': (ExecSpec(command=('id',)),), 'exec': (ExecSpec(command=('id',)),), 'update': (Resources(),),
    'disconnect': ('bridge',), 'connect': (Endpoint(network='bridge'),), 'logs': (None,)}


@pytest.mark.parametrize('verb', CONTAINER_VERBS)
@pytest.mark.parametrize('labels', [{}, {names.PROJECT: THEIRS}, {names.PROJECT: ''}])
def test_a_container_of_another_project_is_not_there(engine, verb, labels):
    container = engine.create(running(labels=labels))
    engine.start(container)
    before = [call for call in engine.calls if call[0] != 'inspect']
    for name in (container, container[:12], 'c'):
        with pytest.raises(errors.ContainerNotFound):
            getattr(view(engine), verb)(name, *CONTAINER_VERBS[verb])
    assert [call for call in engine.calls if call[0] != 'inspect'] == before


def test_removal_and_lists_pass_over_what_is_anothers(engine):
    theirs = engine.create(running(labels={names.PROJECT: THEIRS}))
    network = engine.create_network(Network(name='net', labels={names.PROJECT: THEIRS}))
    engine.create_volume(Volume(name='vol', labels={names.PROJECT: THEIRS}))
    ours = view(engine)
    ours.remove(theirs, force=True)
    ours.remove_network(network)
    ours.remove_volume('vol', force=True)
    assert engine.inspect(theirs).id == theirs
    assert engine.inspect_network('net').id == network
    assert engine.inspect_volume('vol').name == 'vol'
    assert (ours.list(), ours.list_networks(), ours.list_volumes()) == ((), (), ())


@pytest.mark.parametrize('fields', [
    {'network': NetworkSpec(mode=NetworkMode.CONTAINER, container='victim')},
    {'sharing': Sharing(pid='container:victim')}, {'sharing': Sharing(ipc='container:victim')},
    {'volumes_from': ('victim',)}, {'volumes_from': ('victim:ro',)},
    {'network': NetworkSpec(mode=NetworkMode.MANAGED, endpoints=(Endpoint(network='blue'),))},
    {'network': NetworkSpec(mode=NetworkMode.MANAGED, endpoints=(Endpoint(network='bridge', links=('victim:v',)),))},
    {'mounts': (Mount(kind=MountKind.VOLUME, source='files', target='/x'),)},
    {'mounts': (Mount(kind=MountKind.VOLUME, source='missing', target='/x'),)}])
def test_nothing_of_another_project_can_be_joined_or_mounted(engine, fields):
    engine.create(running(labels={names.PROJECT: THEIRS}, sharing=Sharing(ipc='shareable')))
    engine.rename('c', 'victim')
    engine.create_network(Network(name='blue', labels={names.PROJECT: THEIRS}))
    engine.create_volume(Volume(name='files', labels={names.PROJECT: THEIRS}))
    with pytest.raises(errors.NotFound):
        view(engine).create(wanted(**fields))
    assert [info.name for info in engine.list()] == ['victim']


def test_what_is_of_the_project_can_be_joined_by_any_name_and_goes_by_id(engine):
    ours = view(engine)
    donor = ours.create(running(name='donor', sharing=Sharing(ipc='shareable')))
    network = ours.create_network(Network(name='blue'))
    ours.create_volume(Volume(name='files'))
    ours.create(wanted(name='joining', sharing=Sharing(ipc='container:donor'), volumes_from=('donor:ro',),
                       mounts=(Mount(kind=MountKind.VOLUME, source='files', target='/x'),),
                       network=NetworkSpec(mode=NetworkMode.MANAGED, endpoints=(Endpoint(network='blue'),))))
    spec = engine.inspect('joining').spec
    assert (spec.sharing.ipc, spec.volumes_from) == (f'container:{donor}', (f'{donor}:ro',))
    assert spec.network.endpoints[0].network == network


def test_a_container_of_others_from_a_crafted_image_does_not_become_ours(engine):
    """Containers get the labels of their image: an image could claim what others run from it."""
    engine.add_image('crafted', config={'Labels': {names.PROJECT: OURS}})
    container = engine.create(dataclasses.replace(wanted(), image='crafted', labels={names.PROJECT: OURS}))
    ours = view(engine)
    with pytest.raises(errors.ContainerNotFound):
        ours.inspect(container)
    assert ours.list() == ()
    with pytest.raises(errors.Denied, match='labels that say whose'):
        ours.create(dataclasses.replace(wanted(name='d'), image='crafted'))


def test_labels_that_say_whose_it_is_cannot_be_set(engine):
    for key in names.OWN_LABELS:
        with pytest.raises(errors.InvalidSpec, match=key):
            view(engine).create(wanted(labels={key: THEIRS}))


def test_who_may_not_make_such_a_container_may_not_enter_it_either(engine):
    container = view(engine, granted=['privileged']).create(running(security=Security(privileged=True)))
    member = view(engine)
    member.start(container)
    for enter in (lambda: member.exec(container, ExecSpec(command=('id',))), lambda: member.attach(container),
                  lambda: member.copy_in(container, '/', None), lambda: member.export(container),
                  lambda: member.create(wanted(name='d', sharing=Sharing(pid=f'container:{container}')))):
        with pytest.raises(errors.Denied, match='docker:create:privileged'):
            enter()
    member.stop(container)
    member.remove(container)
    assert engine.list() == ()


def test_an_exec_has_no_more_privileges_than_its_container(engine):
    ours = view(engine)
    container = ours.create(running())
    ours.start(container)
    for verb in (ours.exec, ours.create_exec):
        with pytest.raises(errors.Denied, match='privileged'):
            verb(container, ExecSpec(command=('id',), privileged=True))
    session = engine.create_exec(container, ExecSpec(command=('id',)))
    ours.inspect_exec(session)
    for verb in ('inspect_exec', 'start_exec'):
        with pytest.raises(errors.ExecNotFound):
            getattr(view(engine, THEIRS), verb)(session)


@pytest.mark.parametrize('verb', ['prune_images', 'prune_networks', 'prune_volumes', 'prune_builds', 'events', 'close'])
def test_what_is_about_all_projects_is_refused(engine, verb):
    with pytest.raises(errors.Denied, match='projects share'):
        getattr(view(engine), verb)()


def test_limits_bound_what_a_container_has(engine):
    ours = view(engine, memory_bytes=64 << 20, pids=10, host_ports=range(8000, 8011), containers=2)
    ours.create(wanted())
    made = engine.inspect('c').spec.resources
    assert (made.memory_bytes, made.pids_limit) == (64 << 20, 10)
    for resources in (Resources(memory_bytes=65 << 20), Resources(pids_limit=11)):
        with pytest.raises(errors.Denied, match='at most'):
            ours.create(wanted(name='d', resources=resources))
        with pytest.raises(errors.Denied, match='at most'):
            ours.update('c', resources)
    for port in (Port(container_port=80, host_port=22), Port(container_port=80, host_port=8005, host_port_end=8011)):
        with pytest.raises(errors.Denied, match='8000 to 8010'):
            ours.create(wanted(name='d', network=NetworkSpec(
                mode=NetworkMode.MANAGED, endpoints=(Endpoint(network='bridge'),), ports=(port,))))
    ours.create(wanted(name='d'))
    with pytest.raises(errors.Exhausted, match='2 containers'):
        ours.create(wanted(name='e'))


def test_images_come_from_the_registries_of_the_operator(engine):
    with pytest.raises(errors.Denied, match='registry.test'):
        view(engine, registries=frozenset({'registry.test'})).create(wanted())
    view(engine, registries=frozenset({'docker.io'})).create(wanted())


def test_a_container_beside_a_server_joins_its_container_only(engine):
    server = engine.create(running(labels={'org.openstack.nova.project_id': OURS}))
    beside = view(engine, beside=server)
    beside.create(wanted(name='sidecar', network=NetworkSpec(mode=NetworkMode.CONTAINER, container=server)))
    with pytest.raises(errors.ContainerNotFound):
        beside.exec(server, ExecSpec(command=('id',)))
    other = engine.create(running(name='other'))
    with pytest.raises(errors.ContainerNotFound):
        beside.create(wanted(name='d', network=NetworkSpec(mode=NetworkMode.CONTAINER, container=other)))
