# SPDX-License-Identifier: Apache-2.0
"""An engine behind the Docker Engine API: our own daemon, or any Docker from 20.10 on."""

import ssl

from nova_container.docker import dialing
from nova_container.docker.endpoint import Endpoint, TlsFiles
from nova_container.docker.files import FileVerbs
from nova_container.docker.images import ImageVerbs
from nova_container.docker.lifecycle import LifecycleVerbs
from nova_container.docker.networks import NetworkVerbs
from nova_container.docker.processes import ProcessVerbs
from nova_container.docker.registry import RegistryVerbs
from nova_container.docker.system import SystemVerbs
from nova_container.docker.transport import Transport
from nova_container.docker.volumes import VolumeVerbs
from nova_container.engine import Engine


class DockerEngine(LifecycleVerbs, ProcessVerbs, FileVerbs, ImageVerbs, RegistryVerbs, SystemVerbs, VolumeVerbs,
                   NetworkVerbs, Engine):
    """Every verb of the contract as requests to one endpoint. Connects when first used.

    :param url: ``unix:///path`` or ``tcp://host:port``.
    :param tls: the files of TLS or a context of it, for a tcp endpoint.
    :param server_name: the name in the engine's certificate; '' is the host of the URL.
    :param judge: told each address before a connection to it is made; no unix socket then.
    :param timeout_s: how long the engine may be silent before it counts as ``Unavailable``; verbs that wait
        on purpose (wait, stop, follow, load, commit) have their own.
    """

    def __init__(self, url: str, *, tls: TlsFiles | ssl.SSLContext | None = None, server_name: str = '',
                 judge: dialing.Judge | None = None, timeout_s: float = 60.0) -> None:
        super().__init__(Transport(Endpoint.of(url, tls, server_name=server_name, judge=judge), timeout_s))
