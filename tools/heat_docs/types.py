# SPDX-License-Identifier: Apache-2.0
"""The resource types that the plug-in registers."""

from heat.engine.resource import Resource

from heat_container import registration


def types() -> dict[str, type[Resource]]:
    """Classes by the names that templates use."""
    return dict(registration.resource_mapping())
