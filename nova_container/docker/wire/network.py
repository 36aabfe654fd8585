# SPDX-License-Identifier: Apache-2.0
"""The network of a container <-> NetworkMode, Dns*, ExtraHosts, NetworkingConfig.

The built-in engine has no bridge yet: ``default``, ``bridge`` and nothing at all mean a namespace of its
own that holds loopback, which the caller wires.
"""

from nova_container import errors
from nova_container.docker.wire import fields
from nova_container.docker.wire.document import Document, Json, without_none
from nova_container.engine import spec as specs

_CONTAINER = 'container:'
_OWN_NAMESPACE = ('', 'none', 'default', 'bridge')


def mode_text(network: specs.NetworkSpec) -> str:
    """As ``HostConfig.NetworkMode`` says it."""
    if network.mode is specs.NetworkMode.CONTAINER:
        return f'{_CONTAINER}{network.container or ""}'
    return str(network.mode.value)


def network_body(network: specs.NetworkSpec) -> Json:
    return without_none({
        'NetworkMode': mode_text(network), 'Dns': list(network.dns) or None,
        'DnsSearch': list(network.dns_search) or None, 'DnsOptions': list(network.dns_options) or None,
        'ExtraHosts': list(network.extra_hosts) or None,
    })


def network_of(host: Document, *, strict: bool) -> specs.NetworkSpec:
    """:raises Unsupported: a network by name (if ``strict``)."""
    text = host.text('NetworkMode')
    mode, container = specs.NetworkMode.NAMESPACE, None
    if text.startswith(_CONTAINER):
        mode, container = specs.NetworkMode.CONTAINER, text.removeprefix(_CONTAINER)
    elif text == 'host':
        mode = specs.NetworkMode.HOST
    elif text not in _OWN_NAMESPACE and strict:
        raise errors.Unsupported(f'{host.path("NetworkMode")} {text[:64]!r} is not supported: '
                                 'use none, host or container:ID')
    return specs.NetworkSpec(mode=mode, container=container, dns=host.texts('Dns'),
                             dns_search=host.texts('DnsSearch'), dns_options=host.texts('DnsOptions'),
                             extra_hosts=host.texts('ExtraHosts'))


def check_endpoints(body: Document) -> None:
    """Refuse a NetworkingConfig that says more than NetworkMode does.

    :raises Unsupported: an endpoint of a named network, or with settings of its own.
    """
    endpoints = body.document('NetworkingConfig').document('EndpointsConfig')
    mode = body.document('HostConfig').text('NetworkMode')
    for name in endpoints.fields:
        endpoint = endpoints.document(name)
        if name not in ('none', 'host', 'default', 'bridge') and not (name == mode and name.startswith(_CONTAINER)):
            raise errors.Unsupported(f'{endpoints.path(name)}: this engine has no networks by name')
        for field, value in endpoint.fields.items():
            if not fields.is_empty(value) and field != 'NetworkID':
                raise errors.Unsupported(f'{endpoint.path(field)} is not supported by this engine')
