# SPDX-License-Identifier: Apache-2.0
"""Tars for tests, made with the standard library, so that writer and reader are not of one mind."""

import io
import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nova_container.image import unpack

LIMITS = unpack.UnpackLimits(max_bytes=64 << 20, max_entries=200_000, deadline_s=60)


class Tar:
    """A tar under construction; every method gives the tar back, so that one expression describes one tar."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def add(self, name: str, kind: bytes, content: bytes = b'', **fields: Any) -> 'Tar':
        pax = fields.pop('pax', {})
        info = tarfile.TarInfo(name)
        info.type, info.size = kind, len(content)
        for field, value in ({'mode': 0o644} | fields).items():
            setattr(info, field, value)
        info.pax_headers = pax
        header = info.tobuf(tarfile.PAX_FORMAT, 'utf-8', 'surrogateescape')
        self._pieces += [header, content, bytes(-len(content) % 512)]
        return self

    def dir(self, name: str, mode: int = 0o755, **fields: Any) -> 'Tar':
        return self.add(name, tarfile.DIRTYPE, mode=mode, **fields)

    def file(self, name: str, content: bytes = b'', **fields: Any) -> 'Tar':
        return self.add(name, tarfile.REGTYPE, content, **fields)

    def symlink(self, target: str, name: str) -> 'Tar':
        return self.add(name, tarfile.SYMTYPE, linkname=target, mode=0o777)

    def hardlink(self, target: str, name: str, **fields: Any) -> 'Tar':
        return self.add(name, tarfile.LNKTYPE, linkname=target, **fields)

    def device(self, name: str, kind: bytes, major: int, minor: int) -> 'Tar':
        return self.add(name, kind, devmajor=major, devminor=minor)

    def raw(self, block: bytes) -> 'Tar':
        self._pieces.append(block)
        return self

    def bytes(self) -> bytes:
        return b''.join(self._pieces) + bytes(1024)


def raw_header(name: bytes = b'x', kind: bytes = b'0', size: bytes = b'00000000000\0', tail: bytes = b'',
               magic: bytes = b'ustar\x0000') -> bytes:
    """Return a header block with arbitrary fields and a right checksum; tail replaces what follows offset 345."""
    block = b''.join((name.ljust(100, b'\0'), b'0000644\0', b'0000000\0', b'0000000\0', size, b'00000000000\0',
                      b' ' * 8, kind, bytes(100), magic, bytes(64), bytes(16), tail)).ljust(512, b'\0')
    return block[:148] + b'%06o\0 ' % sum(block) + block[156:]


def unpack_into(root: Path, tar: Tar | bytes, limits: unpack.UnpackLimits = LIMITS) -> unpack.UnpackResult:
    """Unpack a layer in this very process: what must be safe even without the chroot."""
    root.mkdir(exist_ok=True)
    content = tar if isinstance(tar, bytes) else tar.bytes()
    return unpack.unpack_layer(io.BytesIO(content), root, limits)


def listing(top: Path) -> dict[str, tuple[Any, ...]]:
    """Return what there is below a directory: kind, mode, owner, size, content or target of each file."""
    return {os.fsdecode(path): _describe(path) for path in _below(os.fsencode(top))}


def _below(top: bytes) -> Iterator[bytes]:
    for folder, folders, files in os.walk(top):
        yield from (os.path.join(folder, name) for name in folders + files)


def _describe(path: bytes) -> tuple[Any, ...]:
    found = os.lstat(path)
    content: bytes = b''
    if stat.S_ISREG(found.st_mode):
        with open(path, 'rb') as file:
            content = file.read()
    elif stat.S_ISLNK(found.st_mode):
        content = os.readlink(path)
    return (stat.S_IFMT(found.st_mode), stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid, found.st_nlink
            if not stat.S_ISDIR(found.st_mode) else 0, content)
