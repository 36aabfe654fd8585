# SPDX-License-Identifier: Apache-2.0
"""podman in a bench: by its command line, as it has no daemon, with Debian's default network."""

import json
import subprocess
from pathlib import Path

from bench.contender import COMMAND, IMAGE, Contender, Started
from bench.daemons import command, find

_NETWORK = {
    'cniVersion': '0.4.0', 'name': 'podman', 'plugins': [
        {'type': 'bridge', 'bridge': 'cni-podman0', 'isGateway': True, 'ipMasq': True, 'hairpinMode': True,
         'ipam': {'type': 'host-local', 'routes': [{'dst': '0.0.0.0/0'}],
                  'ranges': [[{'subnet': '10.88.0.0/16', 'gateway': '10.88.0.1'}]]}},
        {'type': 'portmap', 'capabilities': {'portMappings': True}}, {'type': 'firewall'}, {'type': 'tuning'}]}
"""Debian's /etc/cni/net.d/87-podman-bridge.conflist."""

_LIMITS = ('--ulimit=nofile=4096:4096', '--ulimit=nproc=4096:4096')
"""podman's own are the kernel's maxima, which root may not set in a virtual machine without CAP_SYS_RESOURCE."""

_WITHOUT_UNIFIED = """
if mountpoint -q /sys/fs/cgroup/unified; then
    umount /sys/fs/cgroup/unified && mount -t tmpfs -o size=4m bench /sys/fs/cgroup/unified || exit
fi
echo ready
exec sleep infinity
"""
"""With cgroup v1 and a cgroup2 mount beside it podman's crun refuses: it gets a view of the mounts without that one."""


class Podman(Contender):
    """podman with storage and network of its own."""

    name = 'podman'
    _holder: subprocess.Popen[bytes] | None = None

    def up(self, archive: Path) -> None:
        network = self.folder / 'net'
        network.mkdir(parents=True)
        _NETWORK['plugins'][0]['ipam']['dataDir'] = str(self.folder / 'ipam')  # type: ignore[index]
        (network / '87-podman-bridge.conflist').write_text(json.dumps(_NETWORK))
        self._holder = subprocess.Popen(['unshare', '--mount', '--propagation=slave', 'sh', '-c', _WITHOUT_UNIFIED],
                                        stdout=subprocess.PIPE, start_new_session=True)
        self._holder.stdout.readline()  # type: ignore[union-attr]
        self._argv = [find('nsenter'), f'--mount=/proc/{self._holder.pid}/ns/mnt', find('podman'),
                      f'--root={self.folder}/root', f'--runroot={self.volatile}/root',
                      f'--tmpdir={self.volatile}/tmp', f'--network-config-dir={network}', '--cgroup-manager=cgroupfs']
        self._podman('load', f'--input={archive}')

    def _podman(self, *arguments: str) -> str:
        return command([*self._argv, *arguments])

    def version(self) -> str:
        runtime = json.loads(self._podman('info', '--format={{json .Host.OCIRuntime}}'))
        version = self._podman('version', '--format={{.Client.Version}}')
        return f'podman {version}, {runtime["name"]} {runtime["version"].split()[2]}'

    def run(self, name: str) -> Started:
        container_id = self._podman('run', '--detach', f'--name={name}', *_LIMITS,
                                    f'--cgroup-parent=/{self.group}', IMAGE, *COMMAND)
        return Started(name, container_id,
                       self.folder / 'root/overlay-containers' / container_id / 'userdata/ctr.log')

    def is_running(self, started: Started) -> bool:
        return self._podman('inspect', '--format={{.State.Status}}', started.id) == 'running'

    def remove(self, started: Started) -> None:
        self._podman('rm', '--force', '--time=0', started.id)

    def names(self) -> set[str]:
        return set(self._podman('ps', '--all', '--format={{.Names}}').split())

    def daemon_pids(self) -> list[int]:
        return []

    def down(self) -> None:
        if self._holder is not None:
            self._podman('rm', '--force', '--time=0', '--all')
            self._holder.kill()
            self._holder.wait()
            self._holder = None
