# SPDX-License-Identifier: Apache-2.0
"""What the driver says of each boot: ``Spawned in 0.123 s (image 0.001, network 0.050, create 0.020, ...)``."""

import dataclasses
import re
from collections.abc import Mapping

_LINE = re.compile(r'\[instance: (?P<instance>[0-9a-f-]{36})\] Spawned in (?P<total>\d+\.\d+) s \((?P<steps>[^)]*)\)')
NEUTRON = ('network', 'wait')
"""Steps in which the driver waits for Neutron: for the ports to be made, and for word that they are wired."""


@dataclasses.dataclass(frozen=True, slots=True)
class Spawn:
    """Seconds of one boot as the driver told them."""

    total_s: float
    steps_s: Mapping[str, float]

    @property
    def driver_s(self) -> float:
        """All but the waits for Neutron."""
        return self.total_s - sum(self.steps_s.get(step, 0.0) for step in NEUTRON)


def parse(text: str) -> dict[str, Spawn]:
    """The last boot of every instance that a log of nova-compute tells of, by uuid."""
    found = {}
    for match in _LINE.finditer(text):
        found[match['instance']] = Spawn(float(match['total']), _steps(match['steps']))
    return found


def _steps(text: str) -> dict[str, float]:
    """``image 0.001, create 0.020`` as a mapping."""
    steps = {}
    for part in filter(None, text.split(', ')):
        name, _, seconds = part.rpartition(' ')
        steps[name] = float(seconds)
    return steps
