# SPDX-License-Identifier: Apache-2.0
"""A daemon that is killed amid a step that says nothing: the build ends with it, and the next one clears up."""

import contextlib
import io
import pathlib
import shutil
import tarfile
import tempfile
import threading

import pytest

from nova_container import errors
from nova_container.engine import BuildSpec
from nova_container.host import pids
from tests.conformance import presence
from tests.conformance.builtin import traces
from tests.conformance.deadline import eventually
from tests.fixtures import busybox_image
from tests.fixtures.daemon import Daemon
from tests.functional.registry.test_build import running

pytestmark = pytest.mark.root


@pytest.fixture
def daemon():
    presence.require_root()
    presence.require_program('buildah')
    folder = pathlib.Path(tempfile.mkdtemp(prefix='nc-', dir='/tmp'))
    made = Daemon(folder)
    made.start()
    try:
        yield made
    finally:
        made.kill()
        left = traces(folder, made.settings.cgroup_parent)
        shutil.rmtree(folder, ignore_errors=True)
    assert left == []


def context(dockerfile):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w') as tar:
        entry = tarfile.TarInfo('Dockerfile')
        entry.size = len(dockerfile)
        tar.addfile(entry, io.BytesIO(dockerfile.encode()))
    buffer.seek(0)
    return buffer


def build(client, dockerfile):
    return ''.join(one.stream for one in client.build(context(dockerfile), BuildSpec(network='none')))


def test_a_silent_step_ends_with_the_daemon_and_the_next_one_clears_up(daemon):
    client = daemon.client()
    busybox_image.build(daemon.folder / 'box.tar', 'box:1')
    with (daemon.folder / 'box.tar').open('rb') as archive:
        client.load(archive)
    build(client, 'FROM box:1\nRUN true\n')
    work = daemon.settings.builds
    before = {path.name for path in work.iterdir()}

    def silent():
        with contextlib.suppress(errors.ContainerError):
            build(daemon.client(), 'FROM box:1\nRUN exec sleep 87654\n')

    waiting = threading.Thread(target=silent)
    waiting.start()
    eventually(lambda: running('87654'), 30)
    daemon.kill()
    waiting.join(30)
    assert not waiting.is_alive()
    eventually(lambda: not running('87654') and not pids.having([f'--root={work / "storage"}']), 10)
    daemon.start()
    assert 'Successfully built' in build(client, 'FROM box:1\nRUN echo later\n')
    assert {path.name for path in work.iterdir()} == before
    client.prune_images(all_unused=True)
    client.close()
