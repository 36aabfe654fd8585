# SPDX-License-Identifier: Apache-2.0
"""Where the engine in a Nova server is reached. Pure."""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from nova_container import errors


def engine_url(server: Any, network: str | None, port: int) -> str:
    """The URL of an engine on a server.

    :param server: as python-novaclient has it; ``addresses`` are lists by the names of networks.
    :param network: whose addresses count, None for all.
    :raises InvalidRequest: it has none there.
    """
    found = _addresses(server.addresses, network)
    if not found:
        raise errors.InvalidRequest(f'Server {server.id} has no address{f" in network {network}" if network else ""}')
    first = ipaddress.ip_address(found[0])
    return f'tcp://{f"[{first}]" if first.version == 6 else first}:{port}'


def _addresses(networks: Mapping[str, Sequence[Mapping[str, Any]]], network: str | None) -> list[str]:
    """Floating ones first: heat-engine is outside of networks of projects."""
    listed = [each for name, addresses in networks.items() if network in (None, name) for each in addresses]
    return [each['addr'] for each in sorted(listed, key=lambda each: each.get('OS-EXT-IPS:type') != 'floating')]
