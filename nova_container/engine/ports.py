# SPDX-License-Identifier: Apache-2.0
"""Ports that images and requests expose. Pure."""

import re
from collections.abc import Iterable, Mapping

from nova_container.engine.network import Port

_EXPOSED = re.compile(r'([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/(tcp|udp|sctp))?', re.IGNORECASE)


def exposed(asked: Iterable[str], image_config: Mapping[str, object]) -> tuple[str, ...]:
    """What a request and its image expose, as ``80/tcp``, each once; what an image writes otherwise is passed over."""
    declared = image_config.get('ExposedPorts')
    return tuple(dict.fromkeys((*asked, *(each for text in (declared if isinstance(declared, dict) else ())
                                          for each in normal(str(text))))))


def normal(text: str) -> tuple[str, ...]:
    """``80`` is ``80/tcp``, and ``80-81/udp`` is two; nothing if it is no port."""
    found = _EXPOSED.fullmatch(text)
    if found is None:
        return ()
    first, last, protocol = int(found[1]), int(found[2] or found[1]), (found[3] or 'tcp').lower()
    return tuple(f'{number}/{protocol}' for number in range(first, last + 1)) if 1 <= first <= last <= 65535 else ()


def key(port: Port) -> str:
    """As Docker names a port of a container."""
    return f'{port.container_port}/{port.protocol}'


def unpublished(exposed_ports: Iterable[str], ports: Iterable[Port]) -> tuple[Port, ...]:
    """The exposed ports that none of ``ports`` is for, to be shown on any free port of the host."""
    known = {key(port) for port in ports}
    found = []
    for text in exposed_ports:
        number, _, protocol = text.partition('/')
        if text not in known:
            found.append(Port(container_port=int(number), protocol=protocol))
    return tuple(found)
