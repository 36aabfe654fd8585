# SPDX-License-Identifier: Apache-2.0
"""Bring everything up, each part as soon as what it needs is there."""

import importlib.util
import os
import threading
import time

from tools.minicloud import catalog
from tools.minicloud import checks
from tools.minicloud import demo
from tools.minicloud import errors
from tools.minicloud import forks
from tools.minicloud import images
from tools.minicloud import instance
from tools.minicloud import mariadb
from tools.minicloud import openvswitch
from tools.minicloud import rabbitmq
from tools.minicloud import registry
from tools.minicloud import schemas
from tools.minicloud import service
from tools.minicloud import steps
from tools.minicloud import tenancy
from tools.minicloud.config import files

PROJECTS = ('keystone', 'nova', 'neutron', 'placement', 'glance', 'heat')
_PREPARE = {'mariadb': mariadb.install, 'rabbitmq': rabbitmq.prepare,
            'ovsdb-server': openvswitch.prepare,
            'registry': registry.prepare}


def choose_driver() -> str:
    """Return MINICLOUD_DRIVER, or `container` where Nova can import it."""
    chosen = os.environ.get('MINICLOUD_DRIVER', '')
    if chosen:
        if chosen not in ('fake', 'container'):
            raise errors.MinicloudError(
                f'MINICLOUD_DRIVER is `{chosen}`; set it to `fake` or '
                '`container`, or leave it unset.')
        return chosen
    wanted = ('nova.virt.container', 'nova_container.cmd.engine')
    return 'container' if all(map(_is_importable, wanted)) else 'fake'


def up(cloud: instance.Instance) -> float:
    """Start every service of a clean folder; the seconds it took."""
    began = time.monotonic()
    cloud.driver = choose_driver()
    cloud.datapath = openvswitch.choose_datapath()
    cloud.image_store = registry.choose_store(cloud)
    _check(cloud)
    _prepare_folder(cloud)
    nursery_log = service.log_path(cloud, 'nursery')
    with forks.Nurseries(cloud.home, nursery_log, PROJECTS) as nurseries:
        first = cloud.migrated != schemas.versions()
        if first:
            steps.run([*_service_steps(cloud, nurseries),
                       *_schema_steps(cloud, nurseries),
                       *_content_steps(cloud)], print_step)
        else:
            steps.run([*_service_steps(cloud, nurseries),
                       *_content_steps(cloud)], print_step)
    cloud.provisioned = True
    cloud.save()
    cloud.path('run', 'complete').touch()
    return time.monotonic() - began


def is_complete(cloud: instance.Instance) -> bool:
    """Whether the last `up` of this folder came to its end."""
    return cloud.path('run', 'complete').exists()


def begin(cloud: instance.Instance) -> None:
    """Mark the moment from which signs of life count."""
    cloud.path('run', 'began').touch()


def start_and_wait(cloud: instance.Instance, one: service.Service,
                   nurseries: forks.Nurseries | None = None,
                   cancelled: threading.Event | None = None) -> None:
    """Start one service and return once it serves."""
    record = service.start(cloud, one, nurseries)
    service.wait_ready(cloud, one, record, cancelled or threading.Event())
    if one.name == 'ovs-vswitchd':
        openvswitch.create_bridges(cloud, cloud.datapath)


def print_step(step: steps.Step, seconds: float) -> None:
    """Print one progress line."""
    print(f'  {step.name:<26} {step.outcome:<6} {seconds:6.1f} s', flush=True)


def _check(cloud: instance.Instance) -> None:
    checks.executables()
    checks.packages()
    checks.disk(cloud.home)
    checks.free_ports(cloud)
    checks.switch()


def _prepare_folder(cloud: instance.Instance) -> None:
    for place in ('tmp', 'run/locks', 'run/engine', 'data/nova/instances',
                  'data/neutron', 'data/glance/images', 'data/engine',
                  'data/glance/staging', 'data/glance/tasks'):
        cloud.path(place).mkdir(parents=True, exist_ok=True)
    for log in cloud.path('logs').glob('*.log'):
        log.rename(log.with_suffix('.log.1'))
    cloud.path('logs').mkdir(exist_ok=True)
    begin(cloud)
    files.write(cloud, driver=cloud.driver, datapath=cloud.datapath)
    cloud.save()


def _service_steps(cloud: instance.Instance,
                   nurseries: forks.Nurseries) -> list[steps.Step]:
    def act_for(one: service.Service):
        def act(cancelled: threading.Event) -> None:
            if one.name in _PREPARE:
                _PREPARE[one.name](cloud)
            start_and_wait(cloud, one, nurseries, cancelled)
        return act

    return [steps.Step(one.name, act_for(one), one.needs, 'ready')
            for one in catalog.services(cloud, cloud.driver).values()]


def _schema_steps(cloud: instance.Instance,
                  nurseries: forks.Nurseries) -> list[steps.Step]:
    def act_for(task: schemas.Task):
        return lambda cancelled: _run_task(cloud, nurseries, task, cancelled)

    tasks = schemas.tasks(cloud)
    return [
        steps.Step('databases', lambda _: mariadb.create_databases(cloud),
                   ('mariadb',)),
        *(steps.Step(task.name, act_for(task), task.needs) for task in tasks),
        steps.Step('schemas', lambda _: _record_schemas(cloud),
                   tuple(task.name for task in tasks)),
    ]


def _run_task(cloud: instance.Instance, nurseries: forks.Nurseries,
              task: schemas.Task, cancelled: threading.Event) -> None:
    log = service.log_path(cloud, task.name.replace(' ', '-'))
    if task.name == 'nova cells':
        mariadb.copy_database(cloud, 'nova', 'nova_cell0')
    for program in task.programs:
        pid = nurseries.spawn(program, log)
        if nurseries.wait(program, pid, cancelled) != 0:
            raise errors.ServiceDied(f'{task.name} failed. The end of {log}:\n'
                                     + service.log_end(log))


def _record_schemas(cloud: instance.Instance) -> None:
    cloud.migrated = schemas.versions()
    cloud.save()


def _content_steps(cloud: instance.Instance) -> list[steps.Step]:
    agents = tuple(f'neutron-{kind}-agent'
                   for kind in ('openvswitch', 'dhcp', 'l3'))
    found = []
    if not cloud.provisioned:
        found += [
            steps.Step('identity', lambda _: tenancy.create(cloud),
                       ('keystone',)),
            steps.Step('flavors', lambda _: demo.create_flavors(cloud),
                       ('nova-api', 'identity')),
            steps.Step('keypair', lambda _: demo.create_keypair(cloud),
                       ('nova-api', 'identity')),
            steps.Step('networks', lambda _: demo.create_networks(cloud),
                       ('neutron', 'identity', *agents))]
    return [*found,
            steps.Step('heat endpoints', lambda _: _offer_engines(cloud),
                       ('keystone', 'identity')),
            steps.Step('image archives', lambda _: images.build(cloud)),
            steps.Step('images', lambda _: images.upload(cloud),
                       ('glance', 'identity', 'keystone', 'image archives'))]


def _offer_engines(cloud: instance.Instance) -> None:
    """Tell Heat which project may use which engine."""
    cloud.projects = tenancy.project_ids(cloud)
    cloud.save()
    files.write_heat(cloud)


def _is_importable(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ModuleNotFoundError, RuntimeError):
        return False
