# SPDX-License-Identifier: Apache-2.0
"""The network of a container <-> NetworkMode, Dns*, ExtraHosts, PortBindings, Links, NetworkingConfig.

``default``, ``bridge`` and nothing at all mean the built-in network ``bridge``, as in Docker; ``none`` is a namespace
of its own that holds loopback, which the caller may wire.
"""

import dataclasses

from nova_container import errors
from nova_container.docker.wire import fields, ports
from nova_container.docker.wire.document import Document, Json, without_none
from nova_container.engine import network as networks
from nova_container.engine import spec as specs

_CONTAINER = 'container:'
_BRIDGE = 'bridge'
_DEFAULT = ('', 'default', _BRIDGE)
_MODES = {'none': specs.NetworkMode.NAMESPACE, 'host': specs.NetworkMode.HOST}

_IN_ANSWERS_ONLY = ('NetworkID', 'EndpointID', 'Gateway', 'IPAddress', 'IPPrefixLen', 'IPv6Gateway',
                    'GlobalIPv6Address', 'GlobalIPv6PrefixLen', 'DNSNames', 'Interface')
ENDPOINT = {'IPAMConfig': None, 'Links': None, 'Aliases': None, 'MacAddress': None, 'DriverOpts': None,
            'GwPriority': None, **{name: 'client' for name in _IN_ANSWERS_ONLY}}
ADDRESSES = {'IPv4Address': None, 'IPv6Address': None, 'LinkLocalIPs': None}


def mode_text(network: specs.NetworkSpec) -> str:
    """As ``HostConfig.NetworkMode`` says it."""
    if network.mode is specs.NetworkMode.CONTAINER:
        return f'{_CONTAINER}{network.container or ""}'
    if network.mode is specs.NetworkMode.MANAGED:
        return network.endpoints[0].network if network.endpoints else _BRIDGE
    return str(network.mode.value)


def network_body(network: specs.NetworkSpec) -> Json:
    return without_none({
        'NetworkMode': mode_text(network), 'Dns': list(network.dns) or None,
        'DnsSearch': list(network.dns_search) or None, 'DnsOptions': list(network.dns_options) or None,
        'ExtraHosts': list(network.extra_hosts) or None, 'PortBindings': ports.bindings_body(network.ports) or None,
        'PublishAllPorts': network.publish_all or None,
    })


def network_of(config: Document, host: Document, endpoints: Document, *, strict: bool) -> specs.NetworkSpec:
    """:param endpoints: ``EndpointsConfig`` of a request, or what an answer has of it.

    :raises InvalidSpec: a field is wrong.  :raises Unsupported: an endpoint says what we lack (if ``strict``).
    """
    text = host.text('NetworkMode')
    mode, container = specs.NetworkMode.MANAGED, None
    wanted: tuple[networks.Endpoint, ...] = ()
    if text.startswith(_CONTAINER):
        mode, container = specs.NetworkMode.CONTAINER, text.removeprefix(_CONTAINER)
    elif text in _MODES:
        mode = _MODES[text]
    if mode is specs.NetworkMode.MANAGED:
        wanted = _endpoints_of(config, host, endpoints, strict=strict)
    elif strict:
        _check_none(endpoints, text)
    return specs.NetworkSpec(mode=mode, container=container, dns=host.texts('Dns'),
                             dns_search=host.texts('DnsSearch'), dns_options=host.texts('DnsOptions'),
                             extra_hosts=host.texts('ExtraHosts'), endpoints=wanted,
                             ports=ports.bindings_of(host.document('PortBindings')),
                             publish_all=bool(host.flag('PublishAllPorts')))


def _endpoints_of(config: Document, host: Document, endpoints: Document, *,
                  strict: bool) -> tuple[networks.Endpoint, ...]:
    """First that of NetworkMode, with HostConfig.Links and Config.MacAddress, which are older words for its own."""
    text = host.text('NetworkMode')
    first = _BRIDGE if text in _DEFAULT else text
    found: dict[str, networks.Endpoint] = {first: networks.Endpoint(network=first)}
    for name in endpoints.fields:
        network = _BRIDGE if name in _DEFAULT else name
        found[network] = endpoint_of(network, endpoints.document(name), strict=strict)
    own, links = found[first], host.texts('Links')
    found[first] = dataclasses.replace(own, mac=own.mac or config.text('MacAddress') or None,
                                       links=tuple(dict.fromkeys((*own.links, *links))))
    return tuple(found.values())


def _check_none(endpoints: Document, mode: str) -> None:
    """Without networks of the engine there is nothing to set for an endpoint."""
    for name in endpoints.fields:
        if name != mode:
            raise errors.InvalidSpec(f'{endpoints.path(name)}: a container in mode {mode[:64]!r} has no other networks')
        for field, value in endpoints.document(name).fields.items():
            if not fields.is_empty(value) and field not in _IN_ANSWERS_ONLY and not _is_hollow(value):
                raise errors.InvalidSpec(f'{endpoints.document(name).path(field)} cannot be set in mode {mode[:64]!r}')


def _is_hollow(value: object) -> bool:
    return isinstance(value, dict) and all(fields.is_empty(inner) for inner in value.values())


def endpoints_body(network: specs.NetworkSpec) -> Json:
    """``EndpointsConfig``."""
    return {endpoint.network: endpoint_body(endpoint) for endpoint in network.endpoints}


def endpoint_body(endpoint: networks.Endpoint) -> Json:
    addresses = without_none({'IPv4Address': endpoint.ipv4, 'IPv6Address': endpoint.ipv6,
                              'LinkLocalIPs': list(endpoint.link_local) or None})
    return without_none({
        'IPAMConfig': addresses or None, 'Aliases': list(endpoint.aliases) or None,
        'Links': list(endpoint.links) or None, 'MacAddress': endpoint.mac,
        'DriverOpts': dict(endpoint.options) or None, 'GwPriority': endpoint.priority or None})


def endpoint_of(network: str, body: Document, *, strict: bool) -> networks.Endpoint:
    """:raises Unsupported: it says what we lack (if ``strict``)."""
    addresses = body.document('IPAMConfig')
    if strict:
        fields.check(body, ENDPOINT)
        fields.check(addresses, ADDRESSES)
    return networks.Endpoint(
        network=network, aliases=body.texts('Aliases'), ipv4=addresses.text('IPv4Address') or None,
        ipv6=addresses.text('IPv6Address') or None, mac=body.text('MacAddress') or None,
        link_local=addresses.texts('LinkLocalIPs'), links=body.texts('Links'),
        options=body.mapping('DriverOpts'), priority=body.integer('GwPriority') or 0)
