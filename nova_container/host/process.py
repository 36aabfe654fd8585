# SPDX-License-Identifier: Apache-2.0
"""The one door to commands: argv in, bytes out, typed errors. No shell, a fixed PATH, an empty environment."""

import errno
import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import IO, Any

from nova_container import errors

_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
_ENVIRONMENT = {'PATH': _PATH, 'LANG': 'C.UTF-8'}

Source = int | IO[bytes] | None


def find(program: str) -> str:
    """The absolute path of a program. :raises HostFailure: it is not installed."""
    path = shutil.which(program, path=_PATH)
    if path is None:
        raise errors.HostFailure(f'{program} is not installed, or not in {_PATH}')
    return os.path.realpath(path) if os.path.isabs(program) else path


def run(*argv: str, stdin: Source = None, input: bytes | None = None, timeout_s: float = 30.0,
        cwd: str | None = None) -> bytes:
    """Run a command to its end and return its standard output.

    :raises CommandFailed: it ended with an error, or could not be run (code 127).
    :raises Unavailable: it did not end within ``timeout_s`` and was killed.
    """
    try:
        ended: subprocess.CompletedProcess[bytes] = subprocess.run(
            argv, **_input(stdin, input), capture_output=True, env=_ENVIRONMENT, timeout=timeout_s, cwd=cwd,
            check=False)
    except subprocess.TimeoutExpired:
        raise errors.Unavailable(f'{argv[0]} did not end within {timeout_s:g} s and was killed') from None
    except OSError as error:
        raise _not_started(argv, error) from error
    if ended.returncode:
        raise errors.CommandFailed(argv, ended.returncode, (ended.stderr or ended.stdout).decode('utf-8', 'replace'))
    return ended.stdout


def _not_started(argv: Sequence[str], error: OSError) -> errors.ContainerError:
    if error.errno in (errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM):
        return errors.Exhausted(f'{argv[0]} could not be started: {error.strerror}')
    return errors.CommandFailed(argv, 127, error.strerror or str(error))


def _input(stdin: Source, input: bytes | None) -> dict[str, Any]:
    if input is not None:
        return {'input': input}
    return {'stdin': subprocess.DEVNULL if stdin is None else stdin}


def spawn(argv: Sequence[str], *, stdin: Source = None, stdout: Source = None, stderr: Source = None,
          environment: dict[str, str] | None = None, pass_fds: Sequence[int] = (),
          cwd: str | None = None, new_session: bool = False, umask: int = -1) -> subprocess.Popen[bytes]:
    """Start a command; a stream that is None goes nowhere, ``subprocess.PIPE`` makes a pipe.

    :raises CommandFailed: it could not be run.  :raises Exhausted: no further process or pipe can be made.
    """
    def end(source: Source) -> Source:
        return subprocess.DEVNULL if source is None else source

    try:
        return subprocess.Popen(argv, stdin=end(stdin), stdout=end(stdout), stderr=end(stderr),
                                env={**_ENVIRONMENT, **(environment or {})}, pass_fds=pass_fds, cwd=cwd,
                                start_new_session=new_session, umask=umask)
    except OSError as error:
        raise _not_started(argv, error) from error


def let_go(child: subprocess.Popen[bytes], timeout_s: float) -> bytes:
    """Wait until a command ended, or kill it, and return what its pipe of standard error holds by then."""
    try:
        child.wait(timeout_s)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    said = b''
    if child.stderr:  # which a process that the command left behind may keep open
        os.set_blocking(child.stderr.fileno(), False)
        said = child.stderr.read() or b''
    for pipe in filter(None, (child.stdin, child.stdout, child.stderr)):
        pipe.close()
    return said


PIPE = subprocess.PIPE
Child = subprocess.Popen[bytes]
STDOUT = subprocess.STDOUT
