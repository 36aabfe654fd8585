# SPDX-License-Identifier: Apache-2.0
"""``python -m tools.images [--output DIR] [NAME...]``: build the demo images, all if none is named."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.images.build import IMAGES, MORE, build
from tools.images.packages import PackageMissing


def main(argv: Sequence[str]) -> int:
    """Build the images named and return the exit code."""
    known = (*IMAGES, *MORE)
    parser = argparse.ArgumentParser(prog='python -m tools.images', description='Build the demo images.')
    parser.add_argument('--output', type=Path, default=Path('build/images'), help='directory of the archives')
    parser.add_argument('names', nargs='*', metavar='NAME',
                        help=f'one of {", ".join(known)}; without any {" and ".join(IMAGES)}')
    options = parser.parse_args(argv)
    for name in options.names or IMAGES:
        if name not in known:
            print(f'There is no image {name!r}: choose from {", ".join(known)}', file=sys.stderr)
            return 2
        try:
            print(f'{name}: building', flush=True)
            path = build(name, options.output)
        except PackageMissing as error:
            print(f'{name}: {error}', file=sys.stderr)
            return 1
        print(f'{name}: {path} ({path.stat().st_size / 1e6:.1f} MB)', flush=True)
    return 0


if __name__ == '__main__':
    raise SystemExit(main(sys.argv[1:]))
