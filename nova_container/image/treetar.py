# SPDX-License-Identifier: Apache-2.0
"""Read a tree of a container from outside, in a child process chroot-ed into it: a tar, or the status of one path.

The runtime has the words of :func:`words_for` done by the fork server and passes the child's standard output on, or
those of :func:`words_for_stat` and gives the output to :func:`parse_stat`. An error is one line of JSON on standard
error (on standard output for the status).
"""

import argparse
import contextlib
import dataclasses
import os
import stat
import sys
from collections.abc import Sequence
from typing import Any

from nova_container.errors import HostFailure
from nova_container.image import child, pack
from nova_container.image.confined import ConfinedRoot

WORK = 'treetar'
_UNLIMITED_FILE_BYTES = 1 << 62


@dataclasses.dataclass(frozen=True)
class PathStat:
    """Status of a path: mode is st_mode, mtime_ns since 1970, link_target a path inside the root, '' if no link."""

    name: str
    size: int
    mode: int
    mtime_ns: int
    link_target: str


def path_stat(root_dir: str | os.PathLike[str], path: str) -> PathStat:
    """Return the status of a path inside a root; a last link is not followed.

    :raises NotFound: there is nothing at the path.
    :raises InvalidRequest: the path ends with ``/`` and it is no directory.
    """
    root_fd = os.open(root_dir, os.O_RDONLY | os.O_DIRECTORY)
    root = ConfinedRoot(root_fd)
    try:
        found = pack.find(root, path)
        if found.directory_fd is not None:
            os.close(found.directory_fd)
        target = ''
        if stat.S_ISLNK(found.status.st_mode):
            with contextlib.suppress(OSError):
                target = '/' + os.fsdecode(root.final(os.fsencode(path), may_miss=True))
        return PathStat(os.fsdecode(pack.base_name(path)), found.status.st_size, found.status.st_mode,
                        found.status.st_mtime_ns, target)
    finally:
        root.forget()
        os.close(root_fd)


def words_for(root: str | os.PathLike[str], path: str, *, name: str | None = None) -> list[str]:
    """Return the work that writes a tar of a path inside the root, as ``pack.pack_tree`` names the files."""
    named = [] if name is None else [f'--name={name}']
    return [WORK, '--root', os.fspath(root), f'--path={path}', *named]


def words_for_stat(root: str | os.PathLike[str], path: str) -> list[str]:
    """Return the work that prints the status of a path inside the root."""
    return [WORK, '--root', os.fspath(root), f'--path={path}', '--stat']


def parse_stat(stdout: str | bytes) -> PathStat:
    """Return the status the child printed.

    :raises ContainerError: the class the child reported.
    """
    found = child.result(stdout)
    return PathStat(str(found['name']), int(found['size']), int(found['mode']), int(found['mtime_ns']),
                    str(found['link_target']))


def raise_error(stderr: str | bytes) -> None:
    """Raise what a child that wrote a tar and ended with 1 reported on standard error.

    :raises ContainerError: the class the child reported.
    """
    child.result(stderr)
    raise HostFailure('Archiving a tree of a container failed without a reason')


def main(argv: Sequence[str]) -> int:
    """Run as the child and return the exit code."""
    parser = argparse.ArgumentParser(prog=WORK, description=main.__doc__)
    parser.add_argument('--root', required=True, help='the directory to be shut into')
    parser.add_argument('--path', required=True, help='a path inside it')
    parser.add_argument('--name', help='the name in the tar; empty for none')
    parser.add_argument('--stat', action='store_true', help='print the status, write no tar')
    options = parser.parse_args(argv)

    def status() -> dict[str, Any]:
        child.enter(options.root, _UNLIMITED_FILE_BYTES)
        return dataclasses.asdict(path_stat('/', options.path))

    def tar() -> dict[str, Any]:
        child.enter(options.root, _UNLIMITED_FILE_BYTES)
        for piece in pack.pack_tree('/', options.path, name=options.name):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return {}

    return child.report(status) if options.stat else child.report(tar, sys.stderr)
