# SPDX-License-Identifier: Apache-2.0
"""``python -m tools.heat_docs [--check]``: write the pages, or tell which are not current."""

import argparse
import sys
from collections.abc import Sequence

from tools.heat_docs import files


def main(argv: Sequence[str]) -> int:
    """Return the exit code: 1 if ``--check`` finds a page that is not current."""
    parser = argparse.ArgumentParser(prog='python -m tools.heat_docs', description='Pages of the Heat resource types.')
    parser.add_argument('--check', action='store_true', help='write nothing')
    options = parser.parse_args(argv)
    stale = files.stale()
    if options.check:
        for path in stale:
            print(f'{path} is not current: run "python -m tools.heat_docs"', file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        files.write(path)
        print(path)
    return 0


if __name__ == '__main__':
    raise SystemExit(main(sys.argv[1:]))
