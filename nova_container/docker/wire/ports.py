# SPDX-License-Identifier: Apache-2.0
"""Ports of containers <-> PortBindings, ExposedPorts, NetworkSettings.Ports, and the rows of ``docker ps``."""

from collections.abc import Iterable

from nova_container import errors
from nova_container.docker.wire.document import Document, Json
from nova_container.engine import ports
from nova_container.engine.network import Port

_ANY = '0.0.0.0'


def bindings_body(wanted: Iterable[Port]) -> Json:
    """``HostConfig.PortBindings``."""
    body: dict[str, list[Json]] = {}
    for port in wanted:
        text = '' if not port.host_port else str(port.host_port)
        if port.host_port_end:
            text = f'{port.host_port}-{port.host_port_end}'
        body.setdefault(ports.key(port), []).append({'HostIp': port.host_ip, 'HostPort': text})
    return body


def bindings_of(body: Document) -> tuple[Port, ...]:
    """:raises InvalidSpec: a port is no number."""
    found = []
    for key in body.fields:
        number, protocol = _inner(body, key)
        for binding in body.documents(key) or [Document({})]:
            first, last = _outer(binding)
            found.append(Port(container_port=number, protocol=protocol, host_ip=binding.text('HostIp'),
                              host_port=first, host_port_end=last))
    return tuple(found)


def _inner(body: Document, key: str) -> tuple[int, str]:
    """The port and protocol that ``80/tcp`` names."""
    named = ports.normal(key)
    if len(named) != 1:
        raise errors.InvalidSpec(f'{body.path(key[:64])} must be like 80/tcp')
    number, _, protocol = named[0].partition('/')
    return int(number), protocol


def _outer(binding: Document) -> tuple[int, int]:
    """``8080``, ``8000-8010`` or nothing."""
    text = binding.text('HostPort')
    first, dash, last = text.partition('-')
    try:
        return int(first or 0), int(last) if dash else 0
    except ValueError:
        raise errors.InvalidSpec(f'{binding.path("HostPort")} must be a port or a range of them, not {text[:64]!r}'
                                 ) from None


def exposed_of(body: Document) -> tuple[str, ...]:
    """``Config.ExposedPorts``. :raises InvalidSpec:"""
    found: list[str] = []
    for key in body.fields:
        named = ports.normal(key)
        if not named:
            raise errors.InvalidSpec(f'{body.path(key[:64])} must be like 80/tcp')
        found += named
    return tuple(dict.fromkeys(found))


def published_body(exposed: Iterable[str], published: Iterable[Port]) -> Json:
    """``NetworkSettings.Ports``: what is exposed, and where it is shown on the host."""
    body: dict[str, list[Json] | None] = {key: None for key in exposed}
    for port in published:
        key = ports.key(port)
        body[key] = [*(body.get(key) or []), {'HostIp': port.host_ip or _ANY, 'HostPort': str(port.host_port)}]
    return body


def published_of(body: Document) -> tuple[Port, ...]:
    found = []
    for key in body.fields:
        number, protocol = _inner(body, key)
        found += [Port(container_port=number, protocol=protocol, host_ip=binding.text('HostIp'),
                       host_port=int(binding.text('HostPort') or 0)) for binding in body.documents(key)]
    return tuple(found)


def rows(exposed: Iterable[str], published: Iterable[Port]) -> list[Json]:
    """``Ports`` of a row of ``docker ps``."""
    shown = tuple(published)
    known = {ports.key(port) for port in shown}
    found: list[Json] = [{'IP': port.host_ip or _ANY, 'PrivatePort': port.container_port,
                          'PublicPort': port.host_port, 'Type': port.protocol} for port in shown]
    for key in exposed:
        number, _, protocol = key.partition('/')
        if key not in known:
            found.append({'PrivatePort': int(number), 'Type': protocol})
    return found
