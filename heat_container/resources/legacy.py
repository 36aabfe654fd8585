# SPDX-License-Identifier: Apache-2.0
"""DockerInc::Docker::Container: the plug-in of 2014 had it, and templates written for that run unchanged."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, cast

from heat.common import exception
from heat.common.i18n import _
from heat.engine import properties, support

from heat_container.resources.container import Container
from heat_container.resources.container import telling
from heat_container.schema import legacy as schema
from heat_container.schema.container.properties import PROPERTIES
from heat_container.translate import legacy
from nova_container import errors
from nova_container.docker.wire import inspection
from nova_container.engine import ContainerInfo

_OF_INFO: Mapping[str, Callable[[ContainerInfo], Any]] = {
    'info': inspection.inspect_body, 'network_info': lambda info: inspection.inspect_body(info)['NetworkSettings'],
    'network_ip': telling.OF_INFO['ip_address'],
    'network_gateway': lambda info: next((one.gateway for one in info.endpoints if one.gateway), ''),
    'network_tcp_ports': lambda info: _host_ports(info, 'tcp'),
    'network_udp_ports': lambda info: _host_ports(info, 'udp'),
}


class LegacyContainer(Container):
    """A container, by the properties of the plug-in of 2014. New templates use OS::Docker::Container.

    Every change replaces it. Without docker_endpoint it is on the default of the operator, if there is one, and never
    on an engine beside heat-engine by itself.
    """

    ENDPOINT = schema.ENDPOINT
    properties_schema = schema.PROPERTIES
    attributes_schema = schema.ATTRIBUTES
    secret_properties: ClassVar[frozenset[str]] = frozenset()
    support_status = support.SupportStatus(
        status=support.DEPRECATED, version='2026.2', message=_('Use OS::Docker::Container.'),
        previous_status=support.SupportStatus(status=support.UNSUPPORTED))

    @functools.cached_property
    def wanted(self) -> Mapping[str, Any]:
        try:
            data = legacy.modern(self.properties)
        except errors.InvalidSpec as error:
            raise exception.StackValidationFailed(message=str(error)) from None
        return cast(Mapping[str, Any], properties.Properties(PROPERTIES, data, context=self.context))

    def needs_replace_with_prop_diff(self, changed_properties_set: Any, after_props: Any, before_props: Any) -> bool:
        return True

    def needs_replace_failed(self) -> bool:
        return True

    def parse_live_resource_data(self, resource_properties: Any, resource_data: ContainerInfo) -> dict[str, Any]:
        return {}

    def _resolve_attribute(self, name: str) -> Any:
        if not self.resource_id:
            return None
        if name in _OF_INFO:
            return _OF_INFO[name](self._info())
        engine, lines = self.engine(), self.wanted['log_lines']
        if name == 'logs':
            return telling.logs(engine, self.resource_id, lines=lines)
        text = telling.logs(engine, self.resource_id, lines=1, head=name == 'logs_head')
        return text.rstrip('\n')


def _host_ports(info: ContainerInfo, protocol: str) -> str:
    """Each once: dockerd tells of a port for IPv4 and for IPv6."""
    return ','.join(dict.fromkeys(str(port.host_port) for port in info.ports if port.protocol == protocol))
