# SPDX-License-Identifier: Apache-2.0
import os
import shutil
import subprocess

import pytest

from nova_container.host.sealed import SealedProgram


def test_a_copy_runs_and_cannot_be_changed():
    path = SealedProgram('/bin/echo').path
    assert path.startswith(f'/proc/{os.getpid()}/fd/')
    assert subprocess.run([path, 'hello'], capture_output=True, check=True).stdout == b'hello\n'
    with pytest.raises(OSError), open(path, 'r+b') as file:
        file.write(b'x')


def test_the_copy_is_made_once():
    program = SealedProgram('/bin/echo')
    assert program.path == program.path


def test_an_upgraded_program_is_copied_again(tmp_path):
    installed = tmp_path / 'program'
    shutil.copy('/bin/true', installed)
    program = SealedProgram(str(installed))
    before = program.path
    installed.unlink()
    shutil.copy('/bin/false', installed)
    assert program.path != before
    assert subprocess.run([program.path], check=False).returncode == 1
    assert subprocess.run([before], check=False).returncode == 0


def test_a_program_that_is_gone_runs_from_its_copy(tmp_path):
    installed = tmp_path / 'program'
    shutil.copy('/bin/true', installed)
    program = SealedProgram(str(installed))
    before = program.path
    installed.unlink()
    assert program.path == before
