# SPDX-License-Identifier: Apache-2.0
"""Every option in heat.conf: ``[docker]``, and ``[docker_endpoint:NAME]`` for each engine that the operator offers."""

from collections.abc import Iterable
from typing import Any

from oslo_config import cfg

GROUP = 'docker'
LEVELS = ('restricted', 'baseline', 'privileged')

OPTS = [
    cfg.ListOpt('endpoints', default=[],
                help='Names of the engines that are offered to tenants. Each has a group docker_endpoint:NAME.'),
    cfg.StrOpt('default_endpoint',
               help='The engine of resources that name none. Unset: a resource must name one.'),
    cfg.BoolOpt('tenant_endpoints', default=True,
                help='Whether tenants may bring engines of their own with OS::Docker::Endpoint. The rule '
                     'docker:create:endpoint says who.'),
    cfg.ListOpt('denied_networks', default=[],
                help='Networks, like 192.0.2.0/24, in which no engine or web server of a tenant may be: those of the '
                     'control plane. Loopback, link-local, multicast and reserved addresses and those of this host '
                     'are denied anyway.'),
    cfg.IntOpt('timeout', default=60, min=1,
               help='Seconds that an engine may be silent before it counts as unreachable.'),
    cfg.IntOpt('workers', default=32, min=1,
               help='Threads of each process of heat-engine that pull and build images and do other long work.'),
    cfg.IntOpt('log_max_bytes', default=65536, min=1024,
               help='The most bytes of output that an attribute of a container returns.'),
]

ENDPOINT_OPTS = [
    cfg.StrOpt('url', help='unix:///path, or tcp://host:port with TLS.'),
    cfg.StrOpt('ca_cert', help='File of the certificate authority that signed the certificate of the engine.'),
    cfg.StrOpt('client_cert', help='File of the certificate that heat-engine shows.'),
    cfg.StrOpt('client_key', help='File of the key of that certificate.'),
    cfg.StrOpt('policy_level', default='baseline', choices=LEVELS,
               help='What templates may ask of this engine. The rules docker:create allow more to some.'),
    cfg.ListOpt('projects', default=[], help='Ids of the projects that may use it. Empty: all.'),
    cfg.StrOpt('address', help='Where tenants reach published ports: the attribute host of containers. Unset: the host '
                               'of the URL.'),
    cfg.StrOpt('compute_host', help='The nova-compute host whose servers run on this engine; their owners may put '
                                    'containers beside them.'),
    cfg.IntOpt('max_containers', default=0, min=0, help='The most containers of one project; 0 is no limit.'),
    cfg.IntOpt('max_networks', default=0, min=0, help='The most networks of one project; 0 is no limit.'),
    cfg.IntOpt('max_volumes', default=0, min=0, help='The most volumes of one project; 0 is no limit.'),
    cfg.IntOpt('max_log_mb', default=1024, min=0,
               help='The most MiB of output that is kept of one container; 0 is no limit.'),
    cfg.IntOpt('max_memory_mb', default=0, min=0,
               help='The most MiB of memory of one container, and what it gets if it asks for none; 0 is no limit.'),
    cfg.IntOpt('max_pids', default=2048, min=0,
               help='The most processes of one container, and what it gets if it asks for none; 0 is no limit.'),
    cfg.StrOpt('host_ports', default='1024-65535',
               help='The ports of the host, as FIRST-LAST, that containers may publish; empty is none.'),
    cfg.StrOpt('host_ip', help='The address of the host at which containers publish ports. Unset: any.'),
    cfg.ListOpt('registries', default=[],
                help='Registries, like docker.io, from which images may come. Empty: all, but those at addresses that '
                     'no engine of a tenant may be at, like 127.0.0.1.'),
    cfg.ListOpt('internal_registries', default=[],
                help='Registries, as HOST or HOST:PORT, that may be used though they are at such an address.'),
    cfg.StrOpt('infra_image',
               help='The image of the containers that hold what pods share; its program must wait until it is killed. '
                    'It need not come from the registries. Unset: a tiny one that is made on the spot.'),
]


def register(conf: cfg.ConfigOpts) -> None:
    """Repeatable."""
    conf.register_opts(OPTS, group=GROUP)


def endpoint(conf: cfg.ConfigOpts, name: str) -> Any:
    """The group of one endpoint."""
    group = f'docker_endpoint:{name}'
    conf.register_opts(ENDPOINT_OPTS, group=group)
    return conf[group]


def list_opts() -> Iterable[tuple[str, list[cfg.Opt]]]:
    """For oslo-config-generator."""
    return [(GROUP, OPTS), ('docker_endpoint:NAME', ENDPOINT_OPTS)]
