# SPDX-License-Identifier: Apache-2.0
"""OS::Docker::Pod."""

from heat_container.resources.pod.pod import Pod

__all__ = ['Pod']
