# SPDX-License-Identifier: Apache-2.0
"""Bytes and JSON made wrong in the ways that break parsers."""

import gzip
import json
import lzma
from random import Random

import zstandard

_NUMBERS = (0, -1, 1, 1 << 31, (1 << 63) - 1, 1 << 63, -(1 << 63), 1 << 100, 0.5, 1e308)
_TEXTS = ('', ' ', '\0', '..', '../../etc', '/', 'a' * 5000, 'é\u202e\ud83d\ude00', '%s%n', '\n', 'sha256:',
          'sha256:zz', 'sha256:' + '0' * 64, '0', '-1', 'null', 'true', '{}', '[]', ':', '@', 'a:b:c', '1.1.1.1',
          '::1', '10.0.0.0/33')
_INTERESTING = (b'\0', b'\xff', b'\x7f', b'\x80', b'7777777', b'-1', b'\x1f\x8b', b'{', b'"', b'../', b'\0' * 512)
_PACKERS = (lambda data: data, gzip.compress, lambda data: zstandard.ZstdCompressor().compress(data), lzma.compress)


def odd(random: Random) -> object:
    """A value that is rarely what is wanted."""
    return random.choice((
        lambda: random.choice(_NUMBERS), lambda: random.choice(_TEXTS), lambda: None, lambda: random.random() < 0.5,
        list, dict, lambda: [odd(random)], lambda: {str(random.choice(_TEXTS)): odd(random)},
        lambda: [random.choice(_TEXTS)] * random.randrange(100)))()


def mutated_json(random: Random, value: object) -> object:
    """The same with a few values changed, taken away, or of another type."""
    if random.random() < 0.05:
        return odd(random)
    if isinstance(value, dict):
        return {name: mutated_json(random, inner) for name, inner in value.items() if random.random() > 0.05}
    if isinstance(value, list):
        return [mutated_json(random, inner) for inner in value] * random.choice((1, 1, 1, 1, 0, 3))
    return value


def as_body(random: Random, value: object) -> bytes:
    """JSON, mostly."""
    content = json.dumps(value).encode()
    choice = random.random()
    if choice < 0.03:
        return b'[' * 100_000
    if choice < 0.06:
        return mutated(random, content)
    return content


def mutated(random: Random, content: bytes) -> bytes:
    """Some bytes changed, added, repeated or cut off."""
    found = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 5, 30))):
        if not found:
            break
        at = random.randrange(len(found))
        kind = random.randrange(6)
        if kind == 0:
            found[at] ^= 1 << random.randrange(8)
        elif kind == 1:
            piece = random.choice(_INTERESTING)
            found[at:at + len(piece)] = piece
        elif kind == 2:
            del found[at:at + random.choice((1, 100, 512, 5000))]
        elif kind == 3:
            found[at:at] = found[max(0, at - 512):at]
        elif kind == 4:
            found[at:at] = random.randbytes(random.choice((1, 512)))
        elif random.random() < 0.2:
            del found[at:]
    return bytes(found)


def packed(random: Random, content: bytes) -> bytes:
    """Compressed in any way, at times damaged afterwards."""
    found = random.choice(_PACKERS)(content)
    return mutated(random, found) if random.random() < 0.2 else found
