# SPDX-License-Identifier: Apache-2.0
"""What a shell would say of a program, looked up inside a hostile root."""

import pytest

from nova_container import errors
from nova_container.runtime import executables

ENV = ('HOME=/root', 'PATH=/bin:/usr/bin')


@pytest.fixture
def root(tmp_path):
    for folder in ('bin', 'usr/bin', 'work'):
        (tmp_path / folder).mkdir(parents=True)
    for name, mode in (('bin/tool', 0o755), ('bin/text', 0o644), ('usr/bin/text2', 0o644), ('work/run', 0o700)):
        (tmp_path / name).write_text('x')
        (tmp_path / name).chmod(mode)
    (tmp_path / 'bin/link').symlink_to('/bin/tool')
    (tmp_path / 'bin/outside').symlink_to('../../../../../../bin/sh')
    (tmp_path / 'bin/loop').symlink_to('loop')
    return str(tmp_path)


@pytest.mark.parametrize('program, code', [
    ('tool', None), ('/bin/tool', None), ('link', None), ('./run', None), ('../bin/tool', None),
    ('text', 126), ('/bin', 126), ('bin/', 127), ('nothing', 127), ('/bin/nothing', 127), ('run', 127), ('loop', 127),
    ('outside', 127), ('/work/run/below', 127), ('', 126)])
def test_a_program_is_there_or_it_is_said_why_not(root, program, code):
    assert executables.fault(root, program, ENV, '/work') == code


def test_without_a_path_no_name_is_found(root):
    assert executables.fault(root, 'tool', (), '/work') == 127


def test_the_text_names_the_program(root):
    executables.check(root, 'tool', ENV, '/')
    with pytest.raises(errors.InvalidSpec, match="'nothing': executable file not found"):
        executables.check(root, 'nothing', ENV, '/')
    with pytest.raises(errors.InvalidSpec, match="'text': permission denied"):
        executables.check(root, 'text', ENV, '/')


def test_a_root_that_is_gone_tells_nothing(tmp_path):
    assert executables.fault(str(tmp_path / 'gone'), 'tool', ENV, '/') is None
