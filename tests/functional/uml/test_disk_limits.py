# SPDX-License-Identifier: Apache-2.0
"""A root disk and a volume have a size where the file system keeps project quotas, and are refused one elsewhere.

Limits bind who lacks CAP_SYS_RESOURCE (the kernel's ignore_hardlimit), which containers do unless they ask for it.
"""

import io
import tempfile
from pathlib import Path

import pytest

from nova_container import errors
from nova_container.engine import ContainerSpec, Feature, Resources
from nova_container.engine.volume import Volume
from nova_container.host import quota
from nova_container.runtime.engine import RuntimeEngine
from nova_container.runtime.settings import Settings
from tests.fixtures import busybox_image
from tests.functional.uml import kernel

pytestmark = pytest.mark.root

_FOLDERS = """
import os
from pathlib import Path
from nova_container.host import quota

disk = Path('/mnt/disk')


def written(path, uid=1000):
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return os.stat(path).st_size
    os.setgid(uid)
    os.setuid(uid)
    try:
        with open(path, 'wb', buffering=0) as file:
            for _ in range(128):
                file.write(bytes(65536))
    except OSError:
        pass
    os._exit(0)


def folder(name):
    path = disk / name
    path.mkdir()
    os.chown(path, 1000, 1000)
    return path
"""
_HOST = _FOLDERS + """
assert quota.is_kept(disk)
one, two, free = folder('one'), folder('two'), folder('free')
project = quota.limit((one, two), 1 << 29, 3 << 20)
assert (project, quota.project_of(one), quota.project_of(two), quota.project_of(free)) == (1 << 29, project, project, 0)
assert 2 << 20 < written(one / 'file') <= 3 << 20
assert written(two / 'file') < 1 << 20
assert written(free / 'file') == 8 << 20
assert quota.limit((folder('next'),), 1 << 29, 1 << 20) == project + 1
(one / 'file').unlink()
(two / 'file').unlink()
one.rmdir()
two.rmdir()
quota.release(disk, project)
assert quota.limit((folder('again'),), 1 << 29, 1 << 20) == project
"""
_ENGINE = _FOLDERS + """
import io
from nova_container import errors
from nova_container.engine import ContainerSpec, Feature, NetworkMode, NetworkSpec, Resources
from nova_container.engine.volume import Volume
from nova_container.runtime.engine import RuntimeEngine
from nova_container.runtime.settings import Settings
from tests.fixtures import busybox_image

engine = RuntimeEngine(Settings(state_dir=disk / 'state', run_dir=Path('/mnt/run')))
engine.open()
assert Feature.ROOT_SIZE in engine.info().features
busybox_image.build('/mnt/box.tar', 'box:1')
engine.load(io.BytesIO(Path('/mnt/box.tar').read_bytes()))
container = engine.create(ContainerSpec(name='small', image='box:1', resources=Resources(root_size_bytes=4 << 20),
                                        network=NetworkSpec(mode=NetworkMode.HOST)))
place = disk / 'state/containers' / container[:16]
for path in (disk, disk / 'state', disk / 'state/containers', place):
    path.chmod(0o755)
assert 3 << 20 < written(place / 'root/tmp/file') <= 4 << 20
assert engine.inspect(container).spec.resources.root_size_bytes == 4 << 20
project = quota.project_of(place / 'upper')
try:
    engine.update(container, Resources(root_size_bytes=8 << 20))
except errors.Unsupported:
    pass
else:
    raise AssertionError('a size was changed')
other = engine.create(ContainerSpec(name='large', image='box:1', network=NetworkSpec(mode=NetworkMode.HOST)))
assert quota.project_of(disk / 'state/containers' / other[:16] / 'upper') == 0
engine.remove(container)
engine.remove(other)
assert quota.limit((folder('again'),), project, 1 << 20) == project
volume = Path(engine.create_volume(Volume(name='data', options={'size': '2m'})).mountpoint)
assert quota.project_of(volume) > 0
for path in (disk / 'state/volumes', volume.parent):
    path.chmod(0o755)
os.chown(volume, 1000, 1000)
assert 1 << 20 < written(volume / 'file') <= 2 << 20
project = quota.project_of(volume)
engine.remove_volume('data')
assert quota.limit((folder('more'),), project, 1 << 20) == project
engine.close()
"""


@pytest.mark.parametrize('program', [_HOST, _ENGINE], ids=['folders', 'engine'])
def test_where_quotas_are_kept(program):
    with tempfile.TemporaryDirectory(prefix='nc-', dir='/tmp') as folder:
        kernel.run(program, Path(folder))


def test_elsewhere_a_size_is_refused_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(quota, 'is_kept', lambda path: False)
    engine = RuntimeEngine(Settings(state_dir=tmp_path / 'state', run_dir=tmp_path / 'run'))
    engine.open()
    try:
        assert Feature.ROOT_SIZE not in engine.info().features
        busybox_image.build(tmp_path / 'box.tar', 'box:1')
        engine.load(io.BytesIO((tmp_path / 'box.tar').read_bytes()))
        with pytest.raises(errors.Unsupported, match='prjquota'):
            engine.create(ContainerSpec(name='small', image='box:1', resources=Resources(root_size_bytes=1 << 20)))
        with pytest.raises(errors.Unsupported, match='prjquota'):
            engine.create_volume(Volume(name='data', options={'size': '1m'}))
        with pytest.raises(errors.InvalidSpec, match='10m'):
            engine.create_volume(Volume(name='data', options={'size': 'much'}))
    finally:
        engine.close()


@pytest.mark.parametrize(('line', 'kept'), [
    ('29 1 {device} / / rw - ext4 /dev/a rw,prjquota', True), ('29 1 {device} / / rw - xfs /dev/a rw,pquota', True),
    ('29 1 {device} / / rw - ext4 /dev/a rw', False), ('29 1 {device} / / rw - btrfs /dev/a rw,prjquota', False),
    ('29 1 0:0 / / rw shared:1 - ext4 /dev/a rw,prjquota', False)])
def test_the_options_of_the_mount_tell(tmp_path, line, kept):
    device = tmp_path.stat().st_dev
    (tmp_path / 'mountinfo').write_text(line.format(device=f'{device >> 8}:{device & 0xff}') + '\n')
    assert quota.is_kept(tmp_path, tmp_path / 'mountinfo') is kept
