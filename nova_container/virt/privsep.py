# SPDX-License-Identifier: Apache-2.0
"""What nova-compute does with privilege: wire interfaces. Nothing else in virt/ needs any.

The arguments are plain values, as they may travel to a privsep helper.
"""

import dataclasses
from pathlib import Path
from typing import Any

from oslo_privsep import capabilities, priv_context

from nova_container.host import links, netns

context = priv_context.PrivContext(
    'nova_container', cfg_section='nova_container_privileged', pypath=f'{__name__}.context',
    capabilities=[capabilities.CAP_NET_ADMIN, capabilities.CAP_SYS_ADMIN, capabilities.CAP_SYS_PTRACE,
                  capabilities.CAP_DAC_OVERRIDE, capabilities.CAP_DAC_READ_SEARCH])

_DEFAULTS = ('0.0.0.0/0', '::/0')
_STATIC = ('accept_ra', 'autoconf', 'accept_dad')


@context.entrypoint
def wire(interface: dict[str, Any], namespace: str, tx_offload: bool) -> str:
    """Make or complete the pair of an interface and configure the end inside; returns its name there.

    A pair that is there already is kept, under the name it has, and brought up to date.

    :raises LinkFailed:
    """
    space = Path(namespace)
    with links.Links() as here:
        name = netns.run_in(space, lambda: _name_inside(interface, here.exists(interface['host_name'])))
        if name is None:
            here.delete(interface['host_name'])
            name = netns.run_in(space, lambda: _free_name(interface))
            here.create_veth(interface['host_name'], peer_name=name, peer_namespace=space, mac=interface['mac'],
                             mtu=interface['mtu'])
        else:
            here.set_mtu(interface['host_name'], interface['mtu'])
    netns.run_in(space, lambda: _configure(name, interface, tx_offload))
    return name


@context.entrypoint
def unwire(host_name: str) -> None:
    """Delete the pair. Silent if there is none. :raises LinkFailed:"""
    with links.Links() as here:
        here.delete(host_name)


@context.entrypoint
def join_bridge(host_name: str, bridge: str) -> None:
    """Make the host end a port of a Linux bridge. :raises LinkFailed:"""
    with links.Links() as here:
        here.set_master(host_name, bridge)


@context.entrypoint
def counters(namespace: str) -> list[dict[str, Any]]:
    """What went through every interface of a namespace but loopback, with its MAC address. :raises LinkFailed:"""
    with links.Links(Path(namespace)) as inside:
        macs = {link.name: link.mac for link in inside.list()}
        return [{'mac': macs[one.name], **dataclasses.asdict(one)} for one in inside.counters()]


def _name_inside(interface: dict[str, Any], host_end_exists: bool) -> str | None:
    """What the interface is called already; None if it must be made anew."""
    with links.Links() as inside:
        for link in inside.list():
            if link.mac == interface['mac']:
                if host_end_exists:
                    return link.name
                inside.delete(link.name)
    return None


def _free_name(interface: dict[str, Any]) -> str:
    with links.Links() as inside:
        taken = {link.name for link in inside.list()}
    wanted = (interface['name'], *(f'eth{number}' for number in range(len(taken) + 1)))
    return next(name for name in wanted if name not in taken)


def _configure(name: str, interface: dict[str, Any], tx_offload: bool) -> None:
    if interface['addresses']:
        netns.write_here({f'net/ipv6/conf/{name}/{setting}': '0' for setting in _STATIC})
    with links.Links() as inside:
        inside.set_mtu(name, interface['mtu'])
        if not tx_offload:
            inside.disable_tx_offload(name)
        inside.set_up(name)
        for address in interface['addresses']:
            inside.add_address(name, address)
        for route in interface['routes']:
            inside.add_route(name, route['destination'], route['gateway'],
                             replace=not (interface['yields_default'] and route['destination'] in _DEFAULTS))
