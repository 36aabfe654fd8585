# SPDX-License-Identifier: Apache-2.0
"""Which files there are, and what each should hold."""

import functools
from collections.abc import Mapping
from pathlib import Path

from tools.heat_docs import page, readme
from tools.heat_docs.types import types

TOP = Path(__file__).resolve().parents[2]
PAGES = TOP / 'doc' / 'source' / 'heat'
README = TOP / 'heat_container' / 'README.md'


@functools.cache
def wanted() -> Mapping[Path, str]:
    """The content of every file."""
    known = types()
    pages = {PAGES / f'{page.slug(name)}.rst': page.text(name, cls) for name, cls in known.items()}
    return {**pages, PAGES / 'index.rst': page.index(known), README: readme.filled(README.read_text(), known)}


def stale() -> list[Path]:
    """Files that are not as they should be, and pages of types that there are no more."""
    wrong = [path for path, content in wanted().items() if not path.exists() or path.read_text() != content]
    return wrong + [path for path in sorted(PAGES.glob('*.rst')) if path not in wanted()]


def write(path: Path) -> None:
    """Make a file as it should be."""
    if path not in wanted():
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(wanted()[path])
