# SPDX-License-Identifier: Apache-2.0
"""How every bench ends: 0 if all ran, whatever the figures are, else a sentence on standard error."""

import signal
import sys
from collections.abc import Callable

from bench.contender import BenchFailed


def ended(name: str, act: Callable[[], None], failures: tuple[type[Exception], ...] = (BenchFailed,)) -> int:
    """Run a bench; its exit code. A SIGTERM unwinds it, so that it cleans up.

    :param failures: what it raises if something did not run.
    """
    try:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        act()
    except failures as error:
        print(f'{name}: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f'{name}: stopped, and cleaned up', file=sys.stderr)
        return 130
    return 0
