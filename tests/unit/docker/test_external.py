# SPDX-License-Identifier: Apache-2.0
"""What is said to a Docker that is not ours."""

import hashlib
import io
import json
import os
import signal
import subprocess
import tarfile
import time

import pytest

from nova_container import errors
from nova_container.docker import infra_image, log_stream, sandbox
from nova_container.engine import ContainerSpec, LogChunk, Mount, MountKind, Resources, StreamName


def test_what_docker_would_ignore_is_said_otherwise_or_refused():
    plain = Mount(kind=MountKind.TMPFS, target='/a')
    noexec = Mount(kind=MountKind.TMPFS, target='/b', size_bytes=5, mode=0o700, options=('noexec',), read_only=True)
    body = sandbox.external_body(ContainerSpec(name='n', image='i', mounts=(plain, noexec)))
    assert [mount['Target'] for mount in body['HostConfig']['Mounts']] == ['/a']
    assert body['HostConfig']['Tmpfs'] == {'/b': 'ro,size=5,mode=700,noexec'}
    with pytest.raises(errors.Unsupported):
        sandbox.external_body(ContainerSpec(name='n', image='i', mounts=(
            Mount(kind=MountKind.BIND, source='/s', target='/b', options=('noexec',)),)))


@pytest.mark.parametrize(('asked', 'sent'), [(None, 2048), (9, 9), (-1, -1)])
def test_our_limit_of_processes_is_sent(asked, sent):
    spec = ContainerSpec(name='n', image='i', resources=Resources(pids_limit=asked))
    assert sandbox.external_body(spec)['HostConfig']['PidsLimit'] == sent


@pytest.mark.parametrize('architecture', ['amd64', 'arm64'])
def test_the_infra_image_is_whole_and_always_the_same(architecture):
    image_id, content = infra_image.archive(architecture)
    assert infra_image.archive(architecture) == (image_id, content)
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        manifest, = json.load(tar.extractfile('manifest.json'))
        config = tar.extractfile(manifest['Config']).read()
        layer = tar.extractfile(manifest['Layers'][0]).read()
    assert image_id == f'sha256:{hashlib.sha256(config).hexdigest()}'
    assert json.loads(config)['rootfs']['diff_ids'] == [f'sha256:{hashlib.sha256(layer).hexdigest()}']
    assert json.loads(config)['architecture'] == architecture


@pytest.mark.skipif(os.uname().machine != 'x86_64', reason='the program is run for x86-64')
def test_the_program_sleeps_until_it_is_killed(tmp_path):
    (tmp_path / 'pause').write_bytes(infra_image.program('amd64'))
    (tmp_path / 'pause').chmod(0o755)
    process = subprocess.Popen([tmp_path / 'pause'])
    time.sleep(0.2)
    assert process.poll() is None
    with open(f'/proc/{process.pid}/stat') as file:
        assert file.read().rpartition(')')[2].split()[0] == 'S'
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == -signal.SIGTERM


def test_a_log_of_a_terminal_is_split_by_its_lines():
    pieces = [b'1970-01-01T00:00:01Z one\n1970-01-01T00:00:0', b'2Z two\nno stamp\n1970-01-01T00:00:03Z rest']
    assert list(log_stream.chunks(iter(pieces), tty=True)) == [
        LogChunk(StreamName.STDOUT, 1.0, b'one\n'), LogChunk(StreamName.STDOUT, 2.0, b'two\n'),
        LogChunk(StreamName.STDOUT, 2.0, b'no stamp\n'), LogChunk(StreamName.STDOUT, 3.0, b'rest')]


def test_what_is_not_framed_is_corrupt():
    with pytest.raises(errors.Corrupt):
        list(log_stream.chunks(iter([b'plain text, no frames']), tty=False))
