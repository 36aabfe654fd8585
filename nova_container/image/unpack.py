# SPDX-License-Identifier: Apache-2.0
"""Unpack a layer, or a tree for ``docker cp``, in a child process chroot-ed into the destination.

The runtime has the words of :func:`words_for` (or :func:`words_for_tree`) done by the fork server, with the blob as
standard input, and gives what it printed to :func:`parse_output`. After an error the destination is half filled and the
caller's to delete. The functions that do the work are safe without the chroot as well (see ``confined.py``); the child
makes a mistake in them harmless.
"""

import argparse
import dataclasses
import os
import stat
from collections.abc import Sequence

from nova_container.errors import DigestMismatch, InvalidRequest, NotFound
from nova_container.image import child
from nova_container.image import digest as digests
from nova_container.image.compression import Decompressed
from nova_container.image.confined import ConfinedRoot
from nova_container.image.extract import Extractor
from nova_container.image.special import check_special_directories
from nova_container.image.tar_reader import TarReader
from nova_container.image.tar_source import ByteSource

__all__ = ['WORK', 'UnpackLimits', 'UnpackResult', 'check_special_directories', 'main', 'parse_output', 'unpack_layer',
           'unpack_tree', 'words_for', 'words_for_tree']

WORK = 'unpack'


@dataclasses.dataclass(frozen=True)
class UnpackLimits:
    """What one archive may need: bytes uncompressed (and of any one file), entries, seconds."""

    max_bytes: int = 64 << 30
    max_entries: int = 2_000_000
    deadline_s: float = 1800.0


@dataclasses.dataclass(frozen=True)
class UnpackResult:
    """What an archive was: digest and size in bytes of the uncompressed tar, and its number of entries.

    :ivar hides_below: the layer hides all layers below it, which must then be left out of the mount.
    """

    diff_id: str
    size_bytes: int
    entries: int
    hides_below: bool = False


def unpack_layer(blob: digests.Readable, root: str | bytes | os.PathLike[str] | int, limits: UnpackLimits,
                 expect_diff_id: str | None = None) -> UnpackResult:
    """Unpack a layer, plain or compressed, into a directory fit to be an overlayfs layer.

    :param root: a path, or a descriptor of the directory.
    :raises DigestMismatch: the uncompressed tar is not the expected one.
    :raises UnacceptableImage: an entry breaks a rule, or a limit is broken.
    :raises Corrupt: the blob is damaged.
    :raises Exhausted: the disk is full or the time is over.
    """
    unpacked = _unpack(blob, root, limits, is_layer=True)
    if expect_diff_id is not None and digests.parse(expect_diff_id) != unpacked.diff_id:
        raise DigestMismatch('The uncompressed layer', expect_diff_id, unpacked.diff_id)
    return unpacked


def unpack_tree(stream: digests.Readable, root: str | bytes | os.PathLike[str] | int, into: str, limits: UnpackLimits,
                *, may_change_kind: bool = True) -> UnpackResult:
    """Unpack an ordinary tar at a path inside a root, following links inside the root only.

    :param into: an existing directory, as seen from the root.
    :param may_change_kind: a directory may replace a file, and a file a directory.
    :raises NotFound: there is nothing at the path.
    :raises InvalidRequest: it is no directory, or an entry breaks a rule or limit.
    """
    return _unpack(stream, root, limits, is_layer=False, into=into, may_change_kind=may_change_kind)


def words_for(root: str | os.PathLike[str], limits: UnpackLimits, *, expect_diff_id: str | None = None) -> list[str]:
    """Return the work that unpacks the layer on its standard input into the directory."""
    expected = ['--expect-diff-id', digests.parse(expect_diff_id)] if expect_diff_id else []
    return [WORK, *_limit_arguments(root, limits), *expected]


def words_for_tree(root: str | os.PathLike[str], into: str, limits: UnpackLimits, *,
                   may_change_kind: bool = True) -> list[str]:
    """Return the work that unpacks the ordinary tar on its standard input at a path inside the root."""
    keep = [] if may_change_kind else ['--keep-kind']
    return [WORK, *_limit_arguments(root, limits), '--plain-tree', f'--into={into}', *keep]


def parse_output(stdout: str | bytes) -> UnpackResult:
    """Return the result the child printed.

    :raises ContainerError: the class the child reported.
    :raises HostFailure: the child was killed.
    """
    found = child.result(stdout)
    return UnpackResult(str(found['diff_id']), int(found['size_bytes']), int(found['entries']),
                        bool(found['hides_below']))


def main(argv: Sequence[str]) -> int:
    """Run as the child: read standard input, print one line of JSON, return the exit code."""
    options = _parser().parse_args(argv)
    limits = UnpackLimits(options.max_bytes, options.max_entries, options.deadline)

    def work() -> dict[str, object]:
        with open(0, 'rb', buffering=0, closefd=False) as blob:
            child.enter(options.root, limits.max_bytes)
            if options.plain_tree:
                unpacked = unpack_tree(blob, '/', options.into, limits, may_change_kind=not options.keep_kind)
            else:
                unpacked = unpack_layer(blob, '/', limits, options.expect_diff_id)
        return dataclasses.asdict(unpacked)

    return child.report(work)


def _unpack(stream: digests.Readable, root: str | bytes | os.PathLike[str] | int, limits: UnpackLimits, *,
            is_layer: bool, into: str = '', may_change_kind: bool = True) -> UnpackResult:
    root_fd = os.dup(root) if isinstance(root, int) else os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        source = ByteSource(Decompressed(stream, limits.max_bytes), limits.max_bytes, limits.deadline_s)
        reader = TarReader(source, limits.max_entries)
        extractor = Extractor(root_fd, reader.data, is_layer=is_layer, into=_destination(root_fd, into),
                              may_change_kind=may_change_kind)
        _extract_all(reader, extractor, source, limits)
        return UnpackResult(source.digest, source.size_bytes, reader.headers, extractor.hides_below)
    finally:
        os.close(root_fd)


def _extract_all(reader: TarReader, extractor: Extractor, source: ByteSource, limits: UnpackLimits) -> None:
    place = ''
    try:
        for entry in reader:
            place = entry.shown
            extractor.add(entry, limits.max_bytes)
            source.check_time()
        place = ''
        extractor.finish()
    except (OSError, MemoryError, RecursionError) as error:
        raise child.as_ours(error, place and f'The entry {place} cannot be made') from error
    finally:
        extractor.close()


def _destination(root_fd: int, into: str) -> bytes:
    """Return the path without links, so that the entries of one archive go to one place."""
    root = ConfinedRoot(root_fd)
    try:
        path = root.final(os.fsencode(into))
        parent_fd, name = root.parent(path)
        found = os.lstat(name or b'.', dir_fd=parent_fd)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise NotFound(f'No such directory in the container: {into[:300]!r}: {reason}') from error
    finally:
        root.forget()
    if not stat.S_ISDIR(found.st_mode):
        raise InvalidRequest(f'Not a directory in the container: {into[:300]!r}')
    return path


def _limit_arguments(root: str | os.PathLike[str], limits: UnpackLimits) -> list[str]:
    return ['--root', os.fspath(root), '--max-bytes', str(limits.max_bytes), '--max-entries', str(limits.max_entries),
            '--deadline', str(limits.deadline_s)]


def _parser() -> argparse.ArgumentParser:
    defaults = UnpackLimits()
    parser = argparse.ArgumentParser(prog=WORK, description=main.__doc__)
    parser.add_argument('--root', required=True, help='the directory to be shut into')
    parser.add_argument('--expect-diff-id', help='digest that the uncompressed layer must have')
    parser.add_argument('--max-bytes', type=int, default=defaults.max_bytes)
    parser.add_argument('--max-entries', type=int, default=defaults.max_entries)
    parser.add_argument('--deadline', type=float, default=defaults.deadline_s, help='seconds')
    parser.add_argument('--plain-tree', action='store_true', help='an ordinary tar: .wh. names mean nothing')
    parser.add_argument('--into', default='/', help='with --plain-tree: a directory inside the root')
    parser.add_argument('--keep-kind', action='store_true', help='no directory replaces a file, nor a file a directory')
    return parser
