# SPDX-License-Identifier: Apache-2.0
"""OS::Docker::Config."""

from heat_container.resources.base import DockerResource
from heat_container.resources.swarm import SwarmObject
from heat_container.schema import service as schema


class Config(SwarmObject):
    """A text of a swarm, which services get as a file.

    Another text makes another config, and services that refer to it are changed to it.
    """

    kind = 'configs'
    properties_schema = {**DockerResource.endpoint_schema, **schema.CONFIG}
    attributes_schema = schema.OBJECT_ATTRIBUTES
