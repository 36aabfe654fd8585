# SPDX-License-Identifier: Apache-2.0
"""The engine's table of nftables as text: address translation, ports shown on the host, and who reaches whom. Pure.

What comes into a network is dropped unless it answers, was sent to a port shown on the host, or comes from the same
network. What the host itself sends passes. Chains of others see every packet too, before or after.
"""

import dataclasses
import ipaddress
from collections.abc import Iterable, Sequence

from nova_container.engine.network import Port


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BridgeRules:
    """One bridge: whether its containers may reach each other, and whether they look like the host from outside."""

    bridge: str
    subnets: tuple[str, ...]
    masquerade: bool = True
    internal: bool = False
    between_containers: bool = True


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PortRule:
    """A port of the host and the address of the container that has it."""

    port: Port
    address: str


def table(bridges: Sequence[BridgeRules], ports: Iterable[PortRule]) -> str:
    """The body of the table."""
    names = ', '.join(f'"{each.bridge}"' for each in bridges)
    inner = ', '.join(f'"{each.bridge}"' for each in bridges if each.internal)
    forward = [
        f'oifname {{ {names} }} ct state established,related accept',
        *(f'iifname "{each.bridge}" oifname "{each.bridge}" ct status dnat accept' for each in bridges),
        *(f'iifname "{each.bridge}" oifname "{each.bridge}" {"accept" if each.between_containers else "drop"}'
          for each in bridges),
        *([f'iifname {{ {inner} }} drop', f'oifname {{ {inner} }} drop'] if inner else []),
        f'oifname {{ {names} }} ct status dnat accept',
        f'oifname {{ {names} }} drop',
    ]
    return ''.join((
        _chain('published', [_published(rule) for rule in ports]),
        _chain('prerouting', ['type nat hook prerouting priority dstnat; policy accept',
                              'fib daddr type local jump published']),
        _chain('output', ['type nat hook output priority -100; policy accept',
                          'fib daddr type local jump published']),
        _chain('postrouting', ['type nat hook postrouting priority srcnat; policy accept',
                               *(line for each in bridges for line in _masquerade(each))]),
        _chain('forward', ['type filter hook forward priority filter; policy accept', *forward]),
        # The bridges route 127.0.0.0/8 (route_localnet), for ports shown on loopback; containers may not use that
        _chain('guard', ['type filter hook prerouting priority raw; policy accept',
                         f'iifname {{ {names} }} ip daddr 127.0.0.0/8 drop']),
    ))


def names_table(address: str, udp: int, tcp: int) -> str:
    """The body of the table in a container's namespace, that leads questions for names to our resolver there."""
    return _chain('output', ['type nat hook output priority -100; policy accept',
                             f'ip daddr {address} udp dport 53 dnat ip to {address}:{udp}',
                             f'ip daddr {address} tcp dport 53 dnat ip to {address}:{tcp}'])


def _chain(name: str, lines: Iterable[str]) -> str:
    return f'  chain {name} {{\n' + ''.join(f'    {line}\n' for line in lines) + '  }\n'


def _published(rule: PortRule) -> str:
    port, six = rule.port, ':' in rule.address
    family = 'ip6' if six else 'ip'
    anywhere = port.host_ip in ('', '0.0.0.0', '::')
    where = ('ip6 daddr != ::1' if six else 'meta nfproto ipv4') if anywhere else f'{family} daddr {port.host_ip}'
    target = f'[{rule.address}]' if six else rule.address
    return (f'{where} {port.protocol} dport {port.host_port} dnat {family} to {target}:{port.container_port}')


def _masquerade(rules: BridgeRules) -> Iterable[str]:
    """Out of the network as the host; and back into it, where an answer would not come by the host again."""
    for subnet in rules.subnets:
        six = ipaddress.ip_network(subnet).version == 6
        family, loopback = ('ip6', '::1') if six else ('ip', '127.0.0.0/8')
        yield f'oifname "{rules.bridge}" {family} saddr {subnet} ct status dnat masquerade'
        yield f'oifname "{rules.bridge}" {family} saddr {loopback} masquerade'
        if rules.masquerade and not rules.internal:
            yield f'oifname != "{rules.bridge}" {family} saddr {subnet} masquerade'
