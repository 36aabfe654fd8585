# SPDX-License-Identifier: Apache-2.0
"""What services, secrets and configs of a swarm have in common."""

import re
from collections.abc import Mapping
from typing import Any

from heat.common import exception

from heat_container.resources.base import DockerResource
from heat_container.swarm import policy
from heat_container.swarm.cluster import Cluster, encoded
from heat_container.translate.container import mapping_of
from nova_container import errors
from nova_container.docker.base import Verbs

_DOTS = re.compile(r'[.]+')


class SwarmResource(DockerResource):
    """A thing of a swarm; ``kind`` is its path in the API."""

    kind: str

    def cluster(self) -> Cluster:
        """:raises Denied: it is not allowed here. :raises Unsupported: the engine manages no swarm."""
        place = self.endpoint()
        policy.check_type(place.level, self._granted)
        engine = self._plugin.engine(place)
        if not isinstance(engine, Verbs):
            raise errors.Unsupported('This engine manages no swarm: use another endpoint')
        return Cluster(engine, self._project_id if place.shared else '', self.own_labels())

    def handle_check(self) -> None:
        self.cluster().inspect(self.kind, self.resource_id)

    def handle_delete(self) -> None:
        if self.resource_id:
            self.cluster().remove(self.kind, self.resource_id)

    def needs_replace_failed(self) -> bool:
        return self.is_lost(lambda: self.cluster().inspect(self.kind, self.resource_id))

    def get_live_resource_data(self) -> Any:
        try:
            return self.cluster().inspect(self.kind, self.resource_id or '')
        except errors.NotFound:
            raise exception.EntityNotFound(entity=self.kind, name=self.name) from None

    def parse_live_resource_data(self, resource_properties: Any, resource_data: Any) -> dict[str, Any]:
        """What a swarm has is what it was told last."""
        return {}

    def _show_resource(self) -> Any:
        found = self.cluster().inspect(self.kind, self.resource_id)
        return {'id': found['ID'], 'name': found['Spec']['Name'], 'version': found['Version']['Index']}

    def _resolve_attribute(self, name: str) -> Any:
        found = self.cluster().inspect(self.kind, self.resource_id)
        return found['ID'] if name == 'id' else found['Spec']['Name']

    def swarm_name(self) -> str:
        """Of at most 63 characters, without dots."""
        return _DOTS.sub('-', self.physical_name())[-63:].strip('-_')


class SwarmObject(SwarmResource):
    """A secret or a config: its text is for ever, so another text is another object, under another name."""

    def handle_create(self) -> None:
        cluster = self.cluster()
        cluster.check_manager()
        body: dict[str, Any] = {
            'Name': self._object_name(), 'Labels': cluster.labelled(mapping_of(self.properties['labels'])),
            'Data': encoded(self.content())}
        if self.properties['templating']:
            body['Templating'] = {'Name': self.properties['templating']}
        self.resource_id_set(cluster.create(self.kind, body))

    def handle_update(self, json_snippet: Any, tmpl_diff: Any, prop_diff: Mapping[str, Any]) -> None:
        if 'labels' in prop_diff:
            cluster = self.cluster()
            spec = cluster.inspect(self.kind, self.resource_id)['Spec']
            cluster.update(self.kind, self.resource_id, {
                **spec, 'Labels': cluster.labelled(mapping_of(prop_diff['labels']))})

    def _object_name(self) -> str:
        own = self.properties['name']
        return f'{own}-{(self.uuid or "")[:8]}' if own else self.swarm_name()

    def content(self) -> str | bytes:
        return str(self.properties['data'])
