# SPDX-License-Identifier: Apache-2.0
"""The resource types that the plug-in registers."""

from heat.engine.resource import Resource

from heat_container import plugin_map


def types() -> dict[str, type[Resource]]:
    """Classes by the names that templates use."""
    return dict(plugin_map.resource_mapping())
