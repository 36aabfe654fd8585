# SPDX-License-Identifier: Apache-2.0
"""Containers beside a Nova server of our driver: on the engine of its host, sharing its ports and security groups.

Whose the server is, Nova says to the token of the user; which container it is, the labels that the driver gives it.
"""

import dataclasses
from typing import Any

from heat_container import endpoints
from nova_container import errors

UUID, PROJECT = 'org.openstack.nova.uuid', 'org.openstack.nova.project_id'
"""Labels of nova_container/virt/translate/container.py."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a resource is: an endpoint, and the container of a server that it is beside, '' for none."""

    endpoint: endpoints.Endpoint
    container_id: str = ''


def of_server(plugin: Any, nova: Any, server_id: str, project_id: str) -> Place:
    """The place beside a server.

    :param plugin: heat's client ``docker``.
    :param nova: python-novaclient with the token of the user.
    :raises InvalidRequest: it is not a server of the project, or no container of our driver.
    """
    server = nova.servers.get(server_id)
    if getattr(server, 'tenant_id', None) != project_id:
        raise errors.InvalidRequest('A container can be put beside servers of its own project only')
    endpoint = endpoints.of_compute_host(project_id, server.hostId)
    found = plugin.engine(endpoint).list(labels={UUID: server.id, PROJECT: project_id})
    if len(found) != 1:
        raise errors.InvalidRequest(f'Server {server.id} is not a container: no container can be put beside it')
    return Place(endpoint=endpoint, container_id=found[0].id)
