# SPDX-License-Identifier: Apache-2.0
"""All properties of OS::Docker::Container: what makes a container, and what Heat does with it."""

from collections.abc import Mapping

from heat.engine.properties import Schema

from heat_container.schema.container.behaviour import BEHAVIOUR, NAME, PLACE
from heat_container.schema.container.limits import LIMITS
from heat_container.schema.container.network import NETWORK
from heat_container.schema.container.process import HEALTH, IMAGE, PROCESS
from heat_container.schema.container.security import SECURITY
from heat_container.schema.container.storage import STORAGE

MADE: Mapping[str, Schema] = {**IMAGE, **PROCESS, **HEALTH, **LIMITS, **STORAGE, **NETWORK, **SECURITY}
"""What a container is made of: of a pod's members too."""

PROPERTIES: Mapping[str, Schema] = {**NAME, **MADE, **PLACE, **BEHAVIOUR}
RESOURCES = frozenset(name for name, schema in LIMITS.items() if schema.update_allowed) - {'restart_policy'}
"""Limits that change while the container runs."""
