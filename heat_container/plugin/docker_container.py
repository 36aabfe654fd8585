# SPDX-License-Identifier: Apache-2.0
"""For ``plugin_dirs`` of heat.conf: heat loads its files under names of its own, so no class may be defined here."""

from heat_container.registration import resource_mapping  # noqa: F401
