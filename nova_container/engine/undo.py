# SPDX-License-Identifier: Apache-2.0
"""Undo as a list: what was done is taken back, last first, when a later step fails."""

import contextlib
from collections.abc import Callable, Iterator

Undo = Callable[[str, Callable[[], object]], None]


@contextlib.contextmanager
def undo_on_error() -> Iterator[Undo]:
    """Run the collected undo steps, last first, if the block fails; the first error is the one raised.

    Failures of the undo are attached to it as notes.
    """
    steps: list[tuple[str, Callable[[], object]]] = []

    def undo(what: str, step: Callable[[], object]) -> None:
        steps.append((what, step))

    try:
        yield undo
    except BaseException as failure:
        for what, step in reversed(steps):
            try:
                step()
            except Exception as error:
                failure.add_note(f'undo of {what} failed: {error}')
        raise
