# SPDX-License-Identifier: Apache-2.0
"""OS::Docker::Secret."""

from heat.common import exception
from heat.common.i18n import _

from heat_container.resources.base import DockerResource
from heat_container.resources.container.making import secret_reader
from heat_container.resources.swarm import SwarmObject
from heat_container.schema import service as schema


class Secret(SwarmObject):
    """A secret of a swarm, which services get as a file in memory.

    Neither the engine nor Heat shows its text. Another text makes another secret, and services that refer to it are
    changed to it.
    """

    kind = 'secrets'
    properties_schema = {**DockerResource.endpoint_schema, **schema.SECRET}
    attributes_schema = schema.OBJECT_ATTRIBUTES
    secret_properties = frozenset(('data',))

    def validate(self) -> None:
        super().validate()
        given = self.properties.data
        if ('data' in given) == ('data_ref' in given):
            raise exception.StackValidationFailed(message=_('Give data or data_ref.'))

    def content(self) -> str | bytes:
        if not self.properties['data_ref']:
            return super().content()
        payload = secret_reader(self)(self.properties['data_ref'])
        return payload if isinstance(payload, bytes) else str(payload)
