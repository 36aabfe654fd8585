# SPDX-License-Identifier: Apache-2.0
"""``python -m tools.fuzz.archives``: mutated archives for load, import, copy into a container and build."""

import sys
from collections.abc import Sequence
from random import Random

from tests.fixtures import busybox_image
from tools.fuzz import mutation, tars
from tools.fuzz.runs import main_of
from tools.fuzz.target import Request, Target

_TAR = (('Content-Type', 'application/x-tar'),)
_RECIPES = (
    'FROM localhost/box:1\nCOPY . /c\nADD f /x\n', 'FROM scratch\nCOPY f /\n',
    'FROM localhost/box:1 AS a\nFROM a\nCOPY --from=a /bin /b\n',
    'ARG A=localhost/box:1\nFROM ${A}\nENV B=$A\nWORKDIR /w\nLABEL a="b c" d=e\nUSER 1\nEXPOSE 80\nVOLUME /v\n')


def one(random: Random, target: Target) -> None:
    """Send one archive."""
    target.send(random.choices((_load, _import, _copy, _build), (6, 3, 6, 1))[0](random))


def _load(random: Random) -> Request:
    layers = [random.choice((busybox_image.base_layer, lambda: tars.tree(random), lambda: tars.tree(random)))()
              for _ in range(random.randrange(1, 4))]
    archive = tars.saved(layers, oci=random.random() < 0.4)
    return Request('POST', '/images/load?quiet=1', _spoilt(random, archive), _TAR)


def _import(random: Random) -> Request:
    return Request('POST', '/images/create?fromSrc=-&repo=imported&tag=1', _spoilt(random, tars.tree(random)), _TAR)


def _copy(random: Random) -> Request:
    place = random.choice(('/', '/tmp', '/etc', '/nowhere', '/proc', '/dev', '/bin/sh', '/tmp/../etc', '/etc/hosts'))
    return Request('PUT', f'/containers/runs/archive?path={place}', _spoilt(random, tars.tree(random)), _TAR)


def _build(random: Random) -> Request:
    recipe = random.choice(_RECIPES).encode()
    if random.random() < 0.6:
        recipe = mutation.mutated(random, recipe)
    context = tars.of({'Dockerfile': recipe, 'f': b'x'}) if random.random() < 0.5 else (
        tars.of({'Dockerfile': recipe})[:-1024] + tars.tree(random))
    return Request('POST', '/build?networkmode=none', _spoilt(random, context), _TAR)


def _spoilt(random: Random, archive: bytes) -> bytes:
    if random.random() < 0.7:
        archive = mutation.mutated(random, archive)
    return mutation.packed(random, archive)


def main(argv: Sequence[str] | None = None) -> int:
    """0 if nothing was found."""
    return main_of('tools.fuzz.archives', __doc__, one, argv)


if __name__ == '__main__':
    sys.exit(main())
