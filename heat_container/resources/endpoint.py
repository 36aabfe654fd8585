# SPDX-License-Identifier: Apache-2.0
"""OS::Docker::Endpoint."""

import dataclasses
import threading
import time
import uuid
from collections.abc import Mapping
from typing import Any

from heat.common import exception
from heat.common.i18n import _

from heat_container import endpoints, reach, servers, tenants
from heat_container.resources.base import DockerResource
from heat_container.schema import endpoint as schema
from nova_container import errors
from nova_container.engine import Engine

_PING_S, _BETWEEN_S = 5.0, 1.0
_ANSWERED = 'answered'
_NO_OPTION = _('The operator does not offer endpoints of projects: name one of the operator.')


@dataclasses.dataclass(slots=True)
class _Wait:
    """For an engine to answer. One ping is under way at a time, beside the threads of heat-engine."""

    deadline: float
    token: str = ''
    last: str = ''


class Endpoint(DockerResource):
    """A container engine of the project's own, on a server of Nova or anywhere that Heat may reach.

    It is complete when the engine answers. Other resources name it in their property endpoint. As the engine is the
    project's own, no policy bounds what they may ask of it.
    """

    properties_schema = schema.PROPERTIES
    attributes_schema = schema.ATTRIBUTES
    secret_properties = frozenset((tenants.CA, tenants.CERT, tenants.KEY))

    def validate(self) -> None:
        super().validate()
        if not endpoints.CONF.docker.tenant_endpoints:
            raise exception.StackValidationFailed(message=_NO_OPTION)
        try:
            _check(self.properties)
        except errors.ContainerError as error:
            raise exception.StackValidationFailed(message=str(error)) from None

    def endpoint(self) -> endpoints.Endpoint:
        return endpoints.of_tenant(self.resource_id, self.data(), self.context)

    def beside(self) -> str:
        return ''

    # Life

    def handle_create(self) -> _Wait:
        self._check_allowed()
        self.resource_id_set(str(uuid.uuid4()))
        self._keep(self.properties)
        return self._waiting(self.properties)

    def check_create_complete(self, wait: _Wait) -> bool:
        return self._answers(wait)

    def handle_update(self, json_snippet: Any, tmpl_diff: Any, prop_diff: Mapping[str, Any]) -> _Wait:
        after = json_snippet.properties(self.properties_schema, self.context)
        _check(after)
        self._keep(after)
        return self._waiting(after)

    def check_update_complete(self, wait: _Wait) -> bool:
        return self._answers(wait)

    def handle_create_cancel(self, wait: _Wait) -> None:
        self.cancel(wait.token)

    def handle_update_cancel(self, wait: _Wait) -> None:
        self.cancel(wait.token)

    def handle_delete(self) -> None:
        """There is nothing but what Heat keeps; the engine is not ours."""

    def handle_check(self) -> None:
        self._engine().ping(timeout_s=_PING_S)

    def needs_replace_failed(self) -> bool:
        return tenants.URL not in self.data()

    def handle_adopt(self, resource_data: Any = None) -> None:
        self._check_allowed()
        super().handle_adopt(resource_data)
        self._keep(self.properties)

    def prepare_abandon(self) -> dict[str, Any]:
        """Without the texts that are kept encrypted: adoption reads them from the properties."""
        told = super().prepare_abandon()
        return {**told, 'resource_data': {name: value for name, value in told['resource_data'].items()
                                          if name not in self.secret_properties}}

    def get_live_resource_data(self) -> dict[str, Any]:
        """It is gone with the server that runs it."""
        if self.resource_id is None or tenants.URL not in self.data():
            raise exception.EntityNotFound(entity='Resource', name=self.name)
        if self.properties[schema.SERVER]:
            self.client_plugin('nova').get_server(self.properties[schema.SERVER])
        return {}

    # What it is

    def _show_resource(self) -> dict[str, Any]:
        info = dataclasses.asdict(self._engine().info())
        return {name: info[name] for name in ('name', 'version', 'api_version', 'operating_system', 'architecture',
                                              'cpus', 'memory_bytes', 'hostname', 'kernel_version')}

    def _resolve_attribute(self, name: str) -> Any:
        if self.resource_id is None:
            return None
        if name in (schema.URL, schema.ADDRESS):
            url = self.data().get(tenants.URL, '')
            return url if name == schema.URL else reach.host_of(url)
        info = self._engine().info()
        return {schema.API_VERSION: info.api_version, schema.ENGINE: info.name, schema.ENGINE_VERSION: info.version,
                schema.OS: info.operating_system, schema.ARCHITECTURE: info.architecture, schema.CPUS: info.cpus,
                schema.MEMORY: info.memory_bytes, schema.HOSTNAME: info.hostname}[name]

    # Steps

    def _engine(self) -> Engine:
        return self._plugin.engine(self.endpoint())

    def _check_allowed(self) -> None:
        """:raises Denied: who asks may bring no engine."""
        if not endpoints.CONF.docker.tenant_endpoints or not self._granted('endpoint'):
            raise errors.Denied('The rule docker:create:endpoint does not let you use an engine of your own')

    def _keep(self, props: Mapping[str, Any]) -> None:
        """What the resources that name it read (``tenants``)."""
        url = props[schema.URL] or servers.engine_url(
            self.client_plugin('nova').get_server(props[schema.SERVER]), props[schema.NETWORK], props[schema.PORT])
        reach.check_url(url)
        kept = {tenants.URL: url, **{name: props[name] or '' for name in (schema.SERVER_NAME, *schema.MATERIAL)}}
        for name, value in kept.items():
            self.data_set(name, value, redact=name in self.secret_properties)

    def _waiting(self, props: Mapping[str, Any]) -> _Wait:
        """:raises InvalidRequest: a certificate is wrong, which waiting does not mend."""
        self._engine()
        return _Wait(time.monotonic() + props[schema.WAIT_TIMEOUT])

    def _answers(self, wait: _Wait) -> bool:
        """Whether it does by now. :raises Denied: heat may not connect to it. :raises Unavailable: it took too long."""
        if not wait.token:
            engine = self._engine()
            wait.token = self.background(lambda stop: _ping(engine, stop))
            return False
        last = self.outcome(wait.token)
        if last is None:
            return False
        wait.token, wait.last = '', last
        if last == _ANSWERED:
            return True
        if time.monotonic() > wait.deadline:
            waited_s = self.properties[schema.WAIT_TIMEOUT]
            raise errors.Unavailable(f'The engine did not answer within {waited_s} s: {last}')
        return False


def _ping(engine: Engine, stop: threading.Event) -> str:
    """Why it does not answer, or that it does. :raises Denied:"""
    try:
        engine.ping(timeout_s=_PING_S)
    except errors.Unavailable as error:
        stop.wait(_BETWEEN_S)
        return str(error)
    return _ANSWERED


def _check(props: Mapping[str, Any]) -> None:
    """:raises InvalidRequest: what is known of them does not fit together."""
    if bool(props[schema.URL]) == bool(props[schema.SERVER]):
        raise errors.InvalidRequest('An endpoint has a url or a server')
    if props[schema.URL]:
        reach.check_url(props[schema.URL])
    for text, ref in tenants.MATERIAL:
        if bool(props[text]) == bool(props[ref]):
            raise errors.InvalidRequest(f'Engines of projects are reached by TLS only: give {ref}, or {text}')
