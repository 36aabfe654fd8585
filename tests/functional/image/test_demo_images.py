# SPDX-License-Identifier: Apache-2.0
"""The demo images: read by other tools, the same each time, and their programs run."""

import http.server
import json
import os
import re
import shutil
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from nova_container.image import archive, unpack
from nova_container.image.blobs import BlobStore
from tests.fixtures import children
from tools.images import __main__ as command
from tools.images import packages
from tools.images.build import IMAGES, build

needs_packages = pytest.mark.skipif(
    not all(map(os.path.exists, ('/bin/busybox', '/usr/sbin/dropbear'))),
    reason='needs the Debian packages busybox-static and dropbear-bin')
pytestmark = needs_packages


@pytest.fixture(scope='module')
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    output = tmp_path_factory.mktemp('images')
    return {name: build(name, output) for name in IMAGES}


@pytest.fixture(scope='module')
def roots(archives: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    top = tmp_path_factory.mktemp('roots')
    blobs = BlobStore(top / 'blobs')
    for name, path in archives.items():
        image, = archive.read_archive(path, blobs).images
        (top / name).mkdir()
        with blobs.open(image.layers[0].blob_digest) as blob:
            argv = children.argv(unpack.words_for(top / name, unpack.UnpackLimits(),
                                                  expect_diff_id=image.layers[0].diff_id))
            unpack.parse_output(subprocess.run(argv, stdin=blob, stdout=subprocess.PIPE, check=True).stdout)
        unpack.check_special_directories([top / name])
    return {name: top / name for name in archives}


def inside(root: Path, *argv: str, **environment: str) -> list[str]:
    """Return the command that runs another in the tree, with its own /proc and process ids."""
    script = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec env -i "$@"'
    variables = [f'{name}={value}' for name, value in ({'PATH': '/usr/sbin:/usr/bin:/sbin:/bin'} | environment).items()]
    return ['unshare', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', script, str(root), *variables,
            'chroot', str(root), *argv]


@pytest.mark.skipif(shutil.which('skopeo') is None, reason='needs skopeo')
@pytest.mark.parametrize('form', ['docker-archive:{}', 'docker-archive:{}:{}:latest', 'oci-archive:{}:latest'])
@pytest.mark.parametrize('name', IMAGES)
def test_skopeo_reads_them_in_both_formats(archives: dict[str, Path], name: str, form: str) -> None:
    shown = subprocess.run(['skopeo', 'inspect', form.format(archives[name], name)], capture_output=True, check=True)
    found = json.loads(shown.stdout)
    assert (found['Os'], found['Created'], len(found['Layers'])) == ('linux', '2024-01-01T00:00:00Z', 1)


def test_the_same_packages_give_the_same_bytes(archives: dict[str, Path], tmp_path: Path) -> None:
    for name, path in archives.items():
        assert build(name, tmp_path).read_bytes() == path.read_bytes()
        assert os.listdir(tmp_path) == [f'{name}.tar']
        (tmp_path / f'{name}.tar').unlink()


def test_the_command_tells_its_progress_and_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                            capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(['--output', str(tmp_path), 'demo-httpd']) == 0
    assert re.search(r'demo-httpd: building\n.*demo-httpd\.tar \(\d\.\d MB\)\n', capsys.readouterr().out)
    assert command.main(['nope']) == 2
    assert 'choose from demo-httpd, demo-system' in capsys.readouterr().err

    def missing(path: str, package: str) -> bytes:
        raise packages.PackageMissing(f'{path} is missing: install it with "apt-get install {package}"')

    monkeypatch.setattr(packages, 'program', missing)
    assert command.main(['--output', str(tmp_path), 'demo-system']) == 1
    assert 'apt-get install busybox-static' in capsys.readouterr().err


def test_a_missing_program_names_its_package() -> None:
    with pytest.raises(packages.PackageMissing, match='apt-get install some-package'):
        packages.program('/no/such/program', 'some-package')


def test_every_program_finds_its_libraries(roots: dict[str, Path]) -> None:
    shown = subprocess.run(inside(roots['demo-system'], 'dropbear', '-V'), capture_output=True, text=True, check=True)
    assert 'Dropbear' in shown.stdout + shown.stderr


@pytest.mark.parametrize(('argv', 'expected'), [
    (['sudo', '-n', 'hostname'], None), (['sudo', '-u', 'root', '-E', 'A=5', 'sh', '-c', 'echo $A'], '5'),
    (['sh', '-c', 'set -eu -o pipefail; grep -c ^processor /proc/cpuinfo | cat'], str(os.cpu_count())),
    (['sh', '-c', 'ip -o link show lo | cut -d: -f2'], ' lo'), (['id', '-un', 'demo'], 'demo'),
    (['which', 'uptime', 'ping', 'df', 'mount', 'date', 'cat', 'lsblk', 'nc', 'hostname', 'nproc'], None)])
def test_the_commands_that_tempest_runs_are_there(roots: dict[str, Path], argv: list[str],
                                                  expected: str | None) -> None:
    shown = subprocess.run(inside(roots['demo-system'], *argv), capture_output=True, text=True, check=False)
    assert (shown.returncode, shown.stderr) == (0, '')
    if expected is not None:
        assert shown.stdout.strip('\n') == expected


class Metadata(http.server.BaseHTTPRequestHandler):
    """A metadata service that is ready at the third request only."""

    requests = 0
    answers = {'instance-id': 'i-7', 'public-keys/0/openssh-key': 'ssh-ed25519 AAAA demo', '../user-data':
               '#!/bin/sh\necho "user data ran as $(id -un)"\nexit 3\n'}

    def do_GET(self) -> None:
        Metadata.requests += 1
        answer = {f'/2009-04-04/meta-data/{name}'.replace('meta-data/../', ''): text
                  for name, text in self.answers.items()}.get(self.path)
        ready = answer is not None and Metadata.requests > 2
        self.send_response(200 if ready else 404)
        self.end_headers()
        self.wfile.write(answer.encode() if ready and answer else b'<html>not found</html>')

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def metadata_port() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Metadata)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_system_takes_its_key_and_user_data_from_a_service_that_is_slow_to_come(
        roots: dict[str, Path], metadata_port: int) -> None:
    root = roots['demo-system']
    shown = subprocess.run(inside(root, '/usr/sbin/metadata', METADATA_HOST='127.0.0.1',
                                  METADATA_PORT=str(metadata_port)), capture_output=True, text=True, check=True)
    assert 'this is server i-7' in shown.stdout
    assert 'user data ran as root\ndemo-system: the user data ended with 3' in shown.stdout
    for home, owner in (('root', 0), ('home/demo', 1000)):
        keys = root / home / '.ssh/authorized_keys'
        assert keys.read_text().strip() == 'ssh-ed25519 AAAA demo'
        assert (keys.stat().st_uid, keys.stat().st_mode & 0o777) == (owner, 0o600)


def test_the_web_server_shows_the_host_name_and_stops_at_once(roots: dict[str, Path]) -> None:
    root = roots['demo-httpd']
    argv = inside(root, '/entrypoint', 'httpd', '-f', '-p', '127.0.0.1:18080', '-h', '/www')
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == f'demo-httpd: starting on {os.uname().nodename}\n'
            assert 'serving' in process.stdout.readline()
            assert f'Hello from {os.uname().nodename}' in fetch('http://127.0.0.1:18080/')
            started = time.monotonic()
            process_one = subprocess.run(['pgrep', '-P', str(process.pid)], capture_output=True, text=True, check=True)
            os.kill(int(process_one.stdout), 15)
            assert process.wait(5) == 0
            assert time.monotonic() - started < 3
        finally:
            process.kill()


def fetch(url: str) -> str:
    deadline = time.monotonic() + 5
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return str(answer.read(), 'utf-8')
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
