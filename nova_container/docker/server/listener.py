# SPDX-License-Identifier: Apache-2.0
"""The server: a listening socket, a thread for each connection, who may come in, and what they may ask for."""

import logging
import os
import socket
import ssl
import stat
import threading
import time
from pathlib import Path

from nova_container import errors
from nova_container.docker.policed import policed
from nova_container.docker.policy import Level
from nova_container.docker.server import tls
from nova_container.docker.server.access import Access
from nova_container.docker.server.client import Client
from nova_container.docker.server.connection import Connection
from nova_container.docker.server.context import Context
from nova_container.docker.server.limits import Limits
from nova_container.engine import Engine

LOG = logging.getLogger(__name__)
_BACKLOG = 512
_PATIENCE_S = 5.0
_HANDSHAKES = 64


class Server:
    """The Docker Engine API of an engine on a unix socket of mode 0600, or on a tcp socket with TLS.

    Only processes of root, of our own user and of whom ``access`` names are served, or with ``tls_context`` those who
    show a certificate. ``policy`` is what they may ask for. The engine is not closed with the server.
    """

    def __init__(self, engine: Engine, socket_path: Path, *, access: Access | None = None,
                 listening: socket.socket | None = None, tls_context: ssl.SSLContext | None = None,
                 policy: Level = Level.PRIVILEGED, limits: Limits | None = None) -> None:
        self._path = socket_path
        self._access = access or Access()
        self._listening = listening
        self._inherited = listening is not None
        self._limits = limits or Limits()
        self._tls = tls_context
        self._handshakes = threading.BoundedSemaphore(_HANDSHAKES)
        self._context = Context(policed(engine, policy), self._limits)
        self._lock = threading.Lock()
        self._clients: dict[Client, threading.Thread] = {}
        self._accepting: threading.Thread | None = None
        self._stopped = False

    def start(self) -> None:
        """Listen, and serve in threads of its own.

        :raises AlreadyExists: another server listens there, or the path is no socket.
        """
        self._listen()
        self._accepting = threading.Thread(target=self._accept, name='accept', daemon=True)
        self._accepting.start()

    def serve_forever(self) -> None:
        """Listen, and serve until ``stop``. :raises AlreadyExists: as ``start``."""
        self._listen()
        self._accept()

    def stop(self) -> None:
        """Serve no more: connections are cut, and their threads given a few seconds. Repeatable."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
            clients = dict(self._clients)
        if self._listening is not None:
            _shut(self._listening)
        for client in clients:
            client.hang_up()
        deadline = time.monotonic() + _PATIENCE_S
        for thread in (*clients.values(), *filter(None, (self._accepting,))):
            if thread is not threading.current_thread():
                thread.join(max(deadline - time.monotonic(), 0))
        self._context.close()
        if not self._inherited:
            self._path.unlink(missing_ok=True)

    def _listen(self) -> None:
        if self._listening is not None:
            return
        _clear(self._path)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        os.fchmod(sock.fileno(), 0o600)  # before bind(2), so that the path never has another mode
        sock.bind(str(self._path))
        self._access.open_socket(self._path)
        sock.listen(_BACKLOG)
        self._listening = sock

    def _accept(self) -> None:
        listening = self._listening
        assert listening is not None
        while not self._stopped:
            try:
                sock, _ = listening.accept()
            except OSError as error:
                if self._stopped:
                    break
                LOG.warning('A connection could not be accepted: %s', error)
                time.sleep(0.1)  # out of descriptors: others must end first
                continue
            if self._tls is None:
                self._admit(Client(sock, self._limits.stall_s))
            else:
                self._begin_tls(sock, self._tls)
        listening.close()

    def _begin_tls(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        """Let the client prove who it is, in a thread; of those who have not yet, there are only so many."""
        if not self._handshakes.acquire(blocking=False):
            LOG.warning('Too many clients have not shown a certificate yet: one was refused')
            sock.close()
            return
        proved = threading.Event()

        def admit(plain: socket.socket) -> None:
            proved.set()
            self._handshakes.release()
            self._admit(Client(plain, self._limits.stall_s))

        def relay() -> None:
            try:
                tls.Relay(sock, context, admit).run()
            finally:
                if not proved.is_set():
                    self._handshakes.release()

        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=relay, name='tls', daemon=True).start()
        except (OSError, RuntimeError) as error:
            LOG.warning('A connection with TLS could not be begun: %s', error)
            self._handshakes.release()
            sock.close()

    def _admit(self, client: Client) -> None:
        if not self._access.admits(client) or not self._begin(client):
            LOG.warning('A connection of uid %d was refused', client.uid)
            client.close()

    def _begin(self, client: Client) -> bool:
        """Serve a client in a thread; False if there is no room. Known and started at once, so ``stop`` sees both."""
        thread = threading.Thread(target=self._serve, args=(client,), name='connection', daemon=True)
        with self._lock:
            if self._stopped or len(self._clients) >= self._limits.connections:
                return False
            try:
                thread.start()
            except RuntimeError as error:
                LOG.warning('No thread could be started: %s', error)
                return False
            self._clients[client] = thread
        return True

    def _serve(self, client: Client) -> None:
        try:
            Connection(client, self._context).serve()
        finally:
            self._forget(client)

    def _forget(self, client: Client) -> None:
        with self._lock:
            self._clients.pop(client, None)


def _clear(path: Path) -> None:
    """Take away the socket of a server that is no more."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise errors.AlreadyExists(f'{path} exists and is no socket')
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise errors.AlreadyExists(f'Another server listens on {path}')


def _shut(listening: socket.socket) -> None:
    """Wake a thread that waits in accept(2)."""
    try:
        listening.shutdown(socket.SHUT_RDWR)
    except OSError:
        listening.close()
