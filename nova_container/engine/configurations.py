# SPDX-License-Identifier: Apache-2.0
"""Networks that are only a configuration for others, and those made from one. Pure."""

import dataclasses
from collections.abc import Iterable

from nova_container import errors
from nova_container.engine.network import Network


def configured(wanted: Network, known: Iterable[Network]) -> Network:
    """A network to be made, with what its configuration says; one that is a configuration has no driver (as Docker).

    :raises NotFound: there is no such configuration.
    """
    if wanted.config_only:
        return dataclasses.replace(wanted, driver='none')
    if not wanted.config_from:
        return wanted
    for each in known:
        if each.config_only and each.name == wanted.config_from:
            return dataclasses.replace(wanted, subnets=each.subnets, ipv6=each.ipv6, options=each.options,
                                       labels=each.labels)
    raise errors.NotFound(f'configuration network {wanted.config_from[:64]!r} does not exist')


def check_unused(network: Network, known: Iterable[Network]) -> None:
    """Before it is removed. :raises WrongState: another network is made from it."""
    for each in known if network.config_only else ():
        if each.config_from == network.name:
            raise errors.WrongState(f'configuration network {network.name} is in use: remove network {each.name} first')
