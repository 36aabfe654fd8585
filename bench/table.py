# SPDX-License-Identifier: Apache-2.0
"""Tables of text, as a terminal and Markdown both show them."""

from collections.abc import Sequence


def render(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with its first column to the left and the others to the right.

    :raises ValueError: a row has not as many cells as the head.
    """
    for row in rows:
        if len(row) != len(head):
            raise ValueError(f'A row of {len(row)} cells below a head of {len(head)}: {row[0] if row else ""}')
    widths = [max(3, *(len(cell) for cell in column)) for column in zip(head, *rows, strict=True)]
    rule = ['-' * widths[0], *('-' * (width - 1) + ':' for width in widths[1:])]
    return '\n'.join([_line(head, widths), _line(rule, widths), *(_line(row, widths) for row in rows)])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cells[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:],
                                                                                   strict=True))]
    return f'| {" | ".join(padded)} |'
