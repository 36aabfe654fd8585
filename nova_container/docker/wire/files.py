# SPDX-License-Identifier: Apache-2.0
"""Files inside <-> the X-Docker-Container-Path-Stat header and the body of GET /containers/{id}/changes."""

import base64
import binascii
import json
import stat

from nova_container import errors
from nova_container.docker.wire import units
from nova_container.docker.wire.document import Document, Json
from nova_container.engine import state

STAT_HEADER = 'X-Docker-Container-Path-Stat'

# Go's os.FileMode (src/io/fs/fs.go) of st_mode's file types and special bits
_TYPES = {stat.S_IFDIR: 1 << 31, stat.S_IFLNK: 1 << 27, stat.S_IFBLK: 1 << 26, stat.S_IFIFO: 1 << 25,
          stat.S_IFSOCK: 1 << 24, stat.S_IFCHR: 1 << 26 | 1 << 21, stat.S_IFREG: 0}
_BITS = {stat.S_ISUID: 1 << 23, stat.S_ISGID: 1 << 22, stat.S_ISVTX: 1 << 20}
_TYPE_MASK = 1 << 31 | 1 << 27 | 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21


def stat_header(found: state.FileStat) -> str:
    body = {'name': found.name, 'size': found.size_bytes, 'mode': go_mode(found.mode),
            'mtime': units.timestamp_of(found.modified_at), 'linkTarget': found.link_target}
    return base64.b64encode(json.dumps(body).encode()).decode()


def stat_of(header: str) -> state.FileStat:
    """:raises Corrupt: the header is not base64 of JSON."""
    try:
        body = Document(json.loads(base64.b64decode(header, validate=True)))
    except (binascii.Error, ValueError):
        raise errors.Corrupt(f'{STAT_HEADER} is not base64 of JSON') from None
    return state.FileStat(name=body.text('name'), size_bytes=body.integer('size') or 0,
                          mode=unix_mode(body.integer('mode') or 0), link_target=body.text('linkTarget'),
                          modified_at=units.seconds_of(body.text('mtime')) or 0.0)


def go_mode(mode: int) -> int:
    """``st_mode`` as Go's os.FileMode."""
    bits = sum(go for unix, go in _BITS.items() if mode & unix)
    return stat.S_IMODE(mode) & 0o777 | bits | _TYPES.get(stat.S_IFMT(mode), 0)


def unix_mode(mode: int) -> int:
    """Go's os.FileMode as ``st_mode``."""
    kind = next(unix for unix, go in _TYPES.items() if go == mode & _TYPE_MASK or unix == stat.S_IFREG)
    return mode & 0o777 | sum(unix for unix, go in _BITS.items() if mode & go) | kind


def changes_body(changes: tuple[state.Change, ...]) -> list[Json] | None:
    """Docker answers null when nothing changed."""
    return [{'Path': change.path, 'Kind': int(change.kind)} for change in changes] or None


def changes_of(rows: object) -> tuple[state.Change, ...]:
    return tuple(state.Change(row.text('Path'), state.ChangeKind(row.integer('Kind') or 0))
                 for row in Document({'Changes': rows}).documents('Changes'))
