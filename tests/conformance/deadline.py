# SPDX-License-Identifier: Apache-2.0
"""Wait for what an engine does in its own time."""

import time
from collections.abc import Callable


def eventually(holds: Callable[[], object], timeout_s: float = 15.0) -> None:
    """Pass as soon as it holds. :raises AssertionError: it did not in time."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f'did not happen within {timeout_s:g} s'
        time.sleep(0.02)
