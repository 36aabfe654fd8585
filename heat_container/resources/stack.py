# SPDX-License-Identifier: Apache-2.0
"""OS::Docker::Stack."""

from collections.abc import Mapping
from typing import Any

from heat.common import exception
from heat.common.i18n import _
from heat.engine.resources import stack_resource

from heat_container.compose import template
from heat_container.resources.base import DockerResource
from heat_container.schema import stack as schema
from heat_container.translate.container import mapping_of
from nova_container import errors


class Stack(DockerResource, stack_resource.StackResource):
    """The services, networks and volumes of a compose file, as a nested stack of containers, networks and volumes.

    An update changes what differs in the file, and leaves the other containers alone. What one engine and a stack
    cannot express is refused by the name of its key.
    """

    properties_schema = {**DockerResource.endpoint_schema, **schema.PROPERTIES}
    attributes_schema = schema.ATTRIBUTES
    secret_properties = frozenset((schema.SECRETS, schema.FILES))

    def child_template(self) -> Any:
        return self._nested_of(self.properties).template

    def child_params(self) -> dict[str, str]:
        return dict(self._nested_of(self.properties).parameters)

    def validate(self) -> None:
        """What is not known before the stack is made is judged then."""
        try:
            super().validate()
        except errors.InvalidRequest as error:
            raise exception.StackValidationFailed(message=str(error)) from None

    def validate_nested_stack(self) -> None:
        if self.properties[schema.COMPOSE]:
            super().validate_nested_stack()

    def handle_create(self) -> Any:
        return self.create_with_template(self.child_template(), self.child_params())

    def handle_adopt(self, resource_data: Any = None) -> Any:
        return self.create_with_template(self.child_template(), self.child_params(), adopt_data=resource_data)

    def handle_update(self, json_snippet: Any, tmpl_diff: Any, prop_diff: Mapping[str, Any]) -> Any:
        found = self._nested_of(json_snippet.properties(self.properties_schema, self.context))
        return self.update_with_template(found.template, dict(found.parameters))

    def handle_create_cancel(self, token: object) -> Any:
        return stack_resource.StackResource.handle_create_cancel(self, token)

    def handle_update_cancel(self, token: object) -> Any:
        return stack_resource.StackResource.handle_update_cancel(self, token)

    def handle_delete(self) -> Any:
        return self.delete_nested()

    def handle_delete_cancel(self, token: object) -> None:
        """The nested stack goes on."""

    def needs_replace_failed(self) -> bool:
        """The nested stack repairs what failed in it."""
        return not self.resource_id

    def _resolve_attribute(self, name: str) -> Any:
        return self.get_output(name) if self.resource_id else None

    @staticmethod
    def _nested_of(props: Mapping[str, Any]) -> template.Nested:
        """:raises StackValidationFailed: the file cannot be expressed; the text names the key."""
        try:
            return template.nested(
                props[schema.COMPOSE], variables=mapping_of(props[schema.VARIABLES]),
                secrets=mapping_of(props[schema.SECRETS]), files=mapping_of(props[schema.FILES]),
                profiles=props[schema.PROFILES], endpoint=props[DockerResource.ENDPOINT])
        except errors.InvalidRequest as error:
            raise exception.StackValidationFailed(message=_('compose: %s') % error) from None
