# SPDX-License-Identifier: Apache-2.0
"""What the kernel refuses, as our errors: the one table between the engine's verbs and their caller."""

import contextlib
import errno
import os
from collections.abc import Generator, Iterator
from typing import TypeVar

from nova_container import errors

Piece = TypeVar('Piece')

_NO_ROOM = {
    errno.ENOSPC: 'the disk is full', errno.EDQUOT: 'the disk quota is used up',
    errno.EMFILE: 'the engine has too many files open', errno.ENFILE: 'the host has too many files open',
    errno.ENOMEM: 'there is no memory left', errno.EAGAIN: 'no further process or thread can be made',
}


@contextlib.contextmanager
def as_ours() -> Iterator[None]:
    """Let no OSError out. :raises Exhausted: there is no room.  :raises HostFailure: anything else was refused."""
    try:
        yield
    except ConnectionError:  # of a client that sends an archive
        raise
    except OSError as error:
        raise _ours(error) from error
    except RuntimeError as error:
        if 'start new thread' not in str(error):
            raise
        raise errors.Exhausted(f'No room on this host: {_NO_ROOM[errno.EAGAIN]}') from error


def told_as_ours(pieces: Generator[Piece, None, None] | Iterator[Piece]) -> Iterator[Piece]:
    """The same for what is given piece by piece; closing it closes that."""
    with as_ours():
        yield from pieces


def _ours(error: OSError) -> errors.ContainerError:
    number = error.errno or 0
    at = f' ({os.fsdecode(error.filename)})' if isinstance(error.filename, str | bytes | os.PathLike) else ''
    if number in _NO_ROOM:
        return errors.Exhausted(f'No room on this host: {_NO_ROOM[number]}{at}')
    return errors.HostFailure(f'The host refused: {error.strerror or error}{at}')
