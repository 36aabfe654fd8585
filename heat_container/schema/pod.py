# SPDX-License-Identifier: Apache-2.0
"""Properties and attributes of OS::Docker::Pod."""

from collections.abc import Mapping

from heat.common.i18n import _
from heat.engine import constraints
from heat.engine.attributes import Schema as Attribute
from heat.engine.properties import Schema

from heat_container.schema.container.behaviour import BEHAVIOUR, NAME
from heat_container.schema.container.limits import LIMITS
from heat_container.schema.container.network import ENDPOINT_FIELDS, NETWORK
from heat_container.schema.container.process import PROCESS
from heat_container.schema.container.properties import MADE, RESOURCES
from heat_container.schema.kinds import custom, like, live, one_of, records, text, texts

SHARED = ('net', 'ipc', 'pid')
_OF_THE_POD = frozenset((*NETWORK, 'hostname', 'domainname', 'pid_mode', 'ipc_mode', 'uts_mode'))
"""What of a container is its pod's."""

_MEMBER_NAME = text(_('The name, unique in the pod. On the engine the name of the pod comes before it.'), required=True,
                    constraints=like('[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}'))
INIT_FIELDS: Mapping[str, Schema] = {
    'name': _MEMBER_NAME, **{name: schema for name, schema in MADE.items() if name not in _OF_THE_POD}}
MEMBER_FIELDS: Mapping[str, Schema] = {
    **INIT_FIELDS, 'wait_for': BEHAVIOUR['wait_for'], 'expected_exit_codes': BEHAVIOUR['expected_exit_codes']}
LIVE = RESOURCES | {'restart_policy', 'wait_for', 'expected_exit_codes'}
"""What of a member changes while it runs."""

PROPERTIES: Mapping[str, Schema] = {
    'name': Schema(Schema.STRING, NAME['name'].description, constraints=NAME['name'].constraints),
    'containers': records(_('The members. An update makes those anew that differ, and leaves the others alone.'),
                          dict(MEMBER_FIELDS), required=True, update_allowed=True,
                          constraints=[constraints.Length(min=1, max=50)]),
    'init_containers': records(_('Containers that run before the members, one after the other; each must end with 0.'),
                               dict(INIT_FIELDS), default=[], constraints=[constraints.Length(max=50)]),
    'share': texts(_('What the members share: net, the network, always, and with it the host name; ipc, shared memory; '
                     'pid, the list of processes.'), item=one_of(*SHARED), default=['net', 'ipc']),
    'volumes': texts(_('Names of volumes that come and go with the pod; mounts of the members name them as volume.'),
                     item=like('[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}'), default=[]),
    'hostname': PROCESS['hostname'],
    'networks': records(_('Networks to be in. By default bridge, the network that every engine has.'),
                        dict(ENDPOINT_FIELDS), update_allowed=True),
    **{name: NETWORK[name] for name in ('ports', 'dns', 'dns_search', 'dns_options', 'extra_hosts')},
    'restart_policy': LIMITS['restart_policy'],
    'labels': PROCESS['labels'],
    'infra_image': text(_('The image of the container that holds what is shared; its program must wait until it is '
                          'killed. By default a tiny one that is made on the spot.'),
                        constraints=custom('docker.image_reference')),
    'suspend_mode': BEHAVIOUR['suspend_mode'],
    'log_lines': BEHAVIOUR['log_lines'],
}

ATTRIBUTES = {
    'id': live(_('The id of the container that holds what is shared.'), Attribute.STRING),
    'name': live(_('The name of the pod on the engine.'), Attribute.STRING),
    'ip_address': live(_('Its address in the first network.'), Attribute.STRING),
    'addresses': live(_('Each network by name: ip_address, ipv6_address, mac_address, gateway, aliases and '
                        'network_id.'), Attribute.MAP),
    'ports': live(_('Each port that the host shows, as 80/tcp: a list of host_ip and host_port.'), Attribute.MAP),
    'host': live(_('Where the ports of the host are reached.'), Attribute.STRING),
    'containers': live(_('Each member, and its id.'), Attribute.MAP),
    'states': live(_('Each member, and all about its state.'), Attribute.MAP),
    'exit_codes': live(_('Each container of the pod that ended, init containers too, and its exit code.'),
                       Attribute.MAP),
    'logs': live(_('Each container of the pod, init containers too, and the end of its output, log_lines lines at '
                   'most.'), Attribute.MAP),
}
