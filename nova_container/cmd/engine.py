# SPDX-License-Identifier: Apache-2.0
"""``nova-container-engine``: the built-in engine behind the Docker Engine API on a unix socket."""

import logging
import os
import signal
import socket
import sys
from pathlib import Path

from oslo_config import cfg

from nova_container import conf as options
from nova_container import errors
from nova_container.docker.server import Access, Level, Server, tls
from nova_container.registry import RegistrySettings
from nova_container.runtime.engine import RuntimeEngine
from nova_container.runtime.settings import Settings

LOG = logging.getLogger(__name__)


def main(argv: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT. Exit code 0, or 1 after a sentence on standard error."""
    conf = cfg.ConfigOpts()
    options.register_engine_opts(conf)
    try:
        conf(sys.argv[1:] if argv is None else argv, project='nova-container', prog='nova-container-engine',
             default_config_files=[path for path in ('/etc/nova-container/engine.conf',) if os.path.exists(path)])
        _log_to(conf.engine.log_file, conf.engine.log_level)
        if os.geteuid():
            raise errors.Denied('nova-container-engine makes namespaces and mounts: run it as root')
        return _serve(conf)
    except (cfg.Error, errors.ContainerError, OSError) as error:
        LOG.error('%s', error)
        print(f'nova-container-engine: {error}', file=sys.stderr)
        return 1


def _log_to(path: str | None, level: str) -> None:
    logging.basicConfig(filename=path, level=level,
                        format='%(asctime)s.%(msecs)03d %(process)d %(levelname)s %(name)s %(message)s',
                        datefmt='%Y-%m-%d %H:%M:%S')


def _serve(conf: cfg.ConfigOpts) -> int:
    asked_to_end = _EndRequest()
    settings = settings_from(conf)
    access = Access.of(conf.engine.socket_user, conf.engine.socket_group)
    engine = RuntimeEngine(settings)
    engine.open()
    try:
        servers = _servers(conf, engine, access)
        for server in servers:
            server.start()
        _notify('READY=1')
        LOG.info('Serving the Docker Engine API on %s', conf.engine.socket)
        asked_to_end.wait()
        _notify('STOPPING=1')
        for server in servers:
            server.stop()
    finally:
        engine.close()
    LOG.info('Ended; containers run on')
    return 0


class _EndRequest:
    """SIGTERM or SIGINT.

    Any thread may take a signal, and a main thread that waits for a lock does not hear of it then: it waits for the
    byte that the interpreter writes instead.
    """

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)

    def wait(self) -> None:
        while self._reader.recv(1)[0] not in (signal.SIGTERM, signal.SIGINT):
            pass


def _servers(conf: cfg.ConfigOpts, engine: RuntimeEngine, access: Access) -> list[Server]:
    """One for each listener. :raises InvalidRequest: the options of one contradict each other."""
    section = conf.engine
    path = Path(section.socket)
    if path.absolute().parent == Path(section.run_dir).absolute():
        access.open_folder(path.parent)
    access.check_way(path)
    servers = [Server(engine, path, access=access, policy=Level(section.policy))]
    if section.tcp_listen:
        if not (section.tls_ca_file and section.tls_cert_file and section.tls_key_file):
            raise errors.InvalidRequest('tcp_listen needs tls_ca_file, tls_cert_file and tls_key_file: without '
                                        'certificates of its clients, whoever reaches the port is root')
        context = tls.server_context(section.tls_ca_file, section.tls_cert_file, section.tls_key_file)
        servers.append(Server(engine, path, listening=_listening(section.tcp_listen), tls_context=context,
                              policy=Level(section.tcp_policy)))
    return servers


def _listening(address: str) -> socket.socket:
    """:raises InvalidRequest: it is not host:port."""
    host, _, port = address.rpartition(':')
    if not port.isdigit():
        raise errors.InvalidRequest(f'tcp_listen {address!r} must be host:port')
    host = host.strip('[]')
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    return socket.create_server((host, int(port)), family=family, backlog=512)


def settings_from(conf: cfg.ConfigOpts) -> Settings:
    """The engine's settings from its options."""
    section = conf.engine
    return Settings(state_dir=Path(section.state_dir), run_dir=Path(section.run_dir), runtime=section.runtime,
                    monitor=section.monitor, init=section.init, max_image_bytes=section.max_image_gb << 30,
                    max_image_entries=section.max_image_entries, launchers=section.launchers,
                    volume_devices=section.volume_devices,
                    registries=_registries_from(section), builder=section.builder,
                    build_network=section.build_network, build_pids=section.build_pids_limit)


def _registries_from(section: cfg.ConfigOpts) -> RegistrySettings:
    return RegistrySettings(
        insecure=tuple(section.insecure_registries), mirrors=tuple(section.registry_mirrors),
        certificates=tuple(Path(folder) for folder in section.registry_certificates), search=section.search_registry,
        token_hosts=_token_hosts(section.registry_token_hosts))


def _token_hosts(entries: list[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        registry, _, host = entry.partition('=')
        found[registry] = (*found.get(registry, ()), host)
    return found


def _notify(state: str) -> None:
    """Tell systemd (sd_notify(3)), if it asked."""
    address = os.environ.get('NOTIFY_SOCKET')
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notify:
            notify.connect('\0' + address[1:] if address.startswith('@') else address)
            notify.sendall(state.encode())


if __name__ == '__main__':
    sys.exit(main())
