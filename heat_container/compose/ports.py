# SPDX-License-Identifier: Apache-2.0
"""``ports`` of a service in its short and long form -> the property ``ports``. Pure."""

import re
from typing import Any

from heat_container.compose.values import known, listed, text, wrong

_SHORT = re.compile(r'(?:(?:(?P<ip>\[[^\]]+\]|[0-9.]+):)?(?P<host>[0-9-]*):)?(?P<inside>[0-9]+(?:-[0-9]+)?)'
                    r'(?:/(?P<protocol>tcp|udp|sctp))?')
_LONG = ('target', 'published', 'host_ip', 'protocol', 'mode', 'name', 'app_protocol')


def ports_of(value: Any, where: str) -> list[dict[str, Any]]:
    """:raises InvalidRequest: one is no port."""
    return [port for item in listed(value, where) for port in (
        _long(item, where) if isinstance(item, dict) else _short(text(item, where), where))]


def _short(given: str, where: str) -> list[dict[str, Any]]:
    found = _SHORT.fullmatch(given)
    if not found:
        raise wrong(where, f'{given!r} is not [[IP:]HOST:]CONTAINER[/PROTOCOL]')
    return _ranges(found['inside'], found['host'] or '', (found['ip'] or '').strip('[]'), found['protocol'], where)


def _long(value: Any, where: str) -> list[dict[str, Any]]:
    port = known(value, where, _LONG)
    if 'target' not in port:
        raise wrong(where, 'a port needs target')
    if port.get('mode', 'host') not in ('host', 'ingress'):
        raise wrong(f'{where}.mode', 'this is host or ingress')
    if port.get('protocol', 'tcp') not in ('tcp', 'udp', 'sctp'):
        raise wrong(f'{where}.protocol', 'this is tcp, udp or sctp')
    return _ranges(text(port['target'], where), text(port.get('published', ''), where),
                   text(port.get('host_ip', ''), where), port.get('protocol'), where)


def _ranges(inside: str, host: str, ip: str, protocol: str | None, where: str) -> list[dict[str, Any]]:
    """A range inside is as many ports; a range of the host for one port is a choice."""
    inner, outer = _range(inside, where), _range(host, where) if host else None
    if outer and len(inner) > 1 and len(outer) != len(inner):
        raise wrong(where, f'{host} and {inside} are ranges of unlike length')
    found = []
    for place, number in enumerate(inner):
        port: dict[str, Any] = {'container_port': number, 'protocol': protocol or 'tcp'}
        if ip:
            port['host_ip'] = ip
        if outer:
            port['host_port'] = outer[place]
        if outer and len(inner) == 1 and len(outer) > 1:
            port['host_port_end'] = outer[-1]
        found.append(port)
    return found


def _range(given: str, where: str) -> range:
    first, _, last = given.partition('-')
    if not first.isdecimal() or not (last or first).isdecimal() or int(last or first) < int(first):
        raise wrong(where, f'{given!r} is no port or range of ports')
    if int(last or first) > 65535:
        raise wrong(where, f'{given!r} is no port: they end at 65535')
    return range(int(first), int(last or first) + 1)
