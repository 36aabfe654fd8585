# SPDX-License-Identifier: Apache-2.0
"""Every option of nova-container: ``[container]`` in nova.conf, ``[engine]`` in the engine's own file."""

from oslo_config import cfg

CONTAINER = cfg.OptGroup('container', title='Container driver')
ENGINE = cfg.OptGroup('engine', title='Built-in container engine')

CONTAINER_OPTS = [
    cfg.StrOpt('engine_url', default='unix:///run/nova-container/engine.sock',
               help='The container engine that nova-compute drives: unix:///path for the built-in engine or a local '
                    'Docker Engine, tcp://host:port for a remote one (then tls_ca_file, tls_cert_file and '
                    'tls_key_file are needed).'),
    cfg.StrOpt('tls_ca_file', help='Certificate authority that signed the engine certificate (tcp:// only).'),
    cfg.StrOpt('tls_cert_file', help='Client certificate shown to the engine (tcp:// only).'),
    cfg.StrOpt('tls_key_file', help='Key of the client certificate (tcp:// only).'),
    cfg.IntOpt('engine_timeout', default=60, min=1,
               help='Seconds to wait for an answer of the engine, streams excepted.'),
    cfg.BoolOpt('require_image_hash', default=True,
                help='Refuse images for which Glance has no os_hash_value, as their bytes cannot be verified.'),
    cfg.IntOpt('image_max_size_gb', default=50, min=1,
               help='The most GiB that an image may unpack to; the disk of the flavor bounds it further.'),
    cfg.IntOpt('image_download_attempts', default=4, min=1,
               help='Downloads of an image that are begun before one that broke off fails the server.'),
    cfg.StrOpt('image_download_dir',
               help='Folder in which a downloaded image is kept while it is verified; the system\'s folder for '
                    'temporary files when unset.'),
    cfg.StrOpt('image_registry',
               help='Repository of the container store of Glance, as host:port/repository: images that are there are '
                    'fetched straight from it, missing layers only, in place of the whole archive through Glance, and '
                    'snapshots are sent there so. The user of [service_user] needs the role service, and the engine '
                    'must reach the registry. Unset: through Glance.'),
    cfg.StrOpt('image_registry_username',
               help='User of that registry. Reading is enough without snapshot_layers; with it the user must be '
                    'allowed to push and to delete.'),
    cfg.StrOpt('image_registry_password', secret=True, help='Password of that user.'),
    cfg.BoolOpt('image_registry_insecure', default=False,
                help='Do not check the certificate of that registry, and speak plain HTTP if it has none. For the '
                     'built-in engine [engine] insecure_registries must name it too.'),
    cfg.BoolOpt('snapshot_layers', default=True,
                help='With image_registry set, send only those layers of a snapshot that the registry lacks, and tell '
                     'Glance of it (API 2.17 or later; [service_user] send_service_user_token must be set). Whenever '
                     'that does not work, the whole archive is uploaded, as it always is when this is not set.'),
    cfg.BoolOpt('limit_root_disk', default=False,
                help='Hand the size of the root disk of a flavor to the engine as a limit. The engine must be able to '
                     'keep it: the built-in one on ext4 or XFS mounted with prjquota, Docker on XFS with project '
                     'quotas. nova-compute does not start otherwise.'),
    cfg.IntOpt('console_log_bytes', default=102400, min=1024,
               help='The most bytes of output that `openstack console log show` returns.'),
    cfg.IntOpt('default_pids_limit', default=2048, min=16,
               help='The most processes and threads a container may have; flavor extra spec container:pids_limit '
                    'overrides it.'),
    cfg.ListOpt('allowed_sysctls',
                default=['net.*', 'kernel.shm*', 'kernel.msg*', 'kernel.sem', 'fs.mqueue.*'],
                help='Sysctls, as shell patterns, that flavors may set by container:sysctl:NAME. Only namespaced '
                     'ones belong here.'),
    cfg.BoolOpt('disable_tx_offload', default=True,
                help='Turn off transmit checksum offload on the interfaces of containers. The userspace datapath of '
                     'Open vSwitch needs it: TCP stalls otherwise.'),
]

ENGINE_OPTS = [
    cfg.StrOpt('state_dir', default='/var/lib/nova-container',
               help='Folder of images, layers, containers and records. One engine owns it.'),
    cfg.StrOpt('run_dir', default='/run/nova-container',
               help='Folder of sockets, namespaces and process ids; need not survive a reboot of the host.'),
    cfg.StrOpt('socket', default='/run/nova-container/engine.sock',
               help='Unix socket on which the Docker Engine API is served, mode 0600. Whoever may use it is '
                    'root of this host.'),
    cfg.StrOpt('socket_user',
               help='User beside root who may use the socket, by name or number: it belongs to this user then. nova '
                    'lets nova-compute run as that user; a program that takes over nova-compute is root of this host '
                    'all the same. Unset: only root.'),
    cfg.StrOpt('socket_group',
               help='Group beside root whose members may use the socket, by name or number: it has mode 0660 and '
                    'belongs to this group then. Each of them is as good as root of this host. Unset: none.'),
    cfg.StrOpt('policy', default='privileged', choices=['restricted', 'baseline', 'privileged'],
               help='What clients of the unix socket may ask for. nova-compute needs privileged.'),
    cfg.StrOpt('tcp_listen',
               help='Serve on this address and port, as host:port, too; clients must show a certificate that '
                    'tls_ca_file signed. Unset: no.'),
    cfg.StrOpt('tls_ca_file', help='Certificate authority of clients of tcp_listen.'),
    cfg.StrOpt('tls_cert_file', help='Certificate of the engine for tcp_listen.'),
    cfg.StrOpt('tls_key_file', help='Key of that certificate.'),
    cfg.StrOpt('tcp_policy', default='baseline', choices=['restricted', 'baseline', 'privileged'],
               help='What clients of tcp_listen may ask for: privileged is root on this host, baseline keeps '
                    'containers from it, restricted asks for less than the defaults of Docker.'),
    cfg.BoolOpt('volume_devices', default=True,
                help='Let volumes mount devices, folders of the host and file systems of the network by their '
                     'options, where the policy of the listener allows it.'),
    cfg.StrOpt('runtime', default='crun', help='OCI runtime: crun, runc, or the path of another one.'),
    cfg.StrOpt('monitor', default='conmon', help='conmon, or its path.'),
    cfg.StrOpt('init', default='tini-static',
               help='Static program that reaps, run as process 1 of containers that ask for one.'),
    cfg.StrOpt('log_file', help='Log here; standard error when unset.'),
    cfg.StrOpt('log_level', default='INFO', choices=['DEBUG', 'INFO', 'WARNING', 'ERROR'], help='Least level logged.'),
    cfg.IntOpt('max_image_gb', default=50, min=1, help='The most GiB that one image may unpack to.'),
    cfg.IntOpt('max_image_entries', default=2_000_000, min=1000, help='The most files that one layer may hold.'),
    cfg.ListOpt('insecure_registries', default=[],
                help='Registries, as host, host:port or networks (10.0.0.0/8), whose certificates are not checked and '
                     'that may speak plain HTTP. Those on loopback may anyway.'),
    cfg.ListOpt('registry_mirrors', default=[], help='URLs of mirrors that are asked before Docker Hub.'),
    cfg.ListOpt('registry_certificates', default=['/etc/nova-container/certs.d', '/etc/docker/certs.d'],
                help='Folders that hold one named host:port for each registry with certificates of its own: files '
                     'that end in .crt of authorities, in .cert and .key of this client.'),
    cfg.ListOpt('registry_token_hosts', default=[],
                help='Token servers beside a registry\'s own host that get its credentials, as registry=host.'),
    cfg.StrOpt('search_registry', default='', help='Registry that `docker search` asks for a term without one.'),
    cfg.StrOpt('builder', default='buildah', help='buildah, or its path.'),
    cfg.StrOpt('build_network', default='host', choices=['host', 'none'],
               help='Network of build steps that ask for none. With none, a build cannot reach any network.'),
    cfg.IntOpt('build_pids_limit', default=2048, min=16, help='The most processes of one build.'),
    cfg.IntOpt('launchers', default=8, min=1, help='Containers that are started at the same time.'),
]


def register_container_opts(conf: cfg.ConfigOpts) -> None:
    """Make ``conf.container`` known. Repeatable."""
    conf.register_group(CONTAINER)
    conf.register_opts(CONTAINER_OPTS, group=CONTAINER)


def register_engine_opts(conf: cfg.ConfigOpts) -> None:
    """Make ``conf.engine`` known. Repeatable."""
    conf.register_group(ENGINE)
    conf.register_opts(ENGINE_OPTS, group=ENGINE)


def list_opts() -> list[tuple[cfg.OptGroup, list[cfg.Opt]]]:
    """All, for oslo-config-generator."""
    return [*list_container_opts(), *list_engine_opts()]


def list_container_opts() -> list[tuple[cfg.OptGroup, list[cfg.Opt]]]:
    """What nova.conf has of us, for oslo-config-generator."""
    return [(CONTAINER, CONTAINER_OPTS)]


def list_engine_opts() -> list[tuple[cfg.OptGroup, list[cfg.Opt]]]:
    """What engine.conf has, for oslo-config-generator."""
    return [(ENGINE, ENGINE_OPTS)]
