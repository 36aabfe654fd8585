# SPDX-License-Identifier: Apache-2.0
"""Networks <-> the bodies of /networks, and what containers have in them <-> NetworkSettings."""

import dataclasses

from nova_container import errors
from nova_container.docker.wire import fields, network, units
from nova_container.docker.wire.document import Document, Json
from nova_container.engine import spec as specs
from nova_container.engine import state
from nova_container.engine.network import Endpoint, EndpointInfo, Network, NetworkInfo, Subnet

CREATE = {'Name': None, 'CheckDuplicate': 'client', 'Driver': None, 'Internal': None, 'Attachable': None,
           'Ingress': (), 'IPAM': None, 'EnableIPv4': (True,), 'EnableIPv6': None, 'Options': None, 'Labels': None,
           'ConfigOnly': None, 'ConfigFrom': None, 'Scope': ('local',)}
IPAM = {'Driver': ('default',), 'Config': None, 'Options': ()}
SUBNET = {'Subnet': None, 'IPRange': None, 'Gateway': None, 'AuxiliaryAddresses': None, 'AuxAddress': None}
CONFIG_FROM = {'Network': None}
CONNECT = {'Container': None, 'EndpointConfig': None}
_DRIVERS = {'none': 'null'}
_OURS = {text: name for name, text in _DRIVERS.items()}


def create_body(wanted: Network) -> Json:
    """The body of POST /networks/create."""
    return {'Name': wanted.name, 'CheckDuplicate': True, 'Driver': wanted.driver, 'Internal': wanted.internal,
            'Attachable': wanted.attachable, 'EnableIPv6': wanted.ipv6, 'Options': dict(wanted.options),
            'Labels': dict(wanted.labels), 'ConfigOnly': wanted.config_only,
            'ConfigFrom': {'Network': wanted.config_from} if wanted.config_from else None,
            'IPAM': {'Driver': 'default', 'Config': [_subnet_body(subnet) for subnet in wanted.subnets]}}


def _subnet_body(subnet: Subnet) -> Json:
    body: Json = {'Subnet': subnet.subnet}
    if subnet.ip_range:
        body['IPRange'] = subnet.ip_range
    if subnet.gateway:
        body['Gateway'] = subnet.gateway
    if subnet.taken:
        body['AuxiliaryAddresses'] = dict(subnet.taken)
    return body


def wanted_of(fields_of_body: object) -> Network:
    """:raises InvalidSpec: :raises Unsupported: a field asks for what we lack, or is unknown."""
    body = Document(fields_of_body)
    fields.check(body, CREATE)
    fields.check(body.document('IPAM'), IPAM)
    fields.check(body.document('ConfigFrom'), CONFIG_FROM)
    for each in body.document('IPAM').documents('Config'):
        fields.check(each, SUBNET)
    if not body.text('Name'):
        raise errors.InvalidSpec('Name must hold the name of the network')
    return _spec_of(body)


def _spec_of(body: Document) -> Network:
    driver = body.text('Driver') or 'bridge'
    return Network(
        name=body.text('Name'), driver=_OURS.get(driver, driver), internal=bool(body.flag('Internal')),
        ipv6=bool(body.flag('EnableIPv6')), attachable=bool(body.flag('Attachable')),
        options=body.mapping('Options'), labels=body.mapping('Labels'), config_only=bool(body.flag('ConfigOnly')),
        config_from=body.document('ConfigFrom').text('Network'), subnets=tuple(
            _subnet_of(each) for each in body.document('IPAM').documents('Config') if each.text('Subnet')))


def _subnet_of(body: Document) -> Subnet:
    taken = body.mapping('AuxiliaryAddresses') or body.mapping('AuxAddress')
    return Subnet(subnet=body.text('Subnet'), gateway=body.text('Gateway') or None,
                  ip_range=body.text('IPRange') or None, taken=taken)


def info_body(info: NetworkInfo, *, containers: bool = True) -> Json:
    """A network as it is shown; a list of them has no containers."""
    spec = info.spec
    return {
        'Name': spec.name, 'Id': info.id, 'Created': units.timestamp_of(info.created_at), 'Scope': 'local',
        'Driver': _DRIVERS.get(spec.driver, spec.driver), 'EnableIPv4': True, 'EnableIPv6': spec.ipv6,
        'IPAM': {'Driver': 'default', 'Options': {}, 'Config': [_subnet_body(subnet) for subnet in spec.subnets]},
        'Internal': spec.internal, 'Attachable': spec.attachable, 'Ingress': False,
        'ConfigFrom': {'Network': spec.config_from}, 'ConfigOnly': spec.config_only,
        'Options': dict(spec.options), 'Labels': dict(spec.labels),
        'Containers': {each.container_id: {
            'Name': each.container_name, 'EndpointID': each.id, 'MacAddress': each.mac, 'IPv4Address': each.ipv4,
            'IPv6Address': each.ipv6} for each in info.endpoints} if containers else {}}


def info_of(fields_of_body: object) -> NetworkInfo:
    body = Document(fields_of_body)
    network_id, spec, containers = body.text('Id'), _spec_of(body), body.document('Containers')
    return NetworkInfo(
        id=network_id, spec=spec, created_at=units.seconds_of(body.text('Created')) or 0.0,
        endpoints=tuple(_member(network_id, spec.name, name, containers.document(name)) for name in containers.fields))


def _member(network_id: str, network_name: str, container_id: str, body: Document) -> EndpointInfo:
    return EndpointInfo(network_id=network_id, network=network_name, id=body.text('EndpointID'),
                        container_id=container_id, container_name=body.text('Name'), mac=body.text('MacAddress'),
                        ipv4=body.text('IPv4Address'), ipv6=body.text('IPv6Address'))


def connect_body(container: str, endpoint: Endpoint) -> Json:
    return {'Container': container, 'EndpointConfig': network.endpoint_body(endpoint)}


def connect_of(name: str, fields_of_body: object) -> tuple[str, Endpoint]:
    """The container and what it wants. :raises InvalidSpec: :raises Unsupported:"""
    body = Document(fields_of_body)
    fields.check(body, CONNECT)
    return _container_of(body), network.endpoint_of(name, body.document('EndpointConfig'), strict=True)


def disconnect_of(fields_of_body: object) -> tuple[str, bool]:
    """The container, and whether to take it out by force."""
    body = Document(fields_of_body)
    return _container_of(body), bool(body.flag('Force'))


def _container_of(body: Document) -> str:
    if not body.text('Container'):
        raise errors.InvalidSpec('Container must name a container')
    return body.text('Container')


def settings_body(info: state.ContainerInfo) -> Json:
    """``NetworkSettings.Networks``."""
    if info.spec.network.mode is specs.NetworkMode.CONTAINER:
        return {}
    if info.spec.network.mode is specs.NetworkMode.MANAGED:
        return {each.network: _endpoint_body(each) for each in info.endpoints}
    mode = network.mode_text(info.spec.network)
    return {mode: _endpoint_body(EndpointInfo(network_id=mode, network=mode))}


def _endpoint_body(info: EndpointInfo) -> Json:
    wanted = network.endpoint_body(info.wanted) if info.wanted else {}
    ipv4, _, length = info.ipv4.partition('/')
    ipv6, _, length6 = info.ipv6.partition('/')
    body: Json = {
        'IPAMConfig': wanted.get('IPAMConfig'), 'Links': wanted.get('Links'), 'Aliases': wanted.get('Aliases'),
        'DNSNames': _names(info) or None, 'GwPriority': info.wanted.priority if info.wanted else 0,
        'NetworkID': info.network_id, 'EndpointID': info.id, 'Gateway': info.gateway, 'IPAddress': ipv4,
        'IPPrefixLen': int(length or 0), 'IPv6Gateway': info.gateway6, 'GlobalIPv6Address': ipv6,
        'GlobalIPv6PrefixLen': int(length6 or 0), 'MacAddress': info.mac, 'DriverOpts': wanted.get('DriverOpts')}
    return body | ({'Interface': info.interface} if info.interface else {})


def _names(info: EndpointInfo) -> list[str]:
    """What others in the network may call it; in the built-in one nobody has names."""
    own = (info.container_id[:12],)
    return list(dict.fromkeys((info.container_name, *info.aliases))) if own[0] in info.aliases else []


def endpoints_of(body: Document) -> tuple[EndpointInfo, ...]:
    """What the container of an inspect body has in networks of the engine."""
    found, settings = [], body.document('NetworkSettings').document('Networks')
    for name in settings.fields:
        each = settings.document(name)
        if name in ('none', 'host'):
            continue
        wanted = network.endpoint_of(name, each, strict=False)
        own = body.text('Id')[:12]
        aliases = tuple(alias for alias in each.texts('Aliases') if alias != own)
        named = (own,) if own in (*each.texts('Aliases'), *each.texts('DNSNames')) else ()
        found.append(EndpointInfo(
            network_id=each.text('NetworkID'), network=name, id=each.text('EndpointID'),
            container_id=body.text('Id'), container_name=body.text('Name').removeprefix('/'),
            interface=each.text('Interface'), mac=each.text('MacAddress'),
            ipv4=_with_length(each, 'IPAddress', 'IPPrefixLen'),
            ipv6=_with_length(each, 'GlobalIPv6Address', 'GlobalIPv6PrefixLen'), gateway=each.text('Gateway'),
            gateway6=each.text('IPv6Gateway'), aliases=(*aliases, *named),
            wanted=dataclasses.replace(wanted, aliases=aliases, mac=None)))
    return tuple(found)


def _with_length(body: Document, address: str, length: str) -> str:
    return f'{body.text(address)}/{body.integer(length) or 0}' if body.text(address) else ''


def legacy_body(info: state.ContainerInfo) -> Json:
    """What NetworkSettings says beside ``Networks``, of the built-in network, as it was before there were others."""
    found = next((each for each in info.endpoints if each.network == 'bridge'), None)
    body = _endpoint_body(found or EndpointInfo(network_id='', network=''))
    return {name: body[name] for name in ('EndpointID', 'Gateway', 'GlobalIPv6Address', 'GlobalIPv6PrefixLen',
                                          'IPAddress', 'IPPrefixLen', 'IPv6Gateway', 'MacAddress')}
