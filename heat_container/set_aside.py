# SPDX-License-Identifier: Apache-2.0
"""A network as it is kept while it makes room for its replacement: plain values <-> the contract's. Pure."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from heat_container import names
from nova_container.engine.network import Endpoint, EndpointInfo, Network, NetworkInfo, Subnet


def written(info: NetworkInfo) -> dict[str, Any]:
    """A network, and what its containers have in it. Labels of ours are set anew."""
    labels = {key: value for key, value in info.spec.labels.items() if key not in names.OWN_LABELS}
    spec = dataclasses.asdict(dataclasses.replace(info.spec, labels=labels))
    return {'spec': spec, 'members': [[each.container_id, dataclasses.asdict(_asked(each))]
                                      for each in info.endpoints if each.container_id]}


def read(kept: Mapping[str, Any]) -> tuple[Network, list[tuple[str, Endpoint]]]:
    """The network to make, and the ids of its containers with what each had."""
    spec = dict(kept['spec'])
    spec['subnets'] = tuple(Subnet(**each) for each in spec['subnets'])
    members = [(container, Endpoint(**{**fields, 'aliases': tuple(fields['aliases']),
                                       'links': tuple(fields['links'])})) for container, fields in kept['members']]
    return Network(**spec), members


def _asked(info: EndpointInfo) -> Endpoint:
    """The addresses that it has, as others may know them; what it wanted beside."""
    wanted = info.wanted or Endpoint(network=info.network_id, aliases=info.aliases)
    return dataclasses.replace(
        wanted, network=info.network_id, ipv4=info.ipv4.partition('/')[0] or wanted.ipv4,
        ipv6=info.ipv6.partition('/')[0] or wanted.ipv6)
