# SPDX-License-Identifier: Apache-2.0
"""What every resource on a container engine has: an endpoint, an engine behind a guard, labels, and work beside."""

import contextlib
import functools
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, TypeVar

from heat.common import exception
from heat.common.i18n import _
from heat.engine import constraints, function, properties, resource

from heat_container import (
    client_plugin, endpoints, guard, names, ownership, policy, sealing, sidecar, sizes, versions)
from nova_container import errors
from nova_container.engine import Engine

T = TypeVar('T')
_NOT_NAME = re.compile(r'[^a-zA-Z0-9_.-]+')


class DockerResource(resource.Resource):
    """A resource on a container engine. ``handle_*`` of it see the engine through ``guard``."""

    ENDPOINT, SERVER = 'endpoint', 'server'
    """A type with a property ``server`` is beside that server's container, on the engine of its host."""

    endpoint_schema: ClassVar[dict[str, properties.Schema]] = {
        ENDPOINT: properties.Schema(
            properties.Schema.STRING,
            _('The engine: a name that the operator gave, or a reference to an OS::Docker::Endpoint. Without it, the '
              'default of the operator, if there is one.'),
            constraints=[constraints.CustomConstraint('docker.endpoint')]),
    }

    secret_properties: ClassVar[frozenset[str]] = frozenset()
    """Properties that Heat stores and shows encrypted only: it puts the others into events as they are."""

    default_client_name = client_plugin.CLIENT_NAME
    required_service_extension = None
    always_replace_on_check_failed = False
    requires_deferred_auth = True

    def endpoint(self) -> endpoints.Endpoint:
        """The endpoint of the properties. :raises InvalidRequest: there is none of that name for the project."""
        return self._place.endpoint

    def beside(self) -> str:
        """The id of the container of the Nova server that this is beside, '' if it is beside none."""
        return self._place.container_id

    def engine(self) -> Engine:
        """The engine as this resource may use it; what it makes is labelled and judged whatever the caller does."""
        return self._guarded

    def own_labels(self) -> dict[str, str]:
        """Of all that this resource makes."""
        return ownership.labels(self._project_id, self.stack.id or '', self.stack.name, self.name, self.uuid or '')

    def check_owner(self, labels: Mapping[str, str]) -> None:
        """:raises Forbidden: the thing with these labels is another project's, or nobody's, on a shared engine."""
        if self.endpoint().shared and not ownership.is_of(self._project_id, labels):
            raise exception.Forbidden(action=_('what is not of this project'))

    def background(self, work: Callable[[threading.Event], T]) -> str:
        """Start long work and return its token; it is to end soon once its event is set."""
        return self._plugin.begin(work, self.uuid or '')

    def attempt(self) -> contextlib.AbstractContextManager[threading.Event]:
        """Around waiting that is to end soon once the event is set."""
        return self._plugin.attempt(self.uuid or '')

    def outcome(self, token: str) -> Any:
        """None while it runs; then, once, what it returned (True for None), or what it raised."""
        return self._plugin.outcome(token)

    def cancel(self, token: object) -> None:
        """Call work off; silent if it ended, or if this is no token."""
        if isinstance(token, str):
            self._plugin.cancel(token)

    def needs(self, field: str) -> None:
        """:raises Unsupported: the engine is too old for a field of ``versions.SINCE``."""
        versions.check(self.engine().info(), field)

    # Heat calls these when a stack action is called off or takes too long

    def handle_create_cancel(self, token: object) -> None:
        self.cancel(token)

    def handle_update_cancel(self, token: object) -> None:
        self.cancel(token)

    def handle_delete_cancel(self, token: object) -> None:
        self.cancel(token)

    def handle_preempt(self) -> None:
        """A newer update waits until this create or update ends: end it, if it is of this process."""
        if self.action in (self.CREATE, self.UPDATE):
            self._plugin.call_off(self.uuid or '')
        super().handle_preempt()

    @property
    def converge(self) -> bool:
        """Whether an update is to look at what is there.

        Heat 27 tells it to resources that depend on nothing only: for the others it asks the stack, which it loaded
        anew and which does not know (check_resource.py, ``converge=stack.converge``). So the stack is told.
        """
        return self._converge

    @converge.setter
    def converge(self, wanted: bool) -> None:
        self._converge = wanted
        if wanted:
            self.stack.converge = True

    _converge = False

    def validate(self) -> None:
        """Early; what is unresolved yet is judged by the guard."""
        try:
            sizes.check(function.resolve(self.properties.data))
        except errors.ContainerError as error:
            raise exception.StackValidationFailed(message=str(error)) from None
        super().validate()
        if self.ENDPOINT in self.properties_schema and self.properties.data.get(self.ENDPOINT) is None and not (
                self._is_beside() or endpoints.CONF.docker.default_endpoint):
            raise exception.StackValidationFailed(
                message=_('There is no default endpoint: name one in the property endpoint.'))

    def physical_name(self) -> str:
        """A name that is unique to this resource, and not to what it replaces, in characters that engines take."""
        return _NOT_NAME.sub('-', self.physical_resource_name()).strip('-.')

    def is_mine(self, labels: Mapping[str, str]) -> bool:
        """Whether this very resource made the thing with these labels."""
        return self.uuid is not None and labels.get(names.RESOURCE_UUID) == self.uuid

    @contextlib.contextmanager
    def replacement(self, convergence: bool) -> Iterator[tuple['DockerResource | None', str | None]]:
        """In ``restore_prev_rsrc``: the resource that was set aside, and the physical id of that which failed.

        A context, as resources refer weakly to their stack, and the one that was set aside has a stack of its own.
        """
        if convergence:
            failed, owner, stack = resource.Resource.load(
                self.context, self.replaced_by, self.stack.current_traversal, True, self.stack.defn._resource_data)
            yield self, failed.resource_id
        else:
            backup = self.stack._backup_stack()
            yield backup.resources.get(self.name), self.resource_id

    def get_live_resource_data(self) -> Any:
        """What the engine says; gone if nothing was ever made."""
        if self.resource_id is None:
            raise exception.EntityNotFound(entity='Resource', name=self.name)
        return super().get_live_resource_data()

    def frozen_definition(self) -> Any:
        """Heat's, with secrets in plain."""
        kept = self._stored_properties_data
        if kept is None or not self.secret_properties:
            return super().frozen_definition()
        return self.t.freeze(properties=sealing.unseal(kept, self.secret_properties))

    def _update_stored_properties(self) -> None:
        super()._update_stored_properties()
        if self.secret_properties:
            self._stored_properties_data = sealing.seal(self._stored_properties_data, self.secret_properties)

    def is_lost(self, look: Callable[[], object]) -> bool:
        """Whether nothing was ever made, or ``look`` says by NotFound that it is not there any more."""
        if not self.resource_id:
            return True
        try:
            look()
        except errors.NotFound:
            return True
        return False

    def is_gone(self, error: BaseException) -> bool:
        """Whether an error says that the thing, or the endpoint it was on, is not there."""
        return bool(self._plugin.is_not_found(error))

    @property
    def _plugin(self) -> client_plugin.DockerClientPlugin:
        return self.client_plugin(client_plugin.CLIENT_NAME)

    @property
    def _project_id(self) -> str:
        return self.stack.tenant_id or self.context.project_id

    def _is_beside(self) -> bool:
        return self.SERVER in self.properties_schema and self.ENDPOINT in self.properties_schema and bool(
            self.properties.data.get(self.SERVER))

    @functools.cached_property
    def _granted(self) -> Callable[[str], bool]:
        return policy.granted_to(self.context)

    @functools.cached_property
    def _place(self) -> sidecar.Place:
        """Kept: a resource object lives for one action, and what it is on does not change without a replacement."""
        if self._is_beside():
            if not self._granted('sidecar'):
                raise errors.Denied('The rule docker:create:sidecar does not let you put a container beside a server')
            return sidecar.of_server(self._plugin, self.client('nova'), self.properties[self.SERVER], self._project_id)
        name = self.properties[self.ENDPOINT] if self.ENDPOINT in self.properties_schema else None
        return sidecar.Place(endpoint=endpoints.find(self.context, name, self._project_id))

    @functools.cached_property
    def _guarded(self) -> Engine:
        caller = guard.Caller(project_id=self._project_id, labels=self.own_labels(), granted=self._granted,
                              beside=self.beside())
        return guard.guarded(self._plugin.engine(self.endpoint()), self.endpoint(), caller)


def texts(found: Mapping[str, Any] | None) -> dict[str, str]:
    """A property of free keys, as engines take it: values are texts."""
    return {str(name): str(value) for name, value in (found or {}).items()}
