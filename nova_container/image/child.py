# SPDX-License-Identifier: Apache-2.0
"""Child processes that work inside a directory tree somebody else wrote: how they are started, shut in, and heard.

The caller starts the ``argv`` made here with an empty environment and closed descriptors, through its own door to
processes. The child is Python with only the capabilities that unpacking needs (by setpriv, where util-linux has it),
chroot-ed into the tree with its limits set, its imports shut: a module found after chroot would be the tenant's code.
It prints one line of JSON: its result, or ``{"error": kind, "message": sentence}`` and exit code 1.
"""

import errno
import json
import os
import resource
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import isal
import zstandard

from nova_container import errors

_SETPRIV = '/usr/bin/setpriv'
_CAPABILITIES = ('chown', 'dac_override', 'fowner', 'fsetid', 'mknod', 'setfcap', 'sys_admin', 'sys_chroot')
_MEMORY_BYTES = 2 << 30
_BOOT = ('import sys; sys.path[:0] = sys.argv.pop(1).split(":"); from {module} import main; '
         'sys.exit(main(sys.argv[1:]))')

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_HOST_FAULTS = (errno.EPERM, errno.EACCES, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE)


def argv(module: str, arguments: Sequence[str]) -> list[str]:
    """Return the command that runs ``main`` of the module, from an installed package or a checkout alike."""
    # Without site, whose .pth files may cost more than all else: so where our packages are is told.
    homes = ':'.join(dict.fromkeys(str(Path(str(package.__file__)).resolve().parent.parent)
                                   for package in (errors, isal, zstandard)))
    confine = [_SETPRIV, '--no-new-privs', '--bounding-set', ','.join(['-all', *(f'+{cap}' for cap in _CAPABILITIES)])]
    python = [sys.executable, '-I', '-S', '-c', _BOOT.format(module=module), homes, *arguments]
    return confine + python if os.path.exists(_SETPRIV) else python


def enter(root: str, max_file_bytes: int) -> None:
    """Shut this process into the directory for good and set its limits.

    :raises OSError: not root, or there is no such directory.
    """
    os.chdir(root)
    os.chroot('.')
    sys.meta_path.clear()
    sys.path.clear()
    os.umask(0)
    _lower(resource.RLIMIT_FSIZE, max_file_bytes)
    _lower(resource.RLIMIT_AS, _MEMORY_BYTES)
    _lower(resource.RLIMIT_CORE, 0)


def report(work: Callable[[], Mapping[str, Any]], stream: TextIO | None = None) -> int:
    """Do the work and return the exit code; print its result or its error.

    :param stream: where an error goes if standard output carries something else; the result is then not printed.
    """
    out = stream or sys.stdout
    try:
        line, code = dict(work()), 0
        if stream is not None:
            return code
    except Exception as error:
        ours = as_ours(error, '')
        line, code = {'error': ours.kind, 'message': str(ours)}, 1
    out.write(json.dumps(line) + '\n')
    out.flush()
    return code


def as_ours(error: Exception, place: str) -> errors.ContainerError:
    """Return the error of our tree for what went wrong while working at a place (shown in the sentence)."""
    if isinstance(error, errors.ContainerError):
        return error
    at = f'{place}: ' if place else ''
    if isinstance(error, MemoryError):
        return errors.UnacceptableImage(f'{at}unpacking needs too much memory')
    if not isinstance(error, OSError) or error.errno is None:
        return errors.HostFailure(f'{at}{type(error).__name__}: {str(error)[:300]}')
    reason = os.strerror(error.errno)
    if error.errno in _NO_ROOM:
        return errors.Exhausted(f'{at}{reason}')
    if error.errno in _HOST_FAULTS:
        return errors.HostFailure(f'{at}{reason}')
    return errors.UnacceptableImage(f'{at}{reason}')


def result(stdout: str | bytes) -> dict[str, Any]:
    """Return what the child printed.

    :raises ContainerError: the class that the child reported.
    :raises HostFailure: it printed nothing whole: it was killed.
    """
    lines = stdout.splitlines()
    try:
        line = json.loads(lines[-1])
    except (IndexError, ValueError):
        raise errors.HostFailure('The unpacking process was killed or ended without a result') from None
    if 'error' in line:
        raise _error_of(str(line['error']), str(line.get('message', '')))
    return dict(line)


def _error_of(kind: str, message: str) -> errors.ContainerError:
    pending: list[type[errors.ContainerError]] = [errors.ContainerError]
    while pending:
        candidate = pending.pop()
        if candidate.kind == kind:
            # Some classes build their sentence from arguments; this one is complete already.
            made = candidate.__new__(candidate, message)
            Exception.__init__(made, message)
            return made
        pending += candidate.__subclasses__()
    return errors.HostFailure(message)


def _lower(which: int, limit: int) -> None:
    _, hard = resource.getrlimit(which)
    limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(which, (limit, limit))
