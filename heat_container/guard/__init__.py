# SPDX-License-Identifier: Apache-2.0
"""An engine as one resource of a stack sees it: what is another project's is not there, what its level denies, denied.

Every verb passes here, so values of attributes, members of groups, signals and restored snapshots are judged as much as
properties are.
"""

from typing import cast

from heat_container.endpoints import Endpoint as Place
from heat_container.guard.base import Caller, Own
from heat_container.guard.shared import Shared
from nova_container.engine import Engine

__all__ = ['Caller', 'guarded']


def guarded(engine: Engine, place: Place, caller: Caller) -> Engine:
    """The engine for one resource."""
    return cast(Engine, Shared(engine, place, caller) if place.shared else Own(engine, caller))
