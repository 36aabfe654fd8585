# SPDX-License-Identifier: Apache-2.0
"""Engines that stacks may use: those that the operator offers in heat.conf, and those that tenants bring."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg

from heat_container import conf, reach, tenants
from heat_container.tls import Material
from nova_container import errors
from nova_container.connect import TlsFiles
from nova_container.docker.policy import Level

address_for_tenant = reach.address_for_tenant

CONF = cfg.CONF
conf.register(CONF)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one project, or one container of it, may have at most; 0 is no limit."""

    containers: int = 0
    memory_bytes: int = 0
    pids: int = 0
    host_ports: range = range(1, 65536)
    registries: frozenset[str] = frozenset()
    internal_registries: frozenset[str] = frozenset()
    networks: int = 0
    volumes: int = 0
    log_bytes: int = 0
    host_ip: str = ''


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One engine.

    ``shared`` says that projects which do not trust each other use it: then what is another's is not there.
    ``address`` is where its published ports are reached, ``infra_image`` what holds the namespaces of pods, '' for one
    that is made on the spot. A tenant's own connection is judged by ``reach``.
    """

    name: str
    url: str
    level: Level
    tls: TlsFiles | Material | None = None
    server_name: str = ''
    shared: bool = True
    address: str = ''
    infra_image: str = ''
    limits: Limits = Limits()


def find(context: Any, text: str | None, project_id: str = '') -> Endpoint:
    """The endpoint that a property names: by the operator, by its URL there, or an OS::Docker::Endpoint of the project.

    :param text: None or '' is the default.
    :param project_id: whose stack it is, if not of the project of the context.
    :raises InvalidRequest: none is named and there is no default, or nothing has that name.
    """
    project_id = project_id or context.project_id
    wanted = text or CONF.docker.default_endpoint
    if not wanted:
        raise errors.InvalidRequest('There is no default endpoint: name one in the property endpoint')
    for name in CONF.docker.endpoints:
        if wanted in (name, conf.endpoint(CONF, name).url) and _may_use(project_id, name):
            return of_operator(name)
    own = tenants.record_of(context, wanted, project_id)
    if own is None:
        raise errors.InvalidRequest(f'No endpoint that this project may use is called {_short(wanted)}')
    return of_tenant(wanted, own, context)


def of_operator(name: str) -> Endpoint:
    """:raises InvalidRequest: its group in heat.conf is wrong; the text is for the operator and names no secret."""
    found = conf.endpoint(CONF, name)
    if not found.url:
        raise errors.InvalidRequest(f'The endpoint {name} has no url in heat.conf')
    files = (found.ca_cert, found.client_cert, found.client_key)
    if any(files) and not all(files):
        raise errors.InvalidRequest(f'The endpoint {name} needs ca_cert, client_cert and client_key, or none of them')
    return Endpoint(
        name=name, url=found.url, level=Level(found.policy_level), infra_image=found.infra_image or '',
        address=found.address or reach.host_of(found.url),
        tls=TlsFiles(ca=files[0], cert=files[1], key=files[2]) if all(files) else None, limits=Limits(
            containers=found.max_containers, memory_bytes=found.max_memory_mb << 20, pids=found.max_pids,
            networks=found.max_networks, volumes=found.max_volumes, log_bytes=found.max_log_mb << 20,
            host_ports=ports_of(found.host_ports), host_ip=found.host_ip or '',
            registries=frozenset(found.registries), internal_registries=frozenset(found.internal_registries)))


def of_tenant(name: str, record: Mapping[str, str], context: Any) -> Endpoint:
    """An engine that a tenant brought; it is the tenant's, so there is no policy on it.

    :raises InvalidRequest: no tenant may name it, or one of its certificates is missing.
    """
    reach.check_url(record[tenants.URL])
    return Endpoint(name=name, url=record[tenants.URL], level=Level.PRIVILEGED, shared=False,
                    tls=tenants.material_of(record, context), server_name=record.get(tenants.SERVER_NAME, ''),
                    address=reach.host_of(record[tenants.URL]))


def of_compute_host(project_id: str, host_id: str) -> Endpoint:
    """The endpoint whose nova-compute has that ``hostId``, as users see it. :raises InvalidRequest: there is none."""
    for name in CONF.docker.endpoints:
        host = conf.endpoint(CONF, name).compute_host
        if host and reach.host_id(project_id, host) == host_id and _may_use(project_id, name):
            return of_operator(name)
    raise errors.InvalidRequest('The operator offers no endpoint for the host of this server')


def _may_use(project_id: str, name: str) -> bool:
    projects = conf.endpoint(CONF, name).projects
    return not projects or project_id in projects


def ports_of(text: str) -> range:
    """``1024-65535``. :raises InvalidRequest:"""
    if not text:
        return range(0)
    first, _, last = text.partition('-')
    try:
        return range(int(first), int(last or first) + 1)
    except ValueError:
        raise errors.InvalidRequest(f'host_ports is FIRST-LAST, not {text}') from None


def _short(text: str) -> str:
    return text if len(text) <= 80 else f'{text[:80]}...'
