# SPDX-License-Identifier: Apache-2.0
"""buildah, with a storage of its own below the state directory, in namespaces of its own.

Each run has its own mount and process namespaces: what it mounts and starts ends with it, however it ends, and it ends
with the engine. Base images are given to it from our store, pinned by id, and what it makes is taken over: it never
talks to a registry.
"""

import base64
import dataclasses
import json
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nova_container import errors
from nova_container.engine.registry import BuildSpec
from nova_container.host import files, process
from nova_container.host.launch import Launcher, bound
from nova_container.image import digest as digests
from nova_container.image import manifest as manifests
from nova_container.image import oci_layout
from nova_container.image.blobs import BlobStore
from nova_container.image.manifest import Descriptor, Index, Manifest
from nova_container.runtime import capabilities, seccomp_profile
from nova_container.runtime.built import BuiltStore
from nova_container.runtime.images import ImageRecord
from nova_container.runtime.settings import Settings

_POLICY = {'default': [{'type': 'insecureAcceptAnything'}]}
_DEADLINE_S = 1800.0
_SHORT = 12
_COLLECT_LATE = {'GOGC': 'off', 'GOMEMLIMIT': '256MiB'}
"""No garbage collection below that heap: buildah runs itself thirty times in a build of ten steps (9 % less time)."""


@dataclasses.dataclass(frozen=True, slots=True)
class StoredLayer:
    """A layer in buildah's storage: the folder it is unpacked in, and what its tar was beside that (``tar_split``)."""

    diff_id: str
    folder: Path
    description: Path


class Builder:
    """Runs buildah for one engine."""

    def __init__(self, settings: Settings, launcher: Launcher) -> None:
        self._settings, self._launcher = settings, launcher
        self.folder = settings.builds
        self._storage = self.folder / 'storage'
        self.built = BuiltStore(self.folder / 'built')

    def prepare(self) -> None:
        """Write what each run needs. :raises HostFailure: buildah is not installed."""
        process.find(self._settings.builder)
        granted = capabilities.DEFAULT & capabilities.of_this_host()
        for name, content in (('policy.json', _POLICY), ('seccomp.json', seccomp_profile.as_oci(granted))):
            files.write_atomically(self.folder / name, json.dumps(content).encode(), durable=False)
        (self.folder / 'registries.conf').write_text('unqualified-search-registries = []\n')
        (self.folder / 'ignore').touch()

    def has(self, image_id: str) -> bool:
        """Whether buildah has an image."""
        return (self._storage / 'overlay-images' / digests.hex_of(image_id)).is_dir()

    def give(self, record: ImageRecord, blobs: BlobStore, place: Path) -> None:
        """Have an image of our store in buildah's; its blobs are linked, not copied."""
        layout = place / secrets.token_hex(8)
        target = layout / 'blobs' / 'sha256'
        target.mkdir(parents=True)
        manifest = Manifest(Descriptor(manifests.OCI_CONFIG, record.id, blobs.size(record.id)), tuple(
            Descriptor(layer.media_type, layer.blob_digest, layer.size) for layer in record.layers)).to_json()
        for digest in {record.id, *(layer.blob_digest for layer in record.layers)}:
            (target / digests.hex_of(digest)).hardlink_to(blobs.path(digest))
        digest = digests.of_bytes(manifest)
        (target / digests.hex_of(digest)).write_bytes(manifest)
        name = f'base-{digests.hex_of(record.id)}'
        index = Index((Descriptor(manifests.OCI_MANIFEST, digest, len(manifest),
                                  {oci_layout.REFERENCE_NAME: name}),)).to_json()
        (layout / oci_layout.NAME).write_bytes(index)
        (layout / oci_layout.LAYOUT_NAME).write_bytes(oci_layout.LAYOUT)
        # buildah makes a name of the path, which a folder like .minicloud cannot be part of: so it gets a relative one
        self._run('pull', '--quiet', '--policy', 'always', '--signature-policy', str(self.folder / 'policy.json'),
                  f'oci:{layout.name}:{name}', cwd=place)

    def layers_of(self, image_id: str) -> list['StoredLayer']:
        """The layers of an image that was built, as buildah keeps them, the lowest first.

        :param image_id: or the beginning of one, as buildah says it.

        :raises HostFailure: there is no such image, or buildah keeps it in another way.
        """
        try:
            wanted = digests.hex_of(image_id) if ':' in image_id else image_id
            top = next(image['layer'] for image in self._listed('images') if image['id'].startswith(wanted))
            by_id = {layer['id']: layer for layer in self._listed('layers')}
            found, place = [], top
            while place:
                layer = by_id[place]
                found.append(StoredLayer(layer['diff-digest'], self._storage / 'overlay' / place / 'diff',
                                         self._storage / 'overlay-layers' / f'{place}.tar-split.gz'))
                place = layer.get('parent', '')
        except (OSError, ValueError, KeyError, TypeError, StopIteration) as error:
            raise errors.HostFailure(f'buildah keeps no image {image_id[:80]} that can be read: {error!r}') from error
        return found[::-1]

    def _listed(self, what: str) -> list[dict[str, Any]]:
        return list(json.loads((self._storage / f'overlay-{what}' / f'{what}.json').read_bytes()))

    def configuration(self, image_id: str) -> bytes:
        """The configuration of an image that was built, as buildah keeps it (containers/storage, big data).

        One that it gives away as OCI lacks Docker's fields.
        """
        name = '=' + base64.b64encode(image_id.encode()).decode()
        content = (self._storage / 'overlay-images' / digests.hex_of(image_id) / name).read_bytes()
        if digests.of_bytes(content) != image_id:
            raise errors.DigestMismatch('The configuration of what was built', image_id, digests.of_bytes(content))
        return content

    def start(self, spec: BuildSpec, bases: Mapping[str, str], place: Path, cgroup: str) -> process.Child:
        """Begin a build of ``place``: its ``context``, ``recipe`` and ``ignore``; it says the id of what it made last.

        :param bases: image ids by the names that the recipe has for them.
        """
        return self._launcher.spawn_bound(
            [*self._argv(isolated=self.network(spec) == 'none'), *self._build(spec, bases, place, cgroup)],
            stdout=process.PIPE, stderr=process.STDOUT, cwd=str(place), new_session=True, umask=0o022,
            environment={'TMPDIR': str(place), 'BUILDAH_ISOLATION': 'oci', **_COLLECT_LATE})

    def network(self, spec: BuildSpec) -> str:
        """``host`` or ``none``. :raises Unsupported: another network was asked for."""
        asked = spec.network if spec.network not in ('', 'default', 'bridge') else self._settings.build_network
        if asked not in ('host', 'none'):
            raise errors.Unsupported(f'The network {asked[:64]!r} is not supported for builds: use host or none')
        return asked

    def _build(self, spec: BuildSpec, bases: Mapping[str, str], place: Path, cgroup: str) -> list[str]:
        extra = sorted(name.removeprefix('CAP_') for name in capabilities.DEFAULT & capabilities.of_this_host())
        argv = ['build', '--layers', '--isolation=oci', f'--runtime={process.find(self._settings.runtime)}',
                f'--runtime-flag=root={place / "oci"}', f'--cgroup-parent={cgroup}', '--force-rm',
                f'--network={self.network(spec)}', '--pull=never', '--format=docker', '--identity-label=false',
                f'--signature-policy={self.folder / "policy.json"}', f'--file={place / "recipe"}',
                f'--ignorefile={place / "ignore"}', '--http-proxy=false',
                f'--security-opt=seccomp={self.folder / "seccomp.json"}', f'--cap-add={",".join(extra)}']
        argv += [f'--build-context={name}=container-image://{digests.hex_of(image_id)}'
                 for name, image_id in bases.items()]
        argv += [f'--build-arg={name}={value}' for name, value in spec.arguments.items()]
        argv += [f'--label={name}={value}' for name, value in spec.labels.items()]
        argv += [f'--add-host={entry}' for entry in spec.extra_hosts]
        argv += [f'--ulimit={each.name}={each.soft}:{each.hard}' for each in spec.ulimits]
        limits = spec.limits
        optional = {'target': spec.target, 'platform': spec.platform, 'shm-size': spec.shm_bytes,
                    'memory': limits.memory_bytes, 'memory-swap': limits.memory_swap_bytes,
                    'cpu-shares': limits.cpu_shares, 'cpu-period': limits.cpu_period_us,
                    'cpu-quota': limits.cpu_quota_us, 'cpuset-cpus': limits.cpuset_cpus,
                    'cpuset-mems': limits.cpuset_mems}
        argv += [f'--{name}={value}' for name, value in optional.items() if value]
        return [*argv, *([] if spec.cache else ['--no-cache']), str(place / 'context')]

    def _argv(self, *, isolated: bool) -> list[str]:
        return [process.find('unshare'), '--mount', '--propagation=slave', '--pid', '--fork', '--kill-child',
                '--mount-proc', *(['--net'] if isolated else []), process.find(self._settings.builder),
                f'--root={self._storage}', f'--runroot={self._settings.build_run}', '--storage-driver=overlay',
                f'--registries-conf={self.folder / "registries.conf"}', '--registries-conf-dir=/nonexistent']

    def _run(self, *words: str, cwd: Path | None = None) -> bytes:
        return self._launcher.call(process.run, *bound([*self._argv(isolated=True), *words]), timeout_s=_DEADLINE_S,
                                   cwd=None if cwd is None else str(cwd))

    def discard_leftovers(self) -> None:
        """Forget the working containers that builds which were killed have left. Nobody may build meanwhile."""
        listed = self._storage / 'overlay-containers' / 'containers.json'
        if listed.exists() and listed.read_bytes().strip() not in (b'', b'[]', b'null'):
            self._run('rm', '--all')

    def used_at(self) -> float:
        """When an image was last made here; 0 if never."""
        try:
            return (self._storage / 'overlay-images' / 'images.json').stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def discard_all(self) -> int:
        """Remove every image and step that is kept for later builds; bytes freed. Nobody may build meanwhile."""
        before = shutil.disk_usage(self.folder).free
        self.built.clear()
        files.remove_tree(self._storage)
        return max(0, shutil.disk_usage(self.folder).free - before)
