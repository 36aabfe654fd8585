# SPDX-License-Identifier: Apache-2.0
"""OS::Docker::Container."""

from heat_container.resources.container.container import Container

__all__ = ['Container']
