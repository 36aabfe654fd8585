# SPDX-License-Identifier: Apache-2.0
"""The resource type: what Heat calls, each done by a module beside."""

import json
from collections.abc import Mapping
from typing import Any

from heat.common import exception

from heat_container.resources.base import DockerResource
from heat_container.resources.container import telling
from heat_container.resources.container.steps import Steps, Waits, begun
from heat_container.resources.pod import changing, members, replacement
from heat_container.schema import pod as schema
from heat_container.translate import pod as translate
from nova_container import errors
from nova_container.engine import ContainerInfo, Status

_STOPPED = 'stopped_by_suspend'
_OF_INFRA = frozenset(('id', 'name', 'ip_address', 'addresses', 'ports'))


class Pod(DockerResource):
    """Containers that share a network, and on request more, and live and go together.

    A container that does nothing holds what is shared, so members come and go without it. Init containers run before
    the members, one after the other.
    """

    properties_schema = {**DockerResource.endpoint_schema, **schema.PROPERTIES}
    attributes_schema = schema.ATTRIBUTES
    secret_properties = frozenset(('containers', 'init_containers'))
    physical_resource_name_limit = 100

    def validate(self) -> None:
        super().validate()
        if self.t.required_resource_names():
            return
        try:
            translate.check(self.properties)
            changing.check_labels(self.properties)
        except errors.InvalidRequest as error:
            raise exception.StackValidationFailed(message=str(error)) from None

    def handle_create(self) -> Steps:
        translate.check(self.properties)
        return begun(changing.make(self, self.properties))

    def check_create_complete(self, steps: Steps) -> bool:
        return steps.done()

    def handle_update(self, json_snippet: Any, tmpl_diff: Any, prop_diff: Mapping[str, Any]) -> Steps:
        after = json_snippet.properties(self.properties_schema, self.context)
        translate.check(after)
        return begun(changing.change(self, self.properties, after))

    def check_update_complete(self, steps: Steps) -> bool:
        return steps.done()

    def handle_delete(self) -> Steps:
        return begun(changing.remove(self, self.properties))

    def check_delete_complete(self, steps: Steps) -> bool:
        return steps.done()

    def handle_create_cancel(self, steps: Any) -> None:
        if isinstance(steps, Steps):
            steps.close()

    handle_update_cancel = handle_delete_cancel = handle_create_cancel

    def handle_suspend(self) -> Steps:
        return begun(self._suspended())

    def check_suspend_complete(self, steps: Steps) -> bool:
        return steps.done()

    def handle_resume(self) -> Steps:
        return begun(self._resumed())

    def check_resume_complete(self, steps: Steps) -> bool:
        return steps.done()

    def handle_check(self) -> None:
        there = members.of(self)
        infra = there.get(members.INFRA)
        if infra is None or not infra.status.alive:
            raise exception.Error('What holds the namespaces of the pod does not run.')
        for one in self._wanted():
            if wrong := changing.is_well(one, there.get(one['name'])):
                raise exception.Error(wrong)

    def needs_replace_failed(self) -> bool:
        """One whose infra container is there is mended in place."""
        return members.INFRA not in members.of(self)

    def _needs_update(self, after: Any, before: Any, after_props: Any, before_props: Any, prev_resource: Any,
                      check_init_complete: bool = True) -> bool:
        """An update that failed half way is done again even if the template is the old one."""
        needed = super()._needs_update(after, before, after_props, before_props, prev_resource, check_init_complete)
        return bool(needed or self.status == self.FAILED)

    def prepare_for_replace(self) -> None:
        if self.resource_id is not None:
            replacement.set_aside(self)

    def restore_prev_rsrc(self, convergence: bool = False) -> None:
        replacement.bring_back(self, convergence=convergence)

    def get_live_resource_data(self) -> dict[str, ContainerInfo]:
        there = members.of(self)
        if members.INFRA not in there:
            raise exception.EntityNotFound(entity='Pod', name=self.name)
        return there

    def parse_live_resource_data(self, resource_properties: Any, resource_data: dict[str, ContainerInfo]) -> dict[
            str, Any]:
        """The members that are as they should be."""
        if not resource_data[members.INFRA].status.alive:
            return {'containers': []}
        return {'containers': [
            _given(one) for one in resource_properties['containers'] if not changing.is_well(
                translate.member_properties(resource_properties, one), resource_data.get(one['name']))]}

    def _show_resource(self) -> dict[str, Any]:
        return {name: self._resolve_attribute(name) for name in ('id', 'name', 'addresses', 'ports', 'states')}

    def _resolve_attribute(self, name: str) -> Any:
        if not self.resource_id:
            return None
        if name == 'host':
            return self.endpoint().address
        if name in _OF_INFRA:
            return telling.OF_INFO[name](self.engine().inspect(self.resource_id))
        there = members.of(self)
        there.pop(members.INFRA, None)
        if name == 'exit_codes':
            return {member: info.exit.code for member, info in there.items() if info.exit and not info.status.alive}
        if name == 'logs':
            return {member: telling.logs(self.engine(), info.id, lines=self.properties['log_lines'], head=False)
                    for member, info in there.items()}
        told = {'containers': 'id', 'states': 'state'}[name]
        wanted = {one['name'] for one in self.properties['containers']}
        return {member: telling.OF_INFO[told](info) for member, info in there.items() if member in wanted}

    def _wanted(self) -> list[dict[str, Any]]:
        return [translate.member_properties(self.properties, one) for one in self.properties['containers']]

    def _suspended(self) -> Waits:
        """What holds the shared goes on: it does nothing."""
        engine, there, stopped = self.engine(), members.of(self), []
        for one in reversed(self._wanted()):
            info = there.get(one['name'])
            if info is None or info.status is not Status.RUNNING:
                continue
            if self.properties['suspend_mode'] == 'pause':
                engine.pause(info.id)
            else:
                stopped.append(one['name'])
                self.data_set(_STOPPED, json.dumps(stopped))
                engine.stop(info.id)
            yield

    def _resumed(self) -> Waits:
        engine, there = self.engine(), members.of(self)
        stopped = json.loads(self.data().get(_STOPPED, '[]'))
        for one in self._wanted():
            info = there.get(one['name'])
            if info is None:
                raise exception.Error(changing.is_well(one, info))
            if info.status is Status.PAUSED:
                engine.unpause(info.id)
            elif one['name'] in stopped:
                engine.start(info.id)
            yield
        self.data_delete(_STOPPED)


def _given(value: Any) -> Any:
    """What was given of a resolved property: an explicit null would become 0, '' or false."""
    if isinstance(value, Mapping):
        return {key: _given(item) for key, item in value.items() if item is not None}
    return [_given(item) for item in value] if isinstance(value, list) else value
