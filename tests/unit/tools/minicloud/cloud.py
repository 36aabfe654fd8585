# SPDX-License-Identifier: Apache-2.0
"""An instance that was never started."""

import pathlib

from tools.minicloud import instance
from tools.minicloud import ports


def at(home: pathlib.Path) -> instance.Instance:
    """Return an instance with fixed ports and secrets."""
    return instance.Instance(home, ports.PortPlan(19500), 'secret')
