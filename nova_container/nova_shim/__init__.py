# SPDX-License-Identifier: Apache-2.0
"""Installed as ``nova.virt.container``, where Nova looks: ``compute_driver = container.ContainerDriver``."""

from nova_container.virt.driver import ContainerDriver

__all__ = ['ContainerDriver']
