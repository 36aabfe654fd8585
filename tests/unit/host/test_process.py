# SPDX-License-Identifier: Apache-2.0
"""Commands: bytes in and out, typed errors, deadlines, nothing of our environment."""

import errno
import os
import subprocess
import time

import pytest

from nova_container import errors
from nova_container.host import process


def test_output_is_returned_and_input_given():
    assert process.run('cat', input=b'a\0b') == b'a\0b'
    assert process.run('cat') == b''


def test_a_command_sees_a_fixed_environment(monkeypatch):
    monkeypatch.setenv('SECRET', 'x')
    said = process.run('env').decode().split('\n')
    assert {line.partition('=')[0] for line in said if line} == {'PATH', 'LANG'}


def test_nothing_is_given_to_a_shell():
    assert process.run('echo', '$HOME; `id`') == b'$HOME; `id`\n'


def test_a_failure_carries_what_was_said():
    with pytest.raises(errors.CommandFailed, match='sh ended with 3: no such luck') as caught:
        process.run('sh', '-c', 'echo out; echo no such luck >&2; exit 3')
    assert caught.value.code == 3


def test_a_missing_program_is_a_failure_of_the_command():
    for call in (process.run, lambda name: process.spawn([name])):
        with pytest.raises(errors.CommandFailed, match='No such file') as caught:
            call('/no/such/program')
        assert caught.value.code == 127


def test_a_command_that_hangs_is_killed():
    began = time.monotonic()
    with pytest.raises(errors.Unavailable, match='did not end within 0.1 s'):
        process.run('sleep', '600', timeout_s=0.1)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize('number', [errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM])
def test_no_room_for_a_process_is_exhausted(monkeypatch, number):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(subprocess, 'Popen', refuse)
    for call in (process.run, lambda name: process.spawn([name])):
        with pytest.raises(errors.Exhausted, match='true could not be started'):
            call('true')


def test_letting_go_returns_what_was_said_though_a_grandchild_holds_the_pipe():
    child = process.spawn(['sh', '-c', 'echo said >&2; sleep 5 & exit 2'], stderr=process.PIPE)
    began = time.monotonic()
    assert process.let_go(child, 10) == b'said\n'
    assert (child.returncode, time.monotonic() - began < 4) == (2, True)


def test_letting_go_kills_what_does_not_end():
    child = process.spawn(['sleep', '600'], stdin=process.PIPE, stdout=process.PIPE)
    assert process.let_go(child, 0.05) == b''
    assert child.returncode == -9


def test_a_program_is_found_in_the_systems_folders_only(tmp_path, monkeypatch):
    (tmp_path / 'mine').write_text('#!/bin/sh\n')
    (tmp_path / 'mine').chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(errors.HostFailure, match='mine is not installed'):
        process.find('mine')
    assert process.find(str(tmp_path / 'mine')) == str(tmp_path / 'mine')
    assert process.find('sh').endswith('/sh')
