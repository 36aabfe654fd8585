# SPDX-License-Identifier: Apache-2.0
"""Long work in threads of its own, told of as a stream."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator

from nova_container.engine.registry import Progress
from nova_container.registry.download import GivenUp, Halt

LOG = logging.getLogger(__name__)

_STEP_S = 0.1
_SILENT_S = 1.0


class Board:
    """Where the threads of one work say how far they are. ``halt`` tells them that nobody listens any more."""

    def __init__(self) -> None:
        self.halt = Halt()
        self.lines: queue.SimpleQueue[Progress | None] = queue.SimpleQueue()
        self._told: dict[tuple[str, str], float] = {}

    def say(self, status: str, id: str = '', **fields: object) -> None:
        """A line."""
        self.lines.put(Progress(status=status, id=id, **fields))  # type: ignore[arg-type]

    def print(self, text: str, result: str = '') -> None:
        """Output as it is."""
        self.lines.put(Progress(stream=text, result=result))

    def count(self, status: str, id: str, current_bytes: int, total_bytes: int) -> None:
        """A line that tells how far something is, left out if one has just been."""
        now, key = time.monotonic(), (status, id)
        if now - self._told.get(key, 0.0) >= _STEP_S:
            self._told[key] = now
            self.say(status, id, current_bytes=current_bytes, total_bytes=total_bytes)


def told(work: Callable[[Board], None], name: str) -> Iterator[Progress]:
    """Do the work in a thread and give its lines as they come; raises what it raises.

    Closing the iterator ends the work, and waits until it has.
    """
    board, failures = Board(), list[BaseException]()

    def run() -> None:
        try:
            work(board)
        except GivenUp:
            LOG.info('Nobody waited for %s any more: it was given up', name)
        except BaseException as error:
            failures.append(error)
        finally:
            board.lines.put(None)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        while (line := _next(board)) is not None:
            yield line
    finally:
        board.halt.end()
        thread.join()
    if failures:
        raise failures[0]


def _next(board: Board) -> Progress | None:
    """The next line, or after a silence an empty one: a sign of life."""
    try:
        return board.lines.get(timeout=_SILENT_S)
    except queue.Empty:
        return Progress()
