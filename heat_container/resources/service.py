# SPDX-License-Identifier: Apache-2.0
"""OS::Docker::Service."""

from collections.abc import Mapping
from typing import Any

from heat_container import credentials, image_names, limits, ownership
from heat_container.resources.base import DockerResource
from heat_container.resources.container.making import secret_reader, secrets_of
from heat_container.resources.swarm import SwarmResource
from heat_container.schema import service as schema
from heat_container.swarm import convergence, policy, spec
from heat_container.swarm.cluster import Cluster
from heat_container.translate.container import mapping_of
from nova_container.docker.policy import Level
from nova_container.engine import Resources
from nova_container.image import reference as references


class Service(SwarmResource):
    """A service of a swarm: tasks on its nodes, kept up by the engine that manages it.

    All but name and mode changes while it runs, in the way that update_config says. It is complete when its tasks run.
    """

    kind = 'services'
    properties_schema = {**DockerResource.endpoint_schema, **schema.SERVICE}
    attributes_schema = schema.SERVICE_ATTRIBUTES
    secret_properties = frozenset(('secret_environment', 'registry_credentials'))

    def handle_create(self) -> bool:
        cluster, props = self.cluster(), self.properties
        cluster.check_manager()
        self.resource_id_set(cluster.create(self.kind, self._body(cluster, props), self._login(props)))
        return bool(props['wait'])

    def check_create_complete(self, wait: bool) -> bool:
        return not wait or self._has_converged()

    def handle_update(self, json_snippet: Any, tmpl_diff: Any, prop_diff: Mapping[str, Any]) -> bool:
        cluster, props = self.cluster(), json_snippet.properties(self.properties_schema, self.context)
        cluster.update(self.kind, self.resource_id, self._body(cluster, props), self._login(props))
        return bool(props['wait'])

    def check_update_complete(self, wait: bool) -> bool:
        return not wait or self._has_converged()

    def check_delete_complete(self, token: Any) -> bool:
        """Gone with its containers, so that networks and volumes can go."""
        return not self.resource_id or self.cluster().is_gone(self.resource_id)

    def _needs_update(self, after: Any, before: Any, after_props: Any, before_props: Any, prev_resource: Any,
                      check_init_complete: bool = True) -> bool:
        """An update that failed half way is done again even if the template is the old one."""
        needed = super()._needs_update(after, before, after_props, before_props, prev_resource, check_init_complete)
        return bool(needed or self.status == self.FAILED)

    def _has_converged(self) -> bool:
        cluster = self.cluster()
        found = cluster.inspect(self.kind, self.resource_id)
        return convergence.reached(found, cluster.tasks(found['ID']), cluster.nodes())

    def _body(self, cluster: Cluster, props: Mapping[str, Any]) -> dict[str, Any]:
        """What is sent, judged."""
        ownership.merged(mapping_of(props['container_labels']), {})
        props = self._bounded(props)
        networks = {one['network']: cluster.network_id(one['network']) for one in props['networks'] or ()}
        names = {one[kind]: cluster.inspect(f'{kind}s', one[kind])['Spec']['Name']
                 for kind in ('secret', 'config') for one in props[f'{kind}s'] or ()}
        found = spec.service_spec(
            props, name=props['name'] or self.swarm_name(), networks=networks, names=names,
            labels=cluster.labelled(mapping_of(props['labels'])), secrets=secrets_of(self, props['secret_environment']))
        place = self.endpoint()
        policy.check_service(place.level, found, self._granted, self._project_id, place.limits.host_ports)
        return found

    def _bounded(self, props: Mapping[str, Any]) -> dict[str, Any]:
        """With the limits of an endpoint that projects share, and an image that the project may use."""
        place = self.endpoint()
        if not place.shared:
            return dict(props)
        limits.check_resources(place.limits, Resources(memory_bytes=props['memory'], pids_limit=props['pids_limit']))
        if place.level is not Level.PRIVILEGED:
            reference = references.parse(props['image']).familiar()
            image_names.check_usable(self._project_id, (reference,))
            limits.check_registry(place.limits, (reference,))
        return {**props, 'memory': props['memory'] or place.limits.memory_bytes or None,
                'pids_limit': props['pids_limit'] or place.limits.pids or None}

    def _login(self, props: Mapping[str, Any]) -> Any:
        return credentials.resolve(props['registry_credentials'], secret_reader(self))

    def _resolve_attribute(self, name: str) -> Any:
        if not self.resource_id:
            return None
        cluster = self.cluster()
        if name == 'logs':
            return cluster.logs(self.resource_id, self.properties['log_lines'])
        if name == 'tasks':
            return [_task(one) for one in cluster.tasks(self.resource_id)]
        if name == 'replicas_running':
            return convergence.running(cluster.tasks(self.resource_id))
        found = cluster.inspect(self.kind, self.resource_id)
        endpoint, update = found.get('Endpoint') or {}, found.get('UpdateStatus') or {}
        return {
            'id': found['ID'], 'name': found['Spec']['Name'],
            'ports': [{'target_port': one.get('TargetPort'), 'published_port': one.get('PublishedPort'),
                       'protocol': one.get('Protocol'), 'publish_mode': one.get('PublishMode')}
                      for one in endpoint.get('Ports') or ()],
            'virtual_ips': {one['NetworkID']: one.get('Addr', '') for one in endpoint.get('VirtualIPs') or ()},
            'update_status': {'state': update.get('State', ''), 'message': update.get('Message', ''),
                              'started_at': update.get('StartedAt', ''), 'completed_at': update.get('CompletedAt', '')},
        }[name]


def _task(task: Mapping[str, Any]) -> dict[str, Any]:
    status = task['Status']
    container = status.get('ContainerStatus') or {}
    return {'id': task['ID'], 'slot': task.get('Slot', 0), 'node': task.get('NodeID', ''), 'state': status['State'],
            'desired_state': task['DesiredState'], 'container': container.get('ContainerID', ''),
            'error': status.get('Err', ''), 'exit_code': container.get('ExitCode')}
