# SPDX-License-Identifier: Apache-2.0
"""Every service of the cloud: what it is, what it needs, when it is ready."""

import sys

from tools.minicloud import instance
from tools.minicloud import mariadb
from tools.minicloud import openvswitch
from tools.minicloud import probes
from tools.minicloud import program
from tools.minicloud import rabbitmq
from tools.minicloud import registry
from tools.minicloud import service
from tools.minicloud.config import shared

NATIVE_THREADS = {'OS_NOVA_DISABLE_EVENTLET_PATCHING': '1'}


def services(cloud: instance.Instance,
             driver: str) -> dict[str, service.Service]:
    """Return all services by name, in the order they are shown."""
    found = [mariadb.server(cloud), rabbitmq.broker(cloud),
             openvswitch.database(cloud), openvswitch.switch(cloud),
             *_apis(cloud), *_neutron(cloud), *_nova(cloud), *_heat(cloud)]
    if driver == 'container':
        found.insert(4, _engine(cloud))
        found = [_after(one, 'nova-compute', 'engine') for one in found]
    if cloud.image_store == 'registry':
        found.insert(2, registry.server(cloud))
        found = [_after(one, 'glance', 'registry') for one in found]
    return {one.name: one for one in found}


def _engine(cloud: instance.Instance) -> service.Service:
    config = cloud.path('etc', 'engine', 'engine.ini')
    return service.Service('engine', service.Command((
        sys.executable, '-m', 'nova_container.cmd.engine',
        f'--config-file={config}'), {
            'PYTHONPATH': str(service.CHECKOUT),
            **openvswitch.environment(cloud)}),
        probes.unix_answers('/_ping', 'run', 'engine.sock'))


def _after(one: service.Service, name: str, need: str) -> service.Service:
    if one.name != name:
        return one
    return service.replace(one, needs=(*one.needs, need))


def _apis(cloud: instance.Instance) -> list[service.Service]:
    etc = cloud.path('etc')
    nova = {**NATIVE_THREADS, 'OS_NOVA_CONFIG_DIR': str(etc / 'nova'),
            'OS_NOVA_CONFIG_FILES': ';'.join((
                str(shared.package_etc('nova', 'api-paste.ini')),
                'nova.conf', 'databases.conf'))}
    neutron = {'OS_NEUTRON_CONFIG_DIR': str(etc / 'neutron'),
               'OS_NEUTRON_CONFIG_FILES':
                   'neutron.conf;server.conf;ml2_conf.ini'}
    return [
        _wsgi(cloud, 'keystone', 'keystone', 'keystone.wsgi.api',
              {'OS_KEYSTONE_CONFIG_DIR': str(etc / 'keystone')},
              needs=('keystone bootstrap',), path='/v3'),
        _wsgi(cloud, 'placement', 'placement', 'placement.wsgi.api',
              {'OS_PLACEMENT_CONFIG_DIR': str(etc / 'placement')},
              needs=('placement schema',)),
        _wsgi(cloud, 'glance', 'glance', 'glance.wsgi.api',
              {'OS_GLANCE_CONFIG_DIR': str(etc / 'glance')},
              needs=('glance schema',)),
        _wsgi(cloud, 'neutron', 'neutron', 'neutron.wsgi.api', neutron,
              needs=('neutron schema', 'rabbitmq')),
        _wsgi(cloud, 'nova-api', 'nova', 'nova.wsgi.osapi_compute', nova,
              needs=('nova cells', 'rabbitmq')),
        _wsgi(cloud, 'nova-metadata', 'nova', 'nova.wsgi.metadata', nova,
              needs=('nova cells', 'rabbitmq')),
        _wsgi(cloud, 'heat-api', 'heat', 'heat.wsgi.api', {},
              needs=('heat schema', 'rabbitmq', 'heat endpoints'),
              argv=_files(cloud, 'heat')),
        _wsgi(cloud, 'heat-api-cfn', 'heat', 'heat.wsgi.cfn', {},
              needs=('heat schema', 'rabbitmq', 'heat endpoints'),
              argv=_files(cloud, 'heat')),
    ]


def _neutron(cloud: instance.Instance) -> list[service.Service]:
    server = ('neutron.conf', 'server.conf', 'ml2_conf.ini')
    return [
        _main(cloud, 'neutron-rpc-server', 'neutron',
              'neutron.cmd.server:main_rpc', server,
              ready=probes.consumes('q-plugin'),
              needs=('neutron schema', 'rabbitmq', 'identity')),
        _main(cloud, 'neutron-periodic-workers', 'neutron',
              'neutron.cmd.server:main_periodic', server,
              ready=probes.lives, needs=('neutron-rpc-server',)),
        _agent(cloud, 'openvswitch', 'neutron.cmd.agents.ovs_neutron_agent',
               needs=('ovs-vswitchd',)),
        _agent(cloud, 'dhcp', 'neutron.cmd.agents.dhcp'),
        _agent(cloud, 'l3', 'tools.minicloud.l3_agent'),
        _agent(cloud, 'metadata', 'neutron.cmd.agents.metadata'),
    ]


def _nova(cloud: instance.Instance) -> list[service.Service]:
    with_databases = ('nova.conf', 'databases.conf')
    return [
        _main(cloud, 'nova-conductor', 'nova', 'nova.cmd.conductor:main',
              with_databases, ready=probes.consumes('conductor'),
              # Started before the catalog is there, it keeps for ever a placement client that refuses all.
              needs=('nova cells', 'rabbitmq', 'identity', 'placement')),
        _main(cloud, 'nova-scheduler', 'nova', 'nova.cmd.scheduler:main',
              with_databases, ready=probes.consumes('scheduler'),
              needs=('nova cells', 'rabbitmq', 'identity', 'placement')),
        _main(cloud, 'nova-serialproxy', 'nova', 'nova.cmd.serialproxy:main',
              with_databases, ready=probes.listens('nova-serialproxy'),
              needs=('nova cells', 'rabbitmq')),
        _main(cloud, 'nova-compute', 'nova', 'nova.cmd.compute:main',
              ('nova.conf', 'nova-compute.conf'), privileged=True,
              ready=probes.hypervisor_visible,
              needs=('nova-conductor', 'identity', 'placement', 'nova-api')),
    ]


def _heat(cloud: instance.Instance) -> list[service.Service]:
    return [_main(cloud, 'heat-engine', 'heat', 'heat.cmd.engine:main',
                  ('heat.conf',), ready=probes.consumes('engine'),
                  needs=('heat schema', 'rabbitmq', 'heat endpoints'))]


def _wsgi(cloud: instance.Instance, name: str, project: str, module: str,
          env: dict[str, str], *, needs: tuple[str, ...], path: str = '/',
          argv: tuple[str, ...] = ()) -> service.Service:
    return service.Service(
        name, program.Program(name, project, f'{module}:application', argv,
                              env, cloud.ports.port(name)),
        probes.answers(name, path), needs, port_name=name)


def _main(cloud: instance.Instance, name: str, project: str, entry: str,
          files: tuple[str, ...], *, ready: probes.Probe,
          needs: tuple[str, ...], privileged: bool = False,
          ) -> service.Service:
    env = dict(NATIVE_THREADS) if project == 'nova' else {}
    if privileged:
        env |= openvswitch.environment(cloud)
    port = name if name == 'nova-serialproxy' else None
    return service.Service(
        name, program.Program(name, project, entry,
                              _files(cloud, project, *files), env,
                              privileged=privileged),
        ready, needs, port_name=port)


def _agent(cloud: instance.Instance, kind: str, module: str,
           needs: tuple[str, ...] = ()) -> service.Service:
    return _main(cloud, f'neutron-{kind}-agent', 'neutron', f'{module}:main',
                 ('neutron.conf', f'{kind}_agent.ini'), privileged=True,
                 ready=probes.agent_alive(f'neutron-{kind}-agent'),
                 needs=('neutron-rpc-server', 'neutron', 'identity', *needs))


def _files(cloud: instance.Instance, project: str,
           *names: str) -> tuple[str, ...]:
    return tuple(f'--config-file={cloud.path("etc", project, name)}'
                 for name in names or (f'{project}.conf',))
