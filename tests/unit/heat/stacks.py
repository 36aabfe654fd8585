# SPDX-License-Identifier: Apache-2.0
"""Whole stacks in this process: Heat's own engine code on sqlite in memory, engines in memory behind its endpoints.

Loads the plug-in as heat-engine does, by entry points and ``plugin_dirs``. Only keystone is Heat's own fake.
"""

import contextlib
import pathlib
import sys
import time
from collections.abc import Mapping
from unittest import mock

import sqlalchemy
from heat.common import config as heat_config
from heat.common import context as heat_context
from heat.common import messaging, template_format
from heat.common import policy as heat_policy
from heat.db import api as db_api
from heat.db import models
from heat.engine import environment, resources, scheduler, stack, template
from heat.engine.clients.os import keystone
from heat.engine.clients.os.keystone import fake_keystoneclient
from oslo_config import cfg
from oslo_db import options as db_options
from oslo_policy import policy as oslo_policy
from oslo_service import backend

import heat_container
from heat_container import client_plugin, conf, engines
from nova_container.engine.fake import FakeEngine

CONF = cfg.CONF
PROJECT, OTHER_PROJECT = 'a' * 32, 'b' * 32
EDGE = 'edge'
"""The operator's endpoint that every cloud begins with: level baseline, and the default."""


def _load() -> None:
    """Once a process, before the first stack: what heat-engine does at its start."""
    if backend.get_backend_type() is None:
        backend.init_backend(backend.BackendType.THREADING)
    CONF([], project='heat', default_config_files=[])
    heat_config.cfg.CONF.set_override(
        'plugin_dirs', [str(pathlib.Path(heat_container.__file__).parent / 'plugin')])
    CONF.set_override('environment_dir', str(pathlib.Path(sys.prefix) / 'etc/heat/environment.d'))
    CONF.set_override('auth_encryption_key', 'k' * 32)
    resources.global_env()


class Cloud:
    """A heat-engine with one operator's endpoint ``edge``; ``engine`` is behind it. Use as a context manager."""

    def __init__(self) -> None:
        self.engine = FakeEngine()
        self.engines: dict[str, FakeEngine] = {}
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> 'Cloud':
        _load()
        keep = self._undo.enter_context
        keep(mock.patch.object(engines, 'connect', self._connect))
        keep(mock.patch.object(client_plugin, '_ENGINES', engines.Engines()))
        keep(mock.patch.object(scheduler.TaskRunner, '_sleep', lambda runner, wait_time: time.sleep(0.001)))
        keep(mock.patch.object(stack.Stack, 'defer_state_persist', lambda found: False))  # no lock is released here
        keep(mock.patch.object(keystone.KeystoneClientPlugin, '_create',
                               lambda plugin: fake_keystoneclient.FakeKeystoneClient()))
        self.set('error_wait_time', None)
        messaging.setup('fake://', optional=True)
        self._undo.callback(messaging.cleanup)
        self._undo.callback(_drop_database, _make_database())
        self.offer(EDGE, self.engine)
        self.set('default_endpoint', EDGE, group=conf.GROUP)
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()
        for engine in {id(each): each for each in self.engines.values()}.values():
            stop_all(engine)

    def set(self, name: str, value: object, group: str | None = None) -> None:
        """An option of heat.conf, until the end."""
        CONF.set_override(name, value, group=group)
        self._undo.callback(CONF.clear_override, name, group=group)

    def offer(self, name: str, engine: FakeEngine | None = None, **options: object) -> FakeEngine:
        """Add an endpoint of the operator; ``options`` are of its group in heat.conf."""
        found = engine or FakeEngine()
        url = str(options.pop('url', f'unix:///run/{name}.sock'))
        self.engines[url] = found
        conf.endpoint(CONF, name)
        for option, value in {'url': url, **options}.items():
            self.set(option, value, group=f'docker_endpoint:{name}')
        self.set('endpoints', [*CONF.docker.endpoints, name], group=conf.GROUP)
        return found

    def rule(self, name: str, check: str) -> None:
        """A line of policy.yaml, until the end."""
        enforcer = heat_policy.get_enforcer().enforcer
        enforcer.load_rules()
        before = enforcer.rules.get(name)
        enforcer.set_rules({name: oslo_policy.Rules.from_dict({name: check})[name]}, overwrite=False, use_conf=True)
        self._undo.callback(enforcer.rules.__setitem__, name, before)

    def rows(self, table: type) -> list[dict[str, object]]:
        """What the database holds in a table."""
        with db_api.get_engine().connect() as connection:
            return [dict(row._mapping) for row in connection.execute(sqlalchemy.select(table.__table__))]

    def context(self, project: str = PROJECT, roles: tuple[str, ...] = ('member',)) -> heat_context.RequestContext:
        """A user of a project."""
        return heat_context.RequestContext.from_dict({
            'tenant': project, 'tenant_id': project, 'project_id': project, 'username': 'user', 'user_id': 'user',
            'user': 'user', 'roles': list(roles), 'is_admin': False, 'auth_url': 'http://keystone.test/v3',
            'auth_token': 'token'})

    def create(self, text: str, parameters: Mapping[str, object] | None = None, *, name: str = 'web',
               context: heat_context.RequestContext | None = None, files: Mapping[str, str] | None = None,
               rollback: bool = False) -> stack.Stack:
        """Validate a template and create its stack; look at ``state`` for how it went.

        :raises StackValidationFailed: as the API would.
        """
        made = stack.Stack(context or self.context(), name, _template(text, parameters, files),
                           disable_rollback=not rollback)
        made.validate()
        made.store()
        made.create()
        made.persist_state_and_release_lock('test')
        return made

    def update(self, old: stack.Stack, text: str, parameters: Mapping[str, object] | None = None, *,
               files: Mapping[str, str] | None = None, rollback: bool = False, converge: bool = False,
               context: heat_context.RequestContext | None = None) -> stack.Stack:
        """Update a stack to a template, ``converge`` as ``stack update --converge``; the stack as it is then."""
        found = self.load(old, context)
        found.disable_rollback = not rollback
        found.converge = converge
        wanted = stack.Stack(found.context, found.name, _template(text, parameters, files),
                             disable_rollback=not rollback, converge=converge)
        wanted.validate()
        found.update(wanted)
        return found

    def adopt(self, text: str, found: Mapping[str, Mapping[str, object]], *, name: str = 'web',
              parameters: Mapping[str, object] | None = None) -> stack.Stack:
        """A stack of what is there; ``found`` is what ``stack abandon`` tells of each resource."""
        told = {'resources': {each: {'resource_data': {}, 'metadata': {}, **fields} for each, fields in found.items()}}
        made = stack.Stack(self.context(), name, _template(text, parameters, None), disable_rollback=True,
                           adopt_stack_data=told)
        made.validate()
        made.store()
        made.adopt()
        return made

    def load(self, old: stack.Stack, context: heat_context.RequestContext | None = None) -> stack.Stack:
        """As another request would see it."""
        return stack.Stack.load(context or old.context, stack_id=old.id)

    def act(self, old: stack.Stack, action: str) -> stack.Stack:
        """``suspend``, ``resume`` or ``check`` a stack; the stack as it is then."""
        found = self.load(old)
        getattr(found, action)()
        found.persist_state_and_release_lock('test')
        return found

    def outputs(self, old: stack.Stack) -> dict[str, object]:
        """What ``stack show`` says of the outputs now."""
        found = self.load(old)
        found._update_all_resource_data(for_resources=False, for_outputs=True)
        return {name: output.get_value() for name, output in found.outputs.items()}

    def delete(self, old: stack.Stack) -> stack.Stack:
        found = self.load(old)
        found.delete()
        return found

    def _connect(self, url: str, **how: object) -> FakeEngine:
        self.connected = (url, how)
        return self.engines[url]


def stop_all(engine: FakeEngine) -> None:
    """A running container of the fake is a thread."""
    for info in engine.list():
        engine.remove(info.id, force=True)


def _template(text: str, parameters: Mapping[str, object] | None, files: Mapping[str, str] | None) -> template.Template:
    return template.Template(template_format.parse(text), files=dict(files or {}),
                             env=environment.Environment({'parameters': dict(parameters or {})}))


def _make_database() -> object:
    db_options.set_defaults(CONF, connection='sqlite://')
    engine = db_api.get_engine()
    models.BASE.metadata.create_all(engine)
    return engine


def _drop_database(engine: object) -> None:
    """Empty, for the next."""
    models.BASE.metadata.drop_all(engine)


_load()
