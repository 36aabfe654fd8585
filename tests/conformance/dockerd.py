# SPDX-License-Identifier: Apache-2.0
"""A real dockerd with folders, socket and containerd of its own."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence

from tests.conformance import presence
from tests.conformance.deadline import eventually


WITHOUT_NETWORKS = ('--bridge=none', '--iptables=false', '--ip6tables=false')
"""Options by which it leaves the network of the host alone."""


@contextlib.contextmanager
def running_dockerd(options: Sequence[str] = WITHOUT_NETWORKS, *, prefix: Sequence[str] = ()) -> Iterator[str]:
    """The URL of a dockerd that ends, with all it mounted and grouped, when the block does.

    :param prefix: what to run it by, ``nsenter`` for one in a network of its own.
    """
    presence.require_root()
    program = presence.require_program('dockerd')
    folder = pathlib.Path(tempfile.mkdtemp(prefix='nc-dockerd-', dir='/tmp'))
    group, path = f'/{folder.name}', folder / 'docker.sock'
    with (folder / 'log').open('wb') as log:
        daemon = subprocess.Popen(
            [*prefix, program, '--data-root', folder / 'data', '--exec-root', folder / 'exec', '--pidfile',
             folder / 'pid', '-H', f'unix://{path}', '--storage-driver=overlay2', f'--cgroup-parent={group}', *options],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, env={'PATH': f'{os.environ["PATH"]}:/usr/sbin:/sbin'})
    try:
        eventually(lambda: 'API listen on' in (folder / 'log').read_text() or daemon.poll() is not None, 60)
        assert daemon.poll() is None, (folder / 'log').read_text()[-2000:]
        yield f'unix://{path}'
    finally:
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(60)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait(10)
        _clear(folder, group)


def _clear(folder: pathlib.Path, group: str) -> None:
    """Unmount, ungroup and delete what it left."""
    for line in reversed(pathlib.Path('/proc/self/mountinfo').read_text().splitlines()):
        target = line.split()[4]
        if target.startswith(f'{folder}/'):
            subprocess.run(['umount', '--lazy', target], check=False, timeout=10)
    for root in (pathlib.Path('/sys/fs/cgroup'), *pathlib.Path('/sys/fs/cgroup').glob('*/')):
        top = root / group.lstrip('/')
        for path in [*sorted(top.rglob('*/'), reverse=True), top]:
            with contextlib.suppress(OSError):
                path.rmdir()
    shutil.rmtree(folder, ignore_errors=True)
