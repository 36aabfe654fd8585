# SPDX-License-Identifier: Apache-2.0
"""Demo images built from their file systems into archives."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nova_container.image import archive, oci_layout
from nova_container.image import digest as digests
from nova_container.image.blobs import BlobStore
from nova_container.image.config import ImageConfig
from tools.images import demo_httpd, demo_mariadb, demo_php, demo_system, demo_vnf
from tools.images.rootfs import Rootfs

CREATED = '2024-01-01T00:00:00Z'

IMAGES: dict[str, tuple[Callable[[], Rootfs], dict[str, Any]]] = {
    demo_httpd.NAME: (demo_httpd.rootfs, demo_httpd.RUN_DEFAULTS),
    demo_system.NAME: (demo_system.rootfs, demo_system.RUN_DEFAULTS),
}
"""What the minicloud uploads."""

MORE: dict[str, tuple[Callable[[], Rootfs], dict[str, Any]]] = {
    demo_mariadb.NAME: (demo_mariadb.rootfs, demo_mariadb.RUN_DEFAULTS),
    demo_php.NAME: (demo_php.rootfs, demo_php.RUN_DEFAULTS),
    demo_vnf.NAME: (demo_vnf.rootfs, demo_vnf.RUN_DEFAULTS),
}
"""What the example templates of ``heat_container/examples`` run, built when named."""


def build(name: str, output: Path) -> Path:
    """Build an image into ``output/<name>.tar`` (docker save and OCI layout at once) and return that path.

    The same packages give the same bytes.

    :raises KeyError: there is no image of that name.
    :raises PackageMissing: a Debian package is not installed.
    """
    make_rootfs, run_defaults = {**IMAGES, **MORE}[name]
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output) as scratch:
        blobs = BlobStore(Path(scratch))
        layer = make_rootfs().layer(blobs)
        history = ({'created': CREATED, 'created_by': f'python -m tools.images {name}'},)
        config = ImageConfig(oci_layout.host_architecture(), 'linux', run_defaults, (layer.diff_id,), history, CREATED)
        content = config.to_json()
        image = archive.LoadedImage(config, digests.of_bytes(content), content, (layer,), (f'{name}:latest',))
        written = Path(scratch) / f'{name}.tar'
        with open(written, 'wb') as file:
            for piece in archive.write_archive([image], blobs):
                file.write(piece)
        os.replace(written, output / written.name)
    return output / f'{name}.tar'
