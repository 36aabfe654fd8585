# SPDX-License-Identifier: Apache-2.0
"""Snapshots of running and of stopped servers, and servers from them."""

import json
import pathlib
import subprocess
import time
from typing import Any

import pytest

from tests.cloud.project import Project, wait_for

COUNTER = json.dumps(['/bin/sh', '-c', 'mkdir -p /data; dd if=/dev/urandom of=/data/bulk bs=1M count=32 2>/dev/null; '
                      'while :; do cut -d" " -f1 /proc/uptime; usleep 50000; done'])
LONGEST_GAP_S = 3.0


def snapshot(project: Project, server: Any) -> Any:
    """A snapshot that is active."""
    name = project.name('snapshot')
    image = project.compute.create_server_image(server.id, name)
    project.afterwards(lambda: project.image.delete_image(image.id, ignore_missing=True))
    return wait_for('the snapshot is active', lambda: (
        found := project.image.get_image(image.id)).status == 'active' and found, 90, 0.3)


def inspected(project: Project, image: Any, path: pathlib.Path) -> dict[str, Any]:
    """What skopeo tells of the archive in Glance."""
    project.image.download_image(image.id, stream=True, output=str(path))
    done = subprocess.run(['skopeo', 'inspect', f'docker-archive:{path}'], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(scope='module')
def server(shared: Project) -> Any:
    return shared.boot(metadata={'container:entrypoint': COUNTER})


def test_a_running_server_is_frozen_only_while_its_layer_is_taken(server, shared, containers, tmp_path):
    wait_for('the counter counts', lambda: len(shared.console(server.id).split()) > 10, 20)
    containers.sh(server.id, 'echo changed > /root/mark; rm /www/index.html')
    pid = containers.pid(server.id)
    image = snapshot(shared, server)
    assert (image.container_format, image.disk_format) == ('docker', 'raw')
    time.sleep(0.5)
    ticks = [float(word) for word in shared.console(server.id).split()]
    gap = max(later - earlier for earlier, later in zip(ticks, ticks[1:], strict=False))
    assert gap < LONGEST_GAP_S, f'it stood still for {gap:.1f} s'
    assert shared.await_status(server.id).power_state == 1 and containers.pid(server.id) == pid
    found = inspected(shared, image, tmp_path / 'snapshot.tar')
    assert found['Os'] == 'linux' and len(found['Layers']) == 2

    copy = shared.boot(shared.image.get_image(image.id).name, metadata={'container:entrypoint': '/bin/sleep 1000'})
    assert containers.sh(copy.id, 'cat /root/mark; ls /www') == 'changed\n'
    assert containers.sh(copy.id, 'wc -c < /data/bulk').strip() == str(32 << 20)
    assert containers.sh(copy.id, 'hostname').strip() == copy.name


def test_a_stopped_server_is_snapshotted_and_stays_stopped(project, containers):
    stopped = project.boot()
    containers.sh(stopped.id, 'echo before-the-stop > /root/mark; sync')
    project.compute.stop_server(stopped.id)
    project.await_status(stopped.id, 'SHUTOFF')
    image = snapshot(project, stopped)
    project.await_status(stopped.id, 'SHUTOFF')
    copy = project.boot(image.name)
    assert containers.sh(copy.id, 'cat /root/mark') == 'before-the-stop\n'
