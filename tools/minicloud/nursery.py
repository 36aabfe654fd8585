# SPDX-License-Identifier: Apache-2.0
"""The fork servers: import each project once, then fork its services.

One process imports what all projects share and forks one nursery a project;
a nursery imports its project and forks a program for every line it reads.
Importing costs 3 to 6 s of CPU a process otherwise. Nurseries end when the
`up` that holds the other end of their socket ends; the services stay.

argv[1]: JSON, project name to file descriptor of a stream socket.
In, a line each: {"program": {...}, "log": path}.
Out, a line each: {"pid": n} in the order asked; {"ended": n, "code": c}.
"""

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import traceback

from tools.minicloud import program as programs

SHARED = (
    'sqlalchemy.orm', 'oslo_config.cfg', 'oslo_log.log', 'oslo_policy.policy',
    'oslo_db.sqlalchemy.enginefacade', 'oslo_messaging', 'pymysql',
    'keystonemiddleware.auth_token', 'keystoneauth1.loading', 'webob',
    'routes.middleware', 'oslo_versionedobjects.base', 'stevedore',
    'oslo_middleware', 'kombu', 'amqp', 'waitress', 'setproctitle', 'lxml',
    'oslo_messaging._drivers.impl_rabbit', 'alembic.command', 'jsonschema',
    'sqlalchemy.dialects.mysql.pymysql', 'oslo_reports', 'paste.deploy')

# Not the managers of nova-compute and nova-scheduler: they read the intervals
# of their periodic tasks when imported, before a fork has its configuration.
PRELOADED = {
    'keystone': ('keystone.server.wsgi', 'keystone.server.flask.application',
                 'keystone.api', 'keystone.cmd.manage'),
    'placement': ('placement.wsgi', 'placement.deploy',
                  'placement.cmd.manage'),
    'glance': ('glance.common.wsgi_app', 'glance.cmd.manage',
               'glance.api.v2.router'),
    'neutron': ('neutron.server', 'neutron.server.api', 'neutron.manager',
                'neutron.plugins.ml2.plugin', 'neutron.db.migration.cli',
                'neutron.services.l3_router.l3_router_plugin',
                'neutron.agent.dhcp_agent', 'neutron.agent.l3.agent',
                'neutron.agent.linux.interface'),
    'nova': ('nova.monkey_patch', 'nova.conf', 'nova.db.main.api', 'nova.rpc',
             'nova.objects', 'nova.service', 'nova.compute.api',
             'nova.compute.resource_tracker', 'nova.virt.driver',
             'nova.conductor.manager', 'nova.network.neutron',
             'nova.scheduler.client.report', 'nova.api.openstack.wsgi_app'),
    'heat': ('heat.common.config', 'heat.engine.service',
             'heat.api.openstack', 'heat.cmd.manage'),
}


def main() -> None:
    """Import what is shared, fork a nursery a project, wait for them."""
    sockets = {project: socket.socket(fileno=number)
               for project, number in json.loads(sys.argv[1]).items()}
    programs.forbid_eventlet()
    programs.use_native_threads()
    _import(SHARED)
    for project, own in sockets.items():
        if os.fork() == 0:
            for other in sockets.values():
                if other is not own:
                    other.close()
            _prepare(project)
            _serve(own)
            os._exit(0)
    for own in sockets.values():
        own.close()
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


def _prepare(project: str) -> None:
    import setproctitle
    setproctitle.setproctitle(f'nursery-{project} (minicloud)')
    if project == 'neutron':
        programs.allow_eventlet()
    _import(PRELOADED[project])
    gc.collect()
    gc.freeze()


def _import(modules: tuple[str, ...]) -> None:
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception:   # the service itself will fail and say why
            print(f'preload of {name} failed:', file=sys.stderr)
            traceback.print_exc()


def _serve(own: socket.socket) -> None:
    wakeup, notify = os.pipe()
    os.set_blocking(notify, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(notify, warn_on_full_buffer=False)
    pending = b''
    while True:
        readable, _, _ = select.select([own, wakeup], [], [])
        if wakeup in readable:
            os.read(wakeup, 4096)
            _report_ended(own)
        if own in readable:
            received = own.recv(65536)
            if not received:
                return
            *lines, pending = (pending + received).split(b'\n')
            for line in lines:
                _fork(own, json.loads(line))


def _report_ended(own: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        _tell(own, {'ended': pid, 'code': os.waitstatus_to_exitcode(status)})


def _fork(own: socket.socket, request: dict) -> None:
    pid = os.fork()
    if pid:
        _tell(own, {'pid': pid})
        return
    code = 1
    try:
        own.close()
        _detach(request['log'])
        programs.become(programs.Program.from_json(request['program']))
        code = 0
    except SystemExit as stop:
        code = _exit_code(stop)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _exit_code(stop: SystemExit) -> int:
    if isinstance(stop.code, str):
        print(stop.code, file=sys.stderr)
        return 1
    return int(stop.code or 0)


def _detach(log: str) -> None:
    programs.reset_signals()
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    silence = os.open(os.devnull, os.O_RDONLY)
    os.dup2(silence, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.closerange(3, 256)


def _tell(own: socket.socket, message: dict) -> None:
    with contextlib.suppress(BrokenPipeError):
        own.sendall(json.dumps(message).encode() + b'\n')


if __name__ == '__main__':
    main()
