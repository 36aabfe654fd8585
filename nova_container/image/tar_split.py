# SPDX-License-Identifier: Apache-2.0
"""Make the tar of an unpacked layer again, byte by byte, in a child process chroot-ed into it.

containers/storage keeps beside each layer what its tar was apart from the contents of files (tar-split, version 2 of
github.com/vbatts/tar-split, a line of JSON for each piece): ``{"type": 2, "payload": <base64>}`` is bytes as they are,
``{"type": 1, "name": ..., "size": ...}`` the content of a file, whose name is in ``name_raw`` (base64) if it is no
UTF-8. Whether the files are what they were, the caller sees by the digest.
"""

import argparse
import base64
import binascii
import json
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from isal import igzip

from nova_container.errors import Corrupt
from nova_container.image import child

WORK = 'tar-split'
_BLOCK = 1 << 18
_LINE_BYTES = 4 << 20


def words_for(root: str | os.PathLike[str]) -> list[str]:
    """Return the work that writes the tar of the layer in a folder; its description is standard input, by gzip."""
    return [WORK, '--root', os.fspath(root)]


def main(argv: Sequence[str]) -> int:
    """Run as the child and return the exit code; an error is a line of JSON on standard error."""
    parser = argparse.ArgumentParser(prog=WORK, description=main.__doc__)
    parser.add_argument('--root', required=True, help='the directory to be shut into')
    options = parser.parse_args(argv)

    def work() -> dict[str, Any]:
        with open(0, 'rb', closefd=False) as description:
            child.enter(options.root, 1 << 62)
            for piece in pieces(igzip.IGzipFile(fileobj=description)):  # type: ignore[no-untyped-call]
                sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return {}

    return child.report(work, sys.stderr)


def pieces(description: Any) -> Iterator[bytes]:
    """The tar whose description is a readable file, of the layer in the working directory.

    :raises Corrupt: the description is none, or a file is not as it says.
    """
    while line := description.readline(_LINE_BYTES):
        try:
            entry = json.loads(line)
            if entry['type'] == 2:
                yield base64.b64decode(entry['payload'] or '', validate=True)
            elif size := int(entry.get('size', 0)):
                yield from _content(_name(entry), size)
        except (ValueError, KeyError, TypeError, binascii.Error) as error:
            raise Corrupt(f'The description of a layer is damaged: {error}') from error


def _name(entry: dict[str, Any]) -> bytes:
    raw = entry.get('name_raw')
    name = base64.b64decode(raw, validate=True) if raw else os.fsencode(entry['name'])
    return name.lstrip(b'/')


def _content(name: bytes, size: int) -> Iterator[bytes]:
    shown = os.fsdecode(name)[:300]
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Corrupt(f'The file {shown!r} of a layer cannot be read: {error.strerror}') from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size != size:
            raise Corrupt(f'The file {shown!r} of a layer is not as it was')
        while block := os.read(descriptor, _BLOCK):
            yield block
    finally:
        os.close(descriptor)
