# SPDX-License-Identifier: Apache-2.0
"""Images that cannot be booted: the fault says why, nothing is left, and the host is not blamed."""

import gzip
import io
import pathlib
import struct
import tarfile
from typing import Any

import pytest

from tests.cloud.project import Project, attempts
from tests.fixtures import busybox_image

QCOW2 = struct.pack('>4sIQIIQIIQQIIQQQQII', b'QFI\xfb', 3, 0, 0, 16, 1 << 20, 0, 1, 196608, 65536, 1, 0, 0, 0, 0, 0, 4,
                    104) + bytes(262144)
WANTED = {
    'a disk image': ('container format bare and disk format qcow2', '--container-format docker --disk-format raw'),
    'a raw disk': ('docker save or OCI layout archive',),
    'a tar cut short': ('cut short',),
    'a gzip cut short': ('gzip stream is damaged',),
    'a flipped bit in a layer': ('layer does not match its digest', 'sha256:'),
    'a tar that is no image': ('archive',),
    'a command that does not exist': ("'/no/such/program': executable file not found",
                                      'change the command or the image'),
    'a command that is no program': ("'/etc/passwd': permission denied, as it is not an executable file",),
    'an unknown user': ('nobody-of-that-name',),
}


def an_archive(folder: pathlib.Path, **config: Any) -> bytes:
    path = folder / 'box.tar'
    busybox_image.build(path, 'box:1', config={'Entrypoint': None, 'Cmd': ['sleep', '1000'], **config})
    return path.read_bytes()


def flipped(archive: bytes) -> bytes:
    """One bit of a layer is another: the tar is whole, its digest is not."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        layer = next(entry for entry in tar if entry.name.endswith('layer.tar'))
        place = layer.offset_data + layer.size // 2
    return archive[:place] + bytes([archive[place] ^ 1]) + archive[place + 1:]


def a_tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode='w') as tar:
        tar.addfile(tarfile.TarInfo('readme'), io.BytesIO())
    return file.getvalue()


@pytest.fixture(scope='module')
def refused(shared: Project, tmp_path_factory) -> dict[str, Any]:
    """Servers in ERROR, by what is wrong with their images."""
    folder = tmp_path_factory.mktemp('images')
    good = an_archive(folder)
    packed = gzip.compress(good, 1)
    images = {
        'a disk image': shared.upload(QCOW2, container_format='bare', disk_format='qcow2'),
        'a raw disk': shared.upload(b'\xeb\x3c\x90' + bytes(100_000)),
        'a tar cut short': shared.upload(good[:len(good) // 2]),
        'a gzip cut short': shared.upload(packed[:-1000]),
        'a flipped bit in a layer': shared.upload(flipped(good)),
        'a tar that is no image': shared.upload(a_tar()),
        'a command that does not exist': shared.upload(an_archive(folder, Cmd=['/no/such/program', 'x'])),
        'a command that is no program': shared.upload(an_archive(folder, Cmd=['/etc/passwd'])),
        'an unknown user': shared.upload(an_archive(folder, User='nobody-of-that-name'))}
    return shared.fail({what: {'image': image} for what, image in images.items()})


@pytest.mark.parametrize('what', WANTED)
def test_the_fault_says_what_is_wrong_at_the_only_attempt(refused, admin, what):
    fault = refused[what].fault['message']
    assert all(words in fault for words in WANTED[what]), fault
    assert len(fault) <= 255
    assert 'Traceback' not in fault and '.minicloud' not in fault
    assert attempts(admin, refused[what].id) == 1


def test_nothing_is_left_of_them_and_the_host_is_not_blamed(refused, admin, shared, containers):
    assert not {server.id for server in refused.values()} & {
        one.name for one in containers.client.containers.list(all=True, ignore_removed=True)}
    shared.delete(*(server.id for server in refused.values()))
    compute = next(one for one in admin.compute.services() if one.binary == 'nova-compute')
    assert (compute.status, compute.state) == ('enabled', 'up')


def test_an_archive_uploaded_as_bare_and_raw_boots_too(project, tmp_path):
    assert project.boot(project.upload(an_archive(tmp_path), container_format='bare')).status == 'ACTIVE'
