# SPDX-License-Identifier: Apache-2.0
"""Debian's docker-registry on loopback for a bench, and images put into it without any engine."""

import hashlib
import json
import os
import socket
import subprocess
import time
from pathlib import Path

import requests

from bench.contender import BenchFailed
from bench.daemons import find
from bench.engine.payload import Payload

_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
_CONFIG = 'application/vnd.docker.container.image.v1+json'
_LAYER = 'application/vnd.docker.image.rootfs.diff.tar.gzip'


class Registry:
    """It listens on ``place``, ``host:port``, until ``stop``."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.place = f'127.0.0.1:{_free_port()}'
        config = folder / 'config.yml'
        config.write_text('version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n'
                          f'storage: {{filesystem: {{rootdirectory: {folder}/data}}}}\n'
                          f'http: {{addr: "{self.place}"}}\n')
        with (folder / 'output').open('wb') as output:
            self._child = subprocess.Popen([find('docker-registry'), 'serve', str(config)], stdout=output,
                                           stderr=output, stdin=subprocess.DEVNULL, env={'PATH': os.environ['PATH']})
        self._await()

    def _await(self, timeout_s: float = 20.0) -> None:
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                requests.get(f'http://{self.place}/v2/', timeout=5).raise_for_status()
                return
            except requests.RequestException as error:
                if self._child.poll() is not None or time.monotonic() > deadline:
                    raise BenchFailed(f'docker-registry does not answer: {error}') from None
                time.sleep(0.05)

    def put(self, name: str, payload: Payload) -> str:
        """Have an image under ``name:1``; the reference to pull."""
        base = f'http://{self.place}/v2/{name}'
        config = f'sha256:{hashlib.sha256(payload.config).hexdigest()}'
        self._blob(base, payload.config, config)
        for path, digest in zip(payload.layers, payload.digests, strict=True):
            self._blob(base, path.read_bytes(), digest)
        manifest = {
            'schemaVersion': 2, 'mediaType': _MANIFEST,
            'config': {'mediaType': _CONFIG, 'size': len(payload.config), 'digest': config},
            'layers': [{'mediaType': _LAYER, 'size': path.stat().st_size, 'digest': digest}
                       for path, digest in zip(payload.layers, payload.digests, strict=True)]}
        requests.put(f'{base}/manifests/1', json.dumps(manifest), headers={'Content-Type': _MANIFEST},
                     timeout=60).raise_for_status()
        return f'{self.place}/{name}:1'

    @staticmethod
    def _blob(base: str, content: bytes, digest: str) -> None:
        begun = requests.post(f'{base}/blobs/uploads/', timeout=60)
        begun.raise_for_status()
        place = begun.headers['Location']
        sign = '&' if '?' in place else '?'
        requests.put(f'{place}{sign}digest={digest}', content, headers={'Content-Type': 'application/octet-stream'},
                     timeout=300).raise_for_status()

    def stop(self) -> None:
        """End it. Repeatable."""
        self._child.terminate()
        self._child.wait(10)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return int(listener.getsockname()[1])
