# SPDX-License-Identifier: Apache-2.0
"""Heat and Nova both keep their options in ``oslo_config.cfg.CONF``, and their ``host`` differ: here Heat has its own.

Import Heat, and whatever imports it, within ``swapped``, and run it so too.
"""

import contextlib
from collections.abc import Iterator

from oslo_config import cfg

_OWN = cfg.ConfigOpts()


@contextlib.contextmanager
def swapped() -> Iterator[cfg.ConfigOpts]:
    """``cfg.CONF`` is Heat's meanwhile. Repeatable, and may be nested."""
    others, cfg.CONF = cfg.CONF, _OWN
    try:
        yield _OWN
    finally:
        cfg.CONF = others
