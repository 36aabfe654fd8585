# SPDX-License-Identifier: Apache-2.0
"""Maps of sparse files in tars: old GNU, PAX 0.0, 0.1 and 1.0 (GNU tar manual, "Storing Sparse Files")."""

from collections.abc import Mapping, Sequence

from nova_container.errors import UnacceptableImage
from nova_container.image import tar_header
from nova_container.image.tar_source import ByteSource

MAX_SEGMENTS = 1 << 18

Segments = tuple[tuple[int, int], ...]

_OLD_MAP, _OLD_EXTENDED, _OLD_REAL_SIZE = 386, 482, 483
_EXTENSION_EXTENDED = 504


def old_gnu(block: bytes, source: ByteSource) -> tuple[int, Segments]:
    """Read the real size and the map of a header of type S, with the blocks that extend it.

    :raises UnacceptableImage: the map is malformed.
    """
    real_size = tar_header.natural(tar_header.number(block[_OLD_REAL_SIZE:_OLD_REAL_SIZE + 12]))
    numbers = _old_numbers(block[_OLD_MAP:_OLD_EXTENDED])
    extended = block[_OLD_EXTENDED] != 0
    while extended:
        block = source.take(tar_header.BLOCK)
        numbers += _old_numbers(block[:_EXTENSION_EXTENDED])
        extended = block[_EXTENSION_EXTENDED] != 0
        _check_count(len(numbers) // 2)
    return real_size, _paired(numbers)


def pax_0(records: Sequence[tuple[bytes, bytes]], fields: Mapping[bytes, bytes]) -> Segments:
    """Read the map of PAX 0.1 (one record) or 0.0 (a pair of records for each segment).

    :raises UnacceptableImage: the map is malformed.
    """
    if b'GNU.sparse.map' in fields:
        text = fields[b'GNU.sparse.map']
        numbers = [tar_header.decimal(item) for item in text.split(b',')] if text else []
    else:
        wanted = (b'GNU.sparse.offset', b'GNU.sparse.numbytes')
        ordered = [(key, value) for key, value in records if key in wanted]
        if any(key != wanted[index % 2] for index, (key, _) in enumerate(ordered)):
            raise UnacceptableImage('A sparse file has a malformed map')
        numbers = [tar_header.decimal(value) for _, value in ordered]
    return _paired(numbers)


def pax_1(source: ByteSource, stored: int) -> tuple[int, Segments]:
    """Read the map of PAX 1.0, which stands before the data, and return its length in bytes with it.

    :raises UnacceptableImage: the map is malformed or longer than what is stored.
    """
    taken, text = 0, b''
    wanted: int | None = None
    lines: list[bytes] = []
    while wanted is None or len(lines) < wanted:
        if taken + tar_header.BLOCK > stored:
            raise UnacceptableImage('A sparse file has a map longer than its data')
        text += source.take(tar_header.BLOCK)
        taken += tar_header.BLOCK
        *complete, text = text.split(b'\n')
        lines += complete
        if wanted is None and lines:
            wanted = 1 + 2 * tar_header.decimal(lines[0])
            _check_count(wanted // 2)
        if len(text) > 20 and (wanted is None or len(lines) < wanted):
            raise UnacceptableImage('A sparse file has a malformed map')
    return taken, _paired([tar_header.decimal(line) for line in lines[1:wanted]])


def check(segments: Segments, real_size: int, stored: int) -> None:
    """Check that the segments are in order, within the file, and as long together as what is stored.

    :raises UnacceptableImage: they are not.
    """
    end = 0
    for offset, length in segments:
        if offset < end or length < 0 or offset + length > real_size:
            raise UnacceptableImage('A sparse file has segments that overlap or lie outside')
        end = offset + length
    if sum(length for _, length in segments) != stored:
        raise UnacceptableImage('The segments of a sparse file do not match its size')


def _old_numbers(area: bytes) -> list[int]:
    numbers: list[int] = []
    for position in range(0, len(area), 24):
        if area[position] == 0:
            break
        numbers += [tar_header.number(area[start:start + 12]) for start in (position, position + 12)]
    return numbers


def _paired(numbers: Sequence[int]) -> Segments:
    if len(numbers) % 2:
        raise UnacceptableImage('A sparse file has a malformed map')
    _check_count(len(numbers) // 2)
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _check_count(segments: int) -> None:
    if segments > MAX_SEGMENTS:
        raise UnacceptableImage(f'A sparse file has more than {MAX_SEGMENTS} segments')
