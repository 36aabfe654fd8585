# SPDX-License-Identifier: Apache-2.0
"""A daemon to be fuzzed: in a network and a folder of its own, asked over its socket, and judged at the end.

It serves with the policy ``baseline``, so that no request, however odd, reaches the host.
"""

import contextlib
import dataclasses
import gzip
import http.client
import io
import os
import pathlib
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator

from nova_container import errors
from nova_container.engine import BuildSpec, ContainerSpec, ExecSpec, ProcessSpec
from nova_container.host import mounts
from tests.fixtures import busybox_image, leaks
from tests.fixtures.daemon import Daemon
from tools.fuzz import tars

HANG_S = 30.0
IMAGE = 'localhost/box:1'
_LISTENS_S = 0.3
_MOST_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """What is sent. ``streams``: the answer may have no end, and is left after a moment."""

    method: str
    target: str
    body: bytes = b''
    headers: tuple[tuple[str, str], ...] = ()
    streams: bool = False

    def __str__(self) -> str:
        return f'{self.method} {self.target[:300]} {dict(self.headers)} {self.body[:600]!r}'


@dataclasses.dataclass(slots=True)
class Findings:
    """What went wrong, and how often each status was answered."""

    wrong: list[str] = dataclasses.field(default_factory=list)
    statuses: dict[int, int] = dataclasses.field(default_factory=dict)
    _lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def answered(self, request: Request, status: int, text: str) -> None:
        with self._lock:
            self.statuses[status] = self.statuses.get(status, 0) + 1
            if status == 500:
                self.wrong.append(f'500 {text[:300]} for {request}')

    def say(self, sentence: str) -> None:
        with self._lock:
            self.wrong.append(sentence)


class Target:
    """The daemon, and what to know of it."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.findings = Findings()
        self.daemon = Daemon(folder, prefix=('unshare', '--net'), policy='baseline', build_network='none',
                             max_image_gb='1', max_image_entries='5000')

    def start(self) -> None:
        """Run it, and have it make once what it makes once: the built-in bridge, the files of a builder."""
        self.daemon.start()
        busybox_image.build(self.folder / 'box.tar', IMAGE)
        self.load()
        with contextlib.closing(self.daemon.client()) as client:
            made = client.create(ContainerSpec(name='first', image=IMAGE, process=ProcessSpec(command=('true',))))
            client.start(made)
            client.wait(made, timeout_s=20)
            client.remove(made)
            list(client.build(io.BytesIO(gzip.compress(tars.of({'Dockerfile': f'FROM {IMAGE}\nRUN true\n'.encode()}))),
                              BuildSpec(network='none')))

    def load(self) -> None:
        """Have the image."""
        with contextlib.closing(self.daemon.client()) as client:
            client.load(io.BytesIO((self.folder / 'box.tar').read_bytes()))

    def populate(self) -> None:
        """A container that runs, with an exec that ran in it, for requests to name."""
        self.load()
        with contextlib.closing(self.daemon.client()) as client, contextlib.suppress(errors.ContainerError):
            client.create(ContainerSpec(name='runs', image=IMAGE, process=ProcessSpec(command=('sleep', '900'))))
            client.start('runs')
            client.start_exec(client.create_exec('runs', ExecSpec(command=('true',)))).close()

    def send(self, request: Request) -> int | None:
        """The status of the answer; None if the daemon hung up without one, which for broken requests is right."""
        connection = http.client.HTTPConnection('engine', timeout=HANG_S)
        connection.sock = self._connected()
        try:
            connection.putrequest(request.method, request.target, skip_accept_encoding=True)
            names = {name.lower() for name, _ in request.headers}
            for name, value in request.headers:
                connection.putheader(name, value)
            if not names & {'content-length', 'transfer-encoding'}:
                connection.putheader('Content-Length', str(len(request.body)))
            connection.endheaders(request.body)
            return self._read(connection, request)
        except TimeoutError:
            self.findings.say(f'no answer within {HANG_S:g} s for {request}')
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()
        return None

    def _read(self, connection: http.client.HTTPConnection, request: Request) -> int:
        answer = connection.getresponse()
        text = b''
        if request.streams and connection.sock is not None:
            connection.sock.settimeout(_LISTENS_S)
        try:
            while len(text) < _MOST_BYTES and (piece := answer.read1(65536)):
                text += piece
        except TimeoutError:
            if not request.streams:
                raise
        self.findings.answered(request, answer.status, text.decode('utf-8', 'replace'))
        return answer.status

    def send_bytes(self, content: bytes) -> None:
        """Say something that need not be HTTP, and hear the answer for a moment."""
        with self._connected() as sock, contextlib.suppress(OSError):
            sock.settimeout(_LISTENS_S)
            sock.sendall(content)
            head = sock.recv(65536)
            if head.startswith(b'HTTP/1.1 500'):
                self.findings.say(f'500 for {content[:300]!r}')

    def _connected(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(HANG_S)
        sock.connect(str(self.daemon.socket))
        return sock

    def is_alive(self) -> bool:
        return pathlib.Path(f'/proc/{self.daemon.pid}').exists() and self.send(Request('GET', '/_ping')) == 200

    def sweep(self) -> None:
        """Remove all that requests have made."""
        with contextlib.closing(self.daemon.client()) as client:
            for container in client.list():
                client.remove(container.id, force=True)
            for image in client.list_images():
                for name in (*image.references, image.id):
                    client.remove_image(name, force=True)
            for network in client.list_networks():
                if network.spec.name not in ('bridge', 'host', 'none'):
                    client.remove_network(network.spec.name)
            for volume in client.list_volumes():
                client.remove_volume(volume.name, force=True)
            client.prune_builds()


@contextlib.contextmanager
def running() -> Iterator[Target]:
    """A target; after the block it must be alive, have all it made removed, and hold nothing more than before."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix='nz-', dir='/tmp'))
    target = Target(folder)
    before_etc = _seen(pathlib.Path('/etc'))
    try:
        target.start()
        target.sweep()
        before = leaks.snapshot(target.daemon.belongings)
        target.load()
        yield target
        if not target.is_alive():
            target.findings.say(f'the daemon is not alive: {target.daemon.log.read_text()[-2000:]}')
            return
        target.sweep()
        _judge(target, before)
        if (changed := _seen(pathlib.Path('/etc')) ^ before_etc):
            target.findings.say(f'/etc was touched: {sorted(changed)[:5]}')
    finally:
        target.daemon.kill()
        for point in mounts.below(folder):
            mounts.unmount(point, detach=True)
        shutil.rmtree(folder, ignore_errors=True)


def _judge(target: Target, before: leaks.Snapshot) -> None:
    try:
        leaks.assert_nothing_left(before, within_s=20)
    except AssertionError as error:
        target.findings.say(str(error)[:2000])
    for line in target.daemon.log.read_text(errors='replace').splitlines():
        if 'Traceback' in line:
            target.findings.say(f'a traceback is in the log: {target.daemon.log.read_text(errors="replace")[-3000:]}')
            return


def _seen(top: pathlib.Path) -> set[tuple[str, int]]:
    """Names and times of files, two levels deep."""
    found = set()
    for path in (*top.glob('*'), *top.glob('*/*')):
        with contextlib.suppress(OSError):
            found.add((str(path), os.lstat(path).st_mtime_ns))
    return found
