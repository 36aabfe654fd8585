# SPDX-License-Identifier: Apache-2.0
"""The resource type: what Heat calls, each done by a module beside."""

import json
from collections.abc import Mapping
from typing import Any, cast

from heat.common import exception
from heat.common.i18n import _
from heat.engine.resources import signal_responder

from heat_container import features, image_names, names
from heat_container.resources.base import DockerResource
from heat_container.resources.container import changing, making, removal, replacement, signals, telling, waiting
from heat_container.resources.container.steps import Steps, Waits, begun
from heat_container.schema.container.attributes import ATTRIBUTES
from heat_container.schema.container.properties import PROPERTIES
from nova_container import errors
from nova_container.engine import CommitSpec, ContainerInfo, Status

_SNAPSHOT, _STOPPED = 'snapshot_image_id', 'stopped_by_suspend'


class Container(DockerResource, signal_responder.SignalResponder):
    """A container on a container engine.

    It is complete when it is what wait_for says. What an engine can change in a container is changed in place; for the
    rest it is replaced, and comes back if the new one fails.
    """

    properties_schema = {**DockerResource.endpoint_schema, **PROPERTIES}
    attributes_schema = ATTRIBUTES
    secret_properties = frozenset(('secret_environment', 'registry_credentials', 'files'))
    physical_resource_name_limit = 100

    @property
    def wanted(self) -> Mapping[str, Any]:
        """The properties by the names of this type."""
        return cast(Mapping[str, Any], self.properties)

    # Life

    def validate(self) -> None:
        """Contradictions and what is denied, as far as it can be told before anything else of the stack is there."""
        super().validate()
        props = self.wanted
        if self.t.required_resource_names():
            return
        restart = (props['restart_policy'] or {}).get('name')
        if props['wait_for'] == 'exited' and restart in ('always', 'unless-stopped'):
            raise _invalid(_('wait_for exited never comes true with restart_policy %s.') % restart)
        if props['read_only'] and (loose := _below_no_mount(props)):
            raise _invalid(_('files: %s cannot be written, as the root file system is read_only; mount a volume there.')
                           % loose)
        try:
            spec = making.spec_of(props, self, name='validated', image=props['image'], secrets=making.texts_of(
                props['secret_environment']), beside_of='')
            if not self._is_beside():
                features.check_container(self.endpoint().level, spec, self._granted)
        except errors.ContainerError as error:
            raise _invalid(str(error)) from None

    def handle_create(self) -> Steps:
        return begun(making.make(self, self.wanted, self.wanted['name'] or self.physical_name()))

    def check_create_complete(self, steps: Steps) -> bool:
        return steps.done()

    def handle_update(self, json_snippet: Any, tmpl_diff: Any, prop_diff: Mapping[str, Any]) -> Steps:
        after = json_snippet.properties(self.properties_schema, self.context)
        return begun(changing.change(self, self.properties, after, anew=self._failed or 'start' in prop_diff))

    def check_update_complete(self, steps: Steps) -> bool:
        return steps.done()

    def handle_delete(self) -> Steps:
        return begun(self._removed())

    def check_delete_complete(self, steps: Steps) -> bool:
        return steps.done()

    def cancel(self, token: object) -> None:
        """Heat calls an action off."""
        if isinstance(token, Steps):
            token.close()
        else:
            super().cancel(token)

    def handle_suspend(self) -> Steps:
        if self._get_user_id():
            super().handle_suspend()
        return begun(self._suspended())

    def check_suspend_complete(self, steps: Steps) -> bool:
        return steps.done()

    def handle_resume(self) -> Steps:
        if self._get_user_id():
            super().handle_resume()
        return begun(self._resumed())

    def check_resume_complete(self, steps: Steps) -> bool:
        return steps.done()

    def handle_check(self) -> None:
        wrong = waiting.as_it_should_be(self._info(), started=self.wanted['start'],
                                        job=making.may_have_ended(self, self.wanted),
                                        expected=self.wanted['expected_exit_codes'])
        if wrong:
            raise exception.Error(wrong)

    def handle_signal(self, details: Any = None) -> str:
        return signals.act(self, details, self.wanted['signal_actions'] or [])

    # Replacement

    def needs_replace_with_prop_diff(self, changed_properties_set: Any, after_props: Any, before_props: Any) -> bool:
        return changing.needs_replacement(changed_properties_set, after_props, before_props)

    def needs_replace_failed(self) -> bool:
        """One that was made, and is there, is mended in place."""
        if self.resource_id is None or self.action in (self.CREATE, self.CHECK, self.ADOPT):
            return True
        return removal.find(self, self.engine()) is None

    def _needs_update(self, after: Any, before: Any, after_props: Any, before_props: Any, prev_resource: Any,
                      check_init_complete: bool = True) -> bool:
        """An update that failed half way is done again even if the template is the old one."""
        needed = super()._needs_update(after, before, after_props, before_props, prev_resource, check_init_complete)
        self._failed = self.status == self.FAILED
        return bool(needed or self._failed)

    _failed = False

    def prepare_for_replace(self) -> None:
        replacement.set_aside(self)

    def restore_prev_rsrc(self, convergence: bool = False) -> None:
        replacement.bring_back(self, convergence=convergence)

    # Snapshots

    def handle_snapshot(self) -> str:
        image_id = self._committed()
        self.data_set(_SNAPSHOT, image_id)
        return image_id

    def handle_delete_snapshot(self, snapshot: Mapping[str, Any]) -> None:
        image_id = (snapshot['resource_data'] or {}).get(_SNAPSHOT)
        if image_id:
            try:
                self.engine().remove_image(image_id)
            except errors.WrongState:
                self.engine().remove_image(self._snapshot_name())

    def handle_restore(self, defn: Any, restore_data: Mapping[str, Any]) -> Any:
        """The same, of the image of the snapshot."""
        props = {name: value for name, value in self.properties.data.items() if value is not None}
        return defn.freeze(properties={**props, 'image': restore_data['resource_data'][_SNAPSHOT]})

    def handle_snapshot_delete(self, state: Any) -> Steps:
        """For ``deletion_policy: Snapshot``: the image stays."""
        if self.resource_id and tuple(state) != (self.CREATE, self.FAILED):
            self._committed()
        return begun(self._removed())

    # What it is

    def handle_adopt(self, resource_data: Any = None) -> None:
        """:raises Forbidden: it is another project's."""
        super().handle_adopt(resource_data)
        self.check_owner(self._info().labels)

    def get_live_resource_data(self) -> ContainerInfo:
        info = removal.find(self, self.engine())
        if info is None:
            raise exception.EntityNotFound(entity='Container', name=self.name)
        return info

    def parse_live_resource_data(self, resource_properties: Any, resource_data: ContainerInfo) -> dict[str, Any]:
        return changing.live_properties(self, resource_data, resource_properties)

    def _show_resource(self) -> dict[str, Any]:
        info = self._info()
        self.check_owner(info.labels)
        return telling.shown(info, self.endpoint().address)

    def _resolve_attribute(self, name: str) -> Any:
        if not self.resource_id:
            return None
        if name == 'signal_url':
            return self._get_ec2_signed_url(never_expire=True)
        if name == 'host':
            return self.endpoint().address
        if name in telling.OF_INFO:
            return telling.OF_INFO[name](self._info())
        engine, lines = self.engine(), self.wanted['log_lines']
        if name in ('logs', 'logs_head', 'logs_tail'):
            return telling.logs(engine, self.resource_id, lines=lines, head=name == 'logs_head')
        if name == 'output_files':
            return telling.output_files(engine, self.resource_id, self.wanted['output_files'] or [])
        return getattr(telling, name)(engine, self.resource_id)

    # Steps

    def _info(self) -> ContainerInfo:
        return self.engine().inspect(self.resource_id)

    def _removed(self) -> Waits:
        yield from removal.remove(self, self.wanted)
        if self._get_user_id():
            self._delete_ec2_signed_url()
            self._delete_user()

    def _suspended(self) -> Waits:
        info = self._info()
        if self.wanted['suspend_mode'] == 'pause' and info.status is Status.RUNNING:
            self.engine().pause(info.id)
        elif self.wanted['suspend_mode'] == 'stop' and info.status.alive:
            self.data_set(_STOPPED, json.dumps(True))
            yield from removal.stop(self, info, self.wanted)

    def _resumed(self) -> Waits:
        info = self._info()
        if info.status is Status.PAUSED:
            self.engine().unpause(info.id)
            yield from making.wait(self, info.id, self.wanted)
        elif self.data().get(_STOPPED) and not info.status.alive:
            yield from making.start(self, info.id, self.wanted)
        self.data_delete(_STOPPED)

    def _committed(self) -> str:
        info = self._info()
        self.check_owner(info.labels)
        unclaimed = {**info.labels, **dict.fromkeys(names.OWN_LABELS & info.labels.keys(), '')}
        return self.engine().commit(info.id, CommitSpec(
            reference=self._snapshot_name(), config={'Labels': unclaimed}))  # what is left out, dockerd keeps

    def _snapshot_name(self) -> str:
        """Named, so that nobody prunes it."""
        return image_names.of_project(self._project_id, f'snapshot/{(self.uuid or "").lower()}')


def _invalid(text: str) -> exception.StackValidationFailed:
    return exception.StackValidationFailed(message=text)


def _below_no_mount(props: Mapping[str, Any]) -> str:
    """The path of a file that is on the root file system, '' if none is."""
    targets = tuple(mount['target'].rstrip('/') + '/' for mount in props['mounts'] or ())
    return next((file['path'] for file in props['files'] or () if not file['path'].startswith(targets)), '')
