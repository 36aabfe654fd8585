# SPDX-License-Identifier: Apache-2.0
"""A client of registries (OCI distribution-spec 1.1, Docker Registry HTTP API V2)."""

from nova_container.registry.client import Registry, Repository
from nova_container.registry.settings import RegistrySettings

__all__ = ['Registry', 'RegistrySettings', 'Repository']
