# SPDX-License-Identifier: Apache-2.0
"""Threads for what changes a thread for good, such as its namespaces: used once, never given back to a pool."""

import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar('Result')


def run(name: str, action: Callable[[], Result]) -> Result:
    """Run ``action`` in a thread of its own, wait for it, and return or raise what it does."""
    results: list[Result] = []
    failures: list[BaseException] = []

    def act() -> None:
        try:
            results.append(action())
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=act, name=name, daemon=True)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return results[0]
