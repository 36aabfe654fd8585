# SPDX-License-Identifier: Apache-2.0
"""Whether a program can be run inside a root: looked up after a failure, to tell the caller's fault from the host's."""

import os
import posixpath
import stat
from collections.abc import Sequence

from nova_container import errors
from nova_container.image.confined import ConfinedRoot

NOT_FOUND, NOT_EXECUTABLE = 127, 126  # as a shell says it
_FAULTS = {NOT_FOUND: 'executable file not found in the image: change the command or the image',
           NOT_EXECUTABLE: 'permission denied, as it is not an executable file: change the command or the image'}


class Unrunnable(errors.InvalidSpec):
    """There is no such program to run; ``code`` is what a shell would end with."""

    def __init__(self, message: str, code: int = 127) -> None:
        super().__init__(message)
        self.code = code


def fault(root: str, program: str, env: Sequence[str], cwd: str) -> int | None:
    """127 if there is no such program, 126 if it is no executable file, None if it could be run.

    ``root`` is a container's root as the host sees it; ``env`` gives PATH for a name without a slash.
    """
    found = None
    for candidate in _candidates(program, env, cwd):
        kind = _kind(root, candidate)
        if kind == 0:
            return None
        found = found or kind
    return found or NOT_FOUND


def fault_of_exec(root: str, program: str, env: Sequence[str], cwd: str) -> int | None:
    """As ``fault``, and 126 if there is no directory ``cwd``: only the start of a container makes it."""
    if _kind(root, cwd) is None:
        return NOT_EXECUTABLE
    return fault(root, program, env, cwd)


def check(root: str, program: str, env: Sequence[str], cwd: str) -> None:
    """:raises Unrunnable: it cannot be run; the text says why, with the words that the docker command looks for."""
    raise_fault(fault(root, program, env, cwd), program)


def raise_fault(code: int | None, program: str) -> None:
    """:raises Unrunnable: there is a code."""
    if code is not None:
        raise Unrunnable(f'exec: {program!r}: {_FAULTS[code]}', code)


def code_of(error: errors.ContainerError) -> int | None:
    """The exit code for a start that failed so; None if it is not for want of a program."""
    return error.code if isinstance(error, Unrunnable) else None


def _candidates(program: str, env: Sequence[str], cwd: str) -> list[str]:
    if '/' in program:
        return [posixpath.join(cwd, program)]
    path = next((entry.removeprefix('PATH=') for entry in env if entry.startswith('PATH=')), '')
    return [posixpath.join(folder, program) for folder in path.split(':') if folder]


def _kind(root: str, path: str) -> int | None:
    """0 if it is an executable file, 126 if it is something else, None if there is nothing."""
    try:
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:  # the container has ended
        return 0
    confined = ConfinedRoot(descriptor)
    try:
        folder, name = confined.parent(confined.final(os.fsencode(path)))
        found = os.lstat(name or b'.', dir_fd=folder)
    except OSError:
        return None
    finally:
        confined.forget()
        os.close(descriptor)
    executable = stat.S_ISREG(found.st_mode) and found.st_mode & 0o111
    return 0 if executable else NOT_EXECUTABLE
