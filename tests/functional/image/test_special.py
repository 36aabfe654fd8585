# SPDX-License-Identifier: Apache-2.0
"""The places a runtime mounts over: cases 37, 38 and 39 of the abuse checklist."""

from pathlib import Path

import pytest

from nova_container import errors
from nova_container.image import unpack
from tests.functional.image.tars import Tar, unpack_into


def layers(tmp_path: Path, *tars: Tar) -> list[Path]:
    made = []
    for index, tar in enumerate(tars):
        unpack_into(tmp_path / str(index), tar)
        made.append(tmp_path / str(index))
    return made


@pytest.mark.parametrize('tars', [
    [Tar().symlink('/etc', 'dev')], [Tar().file('proc')], [Tar().symlink('proc', 'sys')],
    [Tar().dir('dev'), Tar().symlink('/etc', 'dev')],
    [Tar().dir('dev'), Tar().file('.wh.dev'), Tar().symlink('/etc', 'dev'), Tar().file('f')],
    [Tar().symlink('/proc/sys/kernel/core_pattern', 'dev/null')],
    [Tar().file('dev/null'), Tar().symlink('/dev/pts/0', 'dev/console')],
])
def test_an_image_with_a_link_or_file_in_place_of_dev_proc_or_sys_is_refused(tmp_path: Path, tars: list[Tar]) -> None:
    with pytest.raises(errors.UnacceptableImage, match=r'/(dev|proc|sys)'):
        unpack.check_special_directories(layers(tmp_path, *tars))


@pytest.mark.parametrize('tars', [
    [], [Tar().file('f')], [Tar().dir('dev').dir('proc').dir('sys')],
    [Tar().symlink('/etc', 'dev'), Tar().dir('dev')],
    [Tar().symlink('/etc', 'dev'), Tar().file('.wh.dev')],
    [Tar().symlink('/x', 'dev/null'), Tar().file('dev/.wh.null')],
    [Tar().symlink('/x', 'dev/null'), Tar().dir('dev').file('dev/.wh..wh..opq')],
    [Tar().symlink('/x', 'dev/null'), Tar().file('.wh.dev'), Tar().dir('dev')],
    [Tar().symlink('/proc/self/fd', 'dev/fd').symlink('pts/ptmx', 'dev/ptmx')],
])
def test_an_image_whose_final_dev_proc_and_sys_are_directories_passes(tmp_path: Path, tars: list[Tar]) -> None:
    unpack.check_special_directories(layers(tmp_path, *tars))
