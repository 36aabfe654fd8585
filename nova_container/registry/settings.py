# SPDX-License-Identifier: Apache-2.0
"""What an operator may choose about registries."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

CERTS = (Path('/etc/nova-container/certs.d'), Path('/etc/docker/certs.d'))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySettings:
    """How registries are reached.

    :ivar insecure: ``host``, ``host:port`` or networks whose certificates are not checked, and which may speak plain
        HTTP. Those on loopback may anyway, as in Docker, unless they have a folder of certificates.
    :ivar mirrors: base URLs that are asked before Docker Hub when pulling.
    :ivar certificates: folders that hold one named ``host:port`` for each registry with ``*.crt`` (authorities) and
        ``*.cert`` with ``*.key`` (of this client) in it.
    :ivar token_hosts: hosts beside the registry's own that get its credentials, by registry.
    :ivar search: the registry that is searched for a bare term; '' is none.
    :ivar idle_s: how long a registry may be silent.
    :ivar attempts: how often a transfer that broke off is taken up again before it fails.
    :ivar downloads: layers that one pull fetches at the same time. :ivar uploads: and that one push sends.
    """

    insecure: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()
    certificates: tuple[Path, ...] = CERTS
    token_hosts: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    search: str = ''
    connect_s: float = 15.0
    idle_s: float = 60.0
    attempts: int = 5
    backoff_s: float = 0.5
    downloads: int = 3
    uploads: int = 3
